"""Use of the target classifier: answers to texts, the model card, and MLflow's registry."""
