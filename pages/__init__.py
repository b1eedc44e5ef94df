"""Pick, call, show: one file per page."""
