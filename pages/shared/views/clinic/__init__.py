"""A score where the model is used: what it means there, and thresholds set there."""
