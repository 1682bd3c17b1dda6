"""A plugin that offers a component of a name that is taken."""
