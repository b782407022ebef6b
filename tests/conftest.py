"""Settings that all tests share."""

import os

import pytest
import torch
from hypothesis import settings

os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")  # before MLflow is imported; as tracking sets it for stages
torch.set_num_threads(1)  # three test processes share two cores
settings.register_profile("crosswiki", deadline=None, derandomize=True)
settings.load_profile("crosswiki")
# Files that run the pipeline take minutes: begun first, they end beside the many short ones and not after them: xdist
# hands a process another file when two of its tests are left.
FIRST = (
    *("test_pipeline", "test_wikipedia", "test_tutorial_experiments"),
    *("test_tutorial_language", "test_tracking", "test_architectures", "test_serving", "test_start"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put some files first; within a file the order stays."""
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))
