"""Built-in frame selectors."""
