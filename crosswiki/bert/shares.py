"""A batch that several ranks read, each its share of the texts, with the result of one process that reads it all.

Three things make it so, up to rounding. Every mean over texts is one over the whole batch (`of_the_batch`). Random
numbers are drawn for the whole batch by every rank, which takes those of its texts (`drawing_for_the_batch`, `draw`).
Gradients are added up over the ranks before they are clipped (`average_gradients`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils.data import BatchSampler, DataLoader

from crosswiki.bert.batches import LengthBuckets
from crosswiki.pipeline.ranks import share, sum_over_ranks, world

SHARE = "share_of_batch"  # the key under which a batch says which share it is


@dataclass(frozen=True)
class Share:
    """The texts from `start` to `end` of a batch of `texts`; one that weighs 0 stands for no text."""

    start: int
    end: int
    texts: int
    weight: float = 1.0


_now: Share | None = None


def of_the_batch(mean: Tensor, weight: Tensor | float) -> Tensor:
    """Turn a mean over this rank's texts into its part of the mean over the whole batch.

    The ranks' parts have that mean as their average. With one process it is `mean` itself.

    Args:
        mean: a scalar.
        weight: what it was divided by, such as the number of texts.
    """
    if world() == 1 or _now is None:
        return mean
    own = torch.as_tensor(weight, dtype=torch.float64, device=mean.device) * _now.weight
    whole = sum_over_ranks(own.clone())
    return mean * (own * world() / whole).to(mean.dtype)


def draw(shape: torch.Size, texts: int, device: torch.device) -> Tensor:
    """Uniform numbers for this rank's texts, from the global generator, which every rank moves as one process would.

    Args:
        shape: what is wanted.
        texts: the dimension of the texts.
        device: where.
    """
    if _now is None:
        return torch.rand(shape, device=device)
    whole = (*shape[:texts], _now.texts, *shape[texts + 1 :])
    return torch.rand(whole, device=device).narrow(texts, _now.start, shape[texts])


class _WholeDropout(TorchFunctionMode):
    """Dropout whose mask is this rank's part of the whole batch's."""

    def __init__(self, now: Share, xlnet: bool) -> None:
        super().__init__()
        self.now, self.xlnet = now, xlnet

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is not functional.dropout:
            return func(*args, **kwargs)
        return self._dropout(*args, **kwargs)

    def _dropout(self, inputs: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        texts = 1 if self.xlnet and inputs.dim() == 3 else 0  # XLNet's states are [tokens, texts, hidden]
        if not training or p == 0 or inputs.shape[texts] != self.now.end - self.now.start:
            return functional.dropout(inputs, p, training, inplace)
        shape = (*inputs.shape[:texts], self.now.texts, *inputs.shape[texts + 1 :])
        mask = functional.dropout(inputs.new_ones(shape), p)
        return inputs * mask.narrow(texts, self.now.start, inputs.shape[texts])


@contextmanager
def drawing_for_the_batch(now: Share, model: nn.Module) -> Iterator[None]:
    """Inside the block, this rank reads a share of a batch."""
    global _now  # noqa: PLW0603  # a process trains one model at a time
    _now = now
    try:
        with _WholeDropout(now, getattr(model.config, "model_type", "") == "xlnet"):
            yield
    finally:
        _now = None


def average_gradients(model: nn.Module, loss: Tensor) -> Tensor:
    """Replace gradients by their mean over the ranks, in one message that carries the loss too.

    Returns:
        The loss of the whole batch.
    """
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    flat = sum_over_ranks(torch.cat([*(gradient.flatten() for gradient in gradients), loss.reshape(1).float()]))
    flat /= world()
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()
    return flat[-1]


class ShareLoader(DataLoader[Any]):
    """This rank's shares of the batches: a batch is padded as a whole, so that all shares have its length."""

    def __init__(
        self, texts: Any, order: LengthBuckets, collate: Callable[[list[Any]], dict[str, Tensor]], **options: Any
    ) -> None:
        """Take the batches of `order`.

        Args:
            texts: rows for `collate`.
            order: of the texts.
            collate: from a batch's rows to tensors, whose first dimension is the texts.
            options: of `DataLoader`.
        """
        self._order = order

        def own(rows: list[Any]) -> dict[str, Any]:
            mine = share(len(rows))
            empty = mine.start == mine.stop  # fewer texts than ranks
            start = min(mine.start, len(rows) - 1)
            now = Share(start, start + 1, len(rows), 0.0) if empty else Share(mine.start, mine.stop, len(rows))
            return {**{name: value[now.start : now.end] for name, value in collate(rows).items()}, SHARE: now}

        super().__init__(texts, batch_sampler=BatchSampler(order, order.batch, False), collate_fn=own, **options)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch."""
        self._order.set_epoch(epoch)
