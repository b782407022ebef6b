"""The graph: one script for each stage of dvc.yaml."""
