"""Settings that all tests share."""

import torch
from hypothesis import settings

torch.set_num_threads(1)  # two test processes share the cores
settings.register_profile("crosswiki", deadline=None, derandomize=True)
settings.load_profile("crosswiki")
