"""Views of the page Models."""
