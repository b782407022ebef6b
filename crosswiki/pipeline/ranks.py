"""Processes that train one model together (ranks), as torch's launcher starts them.

Every rank runs the whole stage on the same inputs, and does its share of each batch, reading and skip-gram step.
Rank 0 alone writes, logs and shows progress. `processes` in params.yaml says how many a stage starts; a stage that
torchrun or srun has started (RANK is set) takes part in what is there.
"""

import logging
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from crosswiki.pipeline.errors import UserError

if TYPE_CHECKING:  # most stages need no torch
    from torch import Tensor

Item = TypeVar("Item")

# What makes other libraries believe that they are one of several processes. They shall not: this module decides what
# is shared, and how.
SIGNS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")


@dataclass
class _Place:
    rank: int = 0
    world: int = 1


_place = _Place()


class PeerLostError(Exception):
    """Another rank has ended in the middle."""


def rank() -> int:
    """The number of this process, from 0."""
    return _place.rank


def world() -> int:
    """How many processes there are."""
    return _place.world


def hidden() -> bool | None:
    """For tqdm's `disable`: rank 0 shows progress on a terminal, the others nowhere."""
    return True if _place.rank else None


def share(count: int) -> slice:
    """This rank's share of so many things in a row: they differ by one at most."""
    return slice(count * _place.rank // _place.world, count * (_place.rank + 1) // _place.world)


def started_by_launcher() -> bool:
    """Whether torch's launcher, or one like it, has started this process."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def join(device: str) -> None:
    """Meet the other ranks: NCCL between GPUs, gloo between CPUs. This process sees one GPU, or none, from here on.

    Args:
        device: the parameter `device`.

    Raises:
        UserError: some ranks have a GPU, and some have none.
    """
    local = int(os.environ.get("LOCAL_RANK", "0"))
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    mine = (visible[local] if local < len(visible) else "") if visible else str(local)
    os.environ["CUDA_VISIBLE_DEVICES"] = "" if device == "cpu" else mine
    _place.rank, _place.world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    import torch

    gpu = torch.cuda.is_available()
    if _place.world > 1:
        torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if gpu else "gloo")
    for name in SIGNS:
        os.environ.pop(name, None)
    gpus = int(sum_over_ranks(torch.tensor([int(gpu)])))
    if gpus not in (0, _place.world):
        raise UserError(f"params.yaml: processes: {_place.world} processes see {gpus} GPUs: one for each, or none")


def leave() -> None:
    """Part from the other ranks."""
    from torch import distributed

    if distributed.is_initialized():
        distributed.destroy_process_group()
    _place.rank, _place.world = 0, 1


def sum_over_ranks(tensor: "Tensor") -> "Tensor":
    """Add up a tensor over all ranks, in place; each gets the same bytes.

    Raises:
        PeerLostError: a rank has ended.
    """
    if _place.world > 1:
        from torch import distributed

        try:
            distributed.all_reduce(tensor)
        except RuntimeError as error:
            raise PeerLostError from error
    return tensor


def send_to_all(tensor: "Tensor", owner: int) -> "Tensor":
    """Copy a tensor from the rank `owner` to all others, in place.

    Raises:
        PeerLostError: a rank has ended.
    """
    if _place.world > 1:
        from torch import distributed

        try:
            distributed.broadcast(tensor, owner)
        except RuntimeError as error:
            raise PeerLostError from error
    return tensor


def check_devices(processes: int, device: str) -> None:
    """Refuse more processes than this machine has devices for.

    Raises:
        UserError: it has fewer GPUs, or MPS, which serves one process.
    """
    import torch

    gpus = torch.cuda.device_count() or int(torch.backends.mps.is_available())
    if device != "cpu" and 0 < gpus < processes:
        raise UserError(
            f"params.yaml: processes: found {processes}; this machine has a GPU for {gpus}: "
            f"set it to {gpus}, or device to cpu"
        )


def launch(processes: int, device: str) -> None:
    """Run this program in several processes under torch's launcher, wait, and exit with their status.

    It does what `python -m torch.distributed.run --standalone --nproc-per-node PROCESSES` does, but for its log.

    Raises:
        UserError: see `check_devices`.
    """
    check_devices(processes, device)
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    spec = sys.modules["__main__"].__spec__
    program = ["-m", spec.name.removesuffix(".__main__")] if spec else [sys.argv[0]]
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=str(os.getpid()),
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        local_addr="127.0.0.1",
        max_restarts=0,
    )
    try:
        elastic_launch(config, sys.executable)(*program, *sys.argv[1:])
    except ChildFailedError as error:
        number, failure = error.get_first_failure()
        if failure.exitcode > 0:  # it has said why
            sys.exit(failure.exitcode)
        reason = signal.Signals(-failure.exitcode).name
        print(
            f"{' '.join(sys.argv)}: process {number} of {processes} was ended by {reason}, and the others with it: "
            "run the stage again, and it goes on from its last checkpoint",
            file=sys.stderr,
        )
        sys.exit(1)
    except SignalException as error:
        sys.exit(128 + int(error.sigval))
    sys.exit(0)
