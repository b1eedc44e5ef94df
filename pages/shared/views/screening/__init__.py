"""Views of the page Screen."""
