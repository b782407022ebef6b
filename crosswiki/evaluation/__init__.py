"""Scores with intervals, baselines that learn from the same labels, the label curve, and model sizes."""
