"""A batch that is read in parts, by several ranks or one after another, with the result of one reading of it all.

Three things make it so, up to rounding. Every mean over texts is one over the whole batch (`of_the_batch`). Random
numbers are drawn for the whole batch with every part, which takes those of its texts (`drawing_for_the_batch`, `draw`).
Gradients are added up before they are clipped, over the ranks by `average_gradients`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils.data import BatchSampler, DataLoader

from crosswiki.bert.batches import LengthBuckets
from crosswiki.bert.models import forked
from crosswiki.pipeline.ranks import share, sum_over_ranks, world

SHARE = "share_of_batch"  # the key under which a batch says which share it is


@dataclass(frozen=True)
class Share:
    """The texts from `start` to `end` of a batch of `texts`; one that weighs 0 stands for no text."""

    start: int
    end: int
    texts: int
    weight: float = 1.0
    batch: dict[str, Tensor] = field(default_factory=dict)  # the whole one, padded

    def parts(self, at_once: int | None) -> "Iterator[Share]":
        """This share in parts of so many texts; None: in one."""
        size = at_once or self.end - self.start
        for start in range(self.start, self.end, size):
            yield replace(self, start=start, end=min(start + size, self.end))


_now: Share | None = None


def of_the_batch(mean: Tensor, weights: Callable[[dict[str, Tensor]], Tensor] | None = None) -> Tensor:
    """Turn a mean over the texts that are read now into their part of the mean over the whole batch.

    The parts of one rank add up, and the ranks' sums have that mean as their average. Where a batch is read whole, it
    is `mean` itself.

    Args:
        mean: a scalar.
        weights: from the whole batch to what each text counts in the mean, [texts]; None: each 1.
    """
    if _now is None:
        return mean
    whole = torch.ones(_now.texts) if weights is None else weights(_now.batch)
    own = whole[_now.start : _now.end].double().sum() * _now.weight
    return mean * float(own * world() / whole.double().sum())


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
        return self._dropout(*args, **kwargs) if func is functional.dropout else func(*args, **kwargs)

    def _dropout(self, inputs: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        texts = 1 if self.xlnet and inputs.dim() == 3 else 0  # XLNet's states are [tokens, texts, hidden]
        if not training or p == 0 or inputs.shape[texts] != self.now.end - self.now.start:
            return functional.dropout(inputs, p, training, inplace)
        shape = (*inputs.shape[:texts], self.now.texts, *inputs.shape[texts + 1 :])
        mask = functional.dropout(inputs.new_ones(shape), p)
        return inputs * mask.narrow(texts, self.now.start, inputs.shape[texts])


_dropout: _WholeDropout | None = None


@contextmanager
def drawing_for_the_batch(now: Share, model: nn.Module, last: bool = True) -> Iterator[None]:
    """Inside the block, the model reads a part of a batch, forwards and backwards.

    Args:
        now: which part.
        model: that reads.
        last: whether this process reads no more of the batch. After any other part the global generators are put back,
            so that the next one draws the same numbers.
    """
    global _now, _dropout  # noqa: PLW0603  # a process trains one model at a time
    _now, _dropout = now, _WholeDropout(now, getattr(model.config, "model_type", "") == "xlnet")
    try:
        with nullcontext() if last else forked(), _dropout:
            yield
    finally:
        _now = _dropout = None


def drawing_again() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """The first reading of a layer, and the one for its gradients: torch has no such mode while it goes backwards."""
    return nullcontext(), _dropout or nullcontext()


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
            end, batch = start + 1 if empty else mine.stop, collate(rows)
            now = Share(start, end, len(rows), 0.0 if empty else 1.0, batch)
            return {**{name: value[start:end] for name, value in batch.items()}, SHARE: now}

        super().__init__(texts, batch_sampler=BatchSampler(order, order.batch, False), collate_fn=own, **options)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch."""
        self._order.set_epoch(epoch)
