"""Figures from scores and labels: two classes, many classes, thresholds, operating points."""
