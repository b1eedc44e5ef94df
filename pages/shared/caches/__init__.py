"""Every cache of the app."""
