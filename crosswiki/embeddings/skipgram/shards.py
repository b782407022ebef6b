"""Skip-gram on the CPU: compiled, on as many cores as there are shards, and deterministic.

Three ideas. A centre's contexts are divided into groups, and a group shares its noise words, each with the number of
contexts as its weight (Ji et al. 2016, "Parallelizing Word2Vec in Shared and Distributed Memory", section 3): this
keeps the expectation of equation 4 (Mikolov et al. 2013) and saves most of the work. A shard trains on copies of the
rows that it needs, packed together to fit the cache, so no two shards write to the same memory. At the end of a step
the shards' changes are added to the shared matrices in a fixed order, so threads' timing has no influence. Where
several ranks run, rank r trains the shards r, r + ranks, …; all ranks get all shards' rows and add the same changes, so
the bytes are those of one process.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

from crosswiki.embeddings.skipgram import kernels
from crosswiki.embeddings.skipgram.sampling import Ids, Sampled, Sampler
from crosswiki.pipeline.parameters_of_words import SkipGram
from crosswiki.pipeline.ranks import rank, send_to_all, world

Matrix = NDArray[numpy.float32]

FORGETS = 1000  # pairs that move a row by 1 − 1/e of the distance to its optimum; see `merge_weights`
LANES = 16  # rows are padded with zeros to a multiple of a vector register's width


class ShardTrainer:
    """Trains both matrices with several shards, step by step."""

    def __init__(self, counts: NDArray[numpy.int64], centres: Tensor, contexts: Tensor, settings: SkipGram) -> None:
        """Pad and copy the matrices.

        Args:
            counts: how often each word occurs, [vocabulary].
            centres: [vocabulary, dim].
            contexts: [vocabulary, dim].
            settings: dim, shards, and the settings of `Sampler`.
        """
        self.settings = settings
        self.sample = Sampler(counts, settings)
        self._counts = counts
        self._pool = ThreadPoolExecutor(min(settings.shards, os.cpu_count() or 1))
        padding = (0, 0), (0, -settings.dim % LANES)
        self._matrices = numpy.pad(centres.numpy(), padding), numpy.pad(contexts.numpy(), padding)
        self._places = numpy.full((2, settings.shards, len(counts)), -1, numpy.int32)
        self._weights = cache(self._weights_of)  # nearly all steps have the same size
        self._borrowed = [[numpy.empty((0, m.shape[1]), m.dtype)] * settings.shards for m in self._matrices]

    @property
    def centres(self) -> Tensor:
        """The centre vectors, [vocabulary, dim]."""
        return torch.from_numpy(self._matrices[0])[:, : self.settings.dim]

    @property
    def contexts(self) -> Tensor:
        """The context vectors, [vocabulary, dim]."""
        return torch.from_numpy(self._matrices[1])[:, : self.settings.dim]

    def step(self, pieces: list[tuple[Ids, NDArray[numpy.int64]]], rate: float, seed: int) -> tuple[float, int]:
        """Train each shard on a piece of text, in parallel, and merge their changes.

        Args:
            pieces: for each shard (or for fewer) the arguments `tokens` and `ends` of a `Sampler`.
            rate: the learning rate.
            seed: of the draws.

        Returns:
            The summed loss of some pairs and their noise words before the step, in nats, and the number of these pairs.
        """
        self._places.fill(-1)
        jobs = {
            shard: self._pool.submit(self._train, shard, *piece, rate, seed)
            for shard, piece in enumerate(pieces)
            if shard % world() == rank()
        }
        trained = {shard: job.result() for shard, job in jobs.items()}
        totals = [self._from_owner(shard, trained.get(shard, (0.0, 0))) for shard in range(len(pieces))]
        tokens = max((len(tokens) for tokens, _ in pieces), default=0)
        edges = numpy.linspace(0, len(self._counts), self.settings.shards + 1).astype(int)
        for matrix, places, borrowed, weights in zip(
            self._matrices, self._places, self._borrowed, self._weights(tokens), strict=True
        ):
            parts = pairwise(edges)
            merging = [
                self._pool.submit(kernels.merge, matrix, start, end, places, tuple(borrowed), weights)
                for start, end in parts
            ]
            for part in merging:
                part.result()
        return sum(loss for loss, _ in totals), sum(pairs for _, pairs in totals)

    def _train(self, shard: int, tokens: Ids, ends: NDArray[numpy.int64], rate: float, seed: int) -> tuple[float, int]:
        sampled = self.sample(tokens, ends, seed, shard)
        rows = [sampled.words.copy(), numpy.concatenate([sampled.words, sampled.noise])]
        for side, (matrix, ids) in enumerate(zip(self._matrices, rows, strict=True)):
            rows_needed = min(len(matrix), len(ids))
            if len(self._borrowed[side][shard]) < rows_needed:
                self._borrowed[side][shard] = numpy.empty((rows_needed, matrix.shape[1]), matrix.dtype)
            kernels.borrow(matrix, ids, self._places[side, shard], self._borrowed[side][shard])
        contexts, noise = numpy.split(rows[1], [len(sampled.words)])
        local = self._borrowed[0][shard], self._borrowed[1][shard]
        places = Sampled(contexts, sampled.first, sampled.last, noise)
        return descend(*local, rows[0], places, self.settings.negatives, self.settings.shared_negatives, rate)

    def _from_owner(self, shard: int, total: tuple[float, int]) -> tuple[float, int]:
        """Give all ranks a shard's rows and its loss, which its owner has: the rank `shard` modulo the ranks."""
        if world() == 1:
            return total
        owner = shard % world()
        taken = (self._places[:, shard] >= 0).sum(1)
        facts = send_to_all(torch.tensor([*total, *taken], dtype=torch.float64), owner)
        for side, matrix in enumerate(self._matrices):
            places, count = self._places[side, shard], int(facts[2 + side])
            words = numpy.empty(count, numpy.int32)  # in the order of their rows
            if owner == rank():
                known = numpy.flatnonzero(places >= 0)
                words[places[known]] = known
            elif len(self._borrowed[side][shard]) < count:
                self._borrowed[side][shard] = numpy.empty((count, matrix.shape[1]), matrix.dtype)
            for array in (words, self._borrowed[side][shard][:count]):
                send_to_all(torch.from_numpy(array), owner)
            places[words] = numpy.arange(count, dtype=numpy.int32)
        return float(facts[0]), int(facts[1])

    def _weights_of(self, tokens: int) -> list[Matrix]:
        """`merge_weights` of both matrices, for shards that have read `tokens` tokens each."""
        settings, sample = self.settings, self.sample
        kept = self._counts * sample.kept * (tokens / max(int(self._counts.sum()), 1))
        pairs = kept * (
            settings.window + 1 if settings.dynamic_window else 2 * settings.window
        )  # about the contexts of each centre
        collected = pairs * (1 + settings.negatives), pairs + sample.noise * pairs.sum() * settings.negatives
        return [merge_weights(expected, settings.shards).astype(numpy.float32) for expected in collected]


