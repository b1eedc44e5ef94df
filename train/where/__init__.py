"""Measure where heat maps are hot against what radiologists outlined."""
