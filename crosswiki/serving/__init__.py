"""Letting the result leave the house: answers to texts, the model card, and MLflow's registry."""
