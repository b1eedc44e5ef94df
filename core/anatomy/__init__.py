"""Where to look: the lungs, the head."""
