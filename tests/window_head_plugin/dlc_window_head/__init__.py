"""A head that looks at the frame before, the frame itself and the frame after."""
