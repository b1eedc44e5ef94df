"""Read a scan, judge it, show why. No user interface lives here."""

import os

# Before torch loads: threads that wait must not spin, or two sessions on two cores starve each other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