def merge_weights(pairs: NDArray[numpy.float64], shards: int) -> NDArray[numpy.float64]:
    """The weight of the shards' changes to each row when they are added: from 1 (their sum) to 1/W (their mean).

    A row with few pairs takes the sum of the changes of the W shards, as if one shard had read all the text. A row with
    many pairs has converged in each shard; the sum would overshoot in every step and diverge, so it takes the mean.
    Between the two, assume that a pair leaves 1 − 1/FORGETS of a row's distance to its optimum. With x = n / FORGETS, n
    pairs in each of W shards, one shard after the other, move the row (1 − e^−Wx) / (1 − e^−x) times as far as one
    shard does. W equal changes must add up to this.

    Args:
        pairs: expected number of pairs of each row, in one shard and step, [rows].
        shards: W.

    Returns:
        Weights between 1 / shards and 1, [rows].
    """
    x = numpy.maximum(pairs / FORGETS, 1e-9)
    return numpy.expm1(-shards * x) / (shards * numpy.expm1(-x))


def descend(
    centres: Matrix, contexts: Matrix, centre_rows: Ids, sampled: Sampled, negatives: int, shared: int, rate: float
) -> tuple[float, int]:
    """Gradient descent on a piece of text, in place, with a step for each group of contexts.

    All scores of a group are computed before its step.

    Args:
        centres: [rows, dim], float32 or float64.
        contexts: [rows, dim].
        centre_rows: each word's row in `centres`, [P].
        sampled: the piece; its ids are rows of `contexts`.
        negatives: noise words of a group.
        shared: maximum contexts in a group; a centre's contexts are divided evenly.
        rate: the learning rate.

    Returns:
        The summed loss of some groups' pairs before their step, in nats, and the number of these pairs.
    """
    return kernels.descend(
        centres,
        contexts,
        centre_rows,
        sampled.words,
        sampled.first,
        sampled.last,
        sampled.noise,
        negatives,
        shared,
        centres.dtype.type(rate),
    )
