"""Analysis: a network, a video, and the store that poses stream into."""
