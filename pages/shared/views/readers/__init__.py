"""Views of a reader study."""
