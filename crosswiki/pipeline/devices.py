"""Choice of the device: CPU, CUDA or MPS."""

import torch

from crosswiki.pipeline.errors import UserError


def choose_device(wanted: str) -> torch.device:
    """The device that the parameter `device` names; auto takes CUDA, then MPS, then the CPU.

    Raises:
        UserError: this machine has no such device.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, present in available.items() if present))
    if not available[wanted]:
        has = ", ".join(name for name, present in available.items() if present)
        raise UserError(f"params.yaml: device: found {wanted!r}; this machine has {has}")
    return torch.device(wanted)
