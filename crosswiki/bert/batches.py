"""The order in which a training reads texts, and so which of them share a batch."""

from typing import Any

import numpy
from torch.utils.data import Sampler


class LengthBuckets(Sampler[int]):
    """Texts in a new random order each epoch, but of similar length within a batch, so that there is little padding."""

    def __init__(self, lengths: list[int], batch: int, seed: int) -> None:
        """Remember the lengths.

        Args:
            lengths: tokens of each text.
            batch: texts in a batch.
            seed: of the order, together with the number of the epoch.
        """
        self.lengths = numpy.asarray(lengths)
        self.batch = batch
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; called by the Trainer, after a restart too."""
        self.epoch = epoch

    def __len__(self) -> int:
        """The number of texts."""
        return len(self.lengths)

    def __iter__(self) -> Any:
        """Shuffle, sort within pools of 50 batches, and shuffle the batches."""
        generator = numpy.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(len(self.lengths))
        pools = numpy.split(order, range(50 * self.batch, len(order), 50 * self.batch))
        order = numpy.concatenate([pool[numpy.argsort(-self.lengths[pool], kind="stable")] for pool in pools])
        full = len(order) // self.batch * self.batch
        batches = order[:full].reshape(-1, self.batch)
        yield from batches[generator.permutation(len(batches))].flatten().tolist()
        yield from order[full:].tolist()
