"""What learns: the loop, recipes, views of a film, calibration, metrics."""
