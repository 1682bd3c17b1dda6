"""A plugin whose hook asks for an argument that does not exist."""
