"""From a trained network to its card."""
