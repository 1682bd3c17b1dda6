"""Writing poses in other formats, and finding the poses of a video."""
