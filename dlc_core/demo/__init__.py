"""An articulated animal whose true keypoints are known, and the protocol run on it."""
