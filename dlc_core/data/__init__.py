"""Training data: splits, the packed training set, samples and batches."""
