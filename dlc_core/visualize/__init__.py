"""Pictures of poses: trajectories and labelled videos."""
