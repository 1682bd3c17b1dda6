"""Videos: index-exact reading, writing and probing."""
