"""Label tables in DeepLabCut's layout: reading, writing, merging, checking."""
