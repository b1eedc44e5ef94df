"""One file for each thing that a page shows."""
