"""Finding the frames whose poses are probably wrong."""
