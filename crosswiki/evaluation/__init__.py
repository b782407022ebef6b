"""Scores with intervals, baselines that see the same labels, and curves."""
