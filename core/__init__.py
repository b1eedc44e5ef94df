"""Read a scan, judge it, show why. No user interface lives here."""
