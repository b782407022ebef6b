"""Settings that all tests share."""

import os

import torch
from hypothesis import settings

os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")  # before MLflow is imported; as tracking sets it for stages
torch.set_num_threads(1)  # two test processes share the cores
settings.register_profile("crosswiki", deadline=None, derandomize=True)
settings.load_profile("crosswiki")
