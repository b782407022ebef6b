"""Skip-gram on the CPU: compiled, on as many cores as there are shards, and the same bits every time.

Three ideas. The contexts of a centre are taken in groups, and a group shares its noise words, each counted as often
as the group has contexts (Ji et al. 2016, "Parallelizing Word2Vec in Shared and Distributed Memory", section 3): the
expectation of equation 4 (Mikolov et al. 2013) stays, most of the work goes. A shard trains on rows that it borrows,
packed together so that they stay in the cache, and no two shards ever write to the same place. At the end of a step,
what each shard has changed is added to the shared matrices in a fixed order, so that no race decides anything.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

from crosswiki.embeddings.skipgram import kernels
from crosswiki.embeddings.skipgram.reference import keep_probability, noise_distribution
from crosswiki.pipeline.parameters import SkipGram

Ids = NDArray[numpy.int32]
Matrix = NDArray[numpy.float32]

FORGETS = 1000  # pairs after which a row has all but forgotten where it started; see `merge_weights`
FULL = 2**32 - 1  # probabilities are compared as 32-bit integers
LANES = 16  # rows are padded with zeros to a multiple of so many numbers, a vector register


@dataclass(frozen=True)
class Sampled:
    """A piece of text, ready to be trained on: P kept words, and noise words for each group of contexts."""

    words: Ids  # [P]
    first: Ids  # where each word's contexts start, [P]
    last: Ids  # where they end (exclusive); the word itself, which lies between, is none of them, [P]
    noise: Ids  # `negatives` for each group of contexts, in order


class Sampler:
    """Draws what is trained on: which words are kept, how far each centre reaches, and noise words."""

    def __init__(self, counts: NDArray[numpy.int64], settings: SkipGram) -> None:
        """Prepare the distributions.

        Args:
            counts: how often each word occurs, [vocabulary].
            settings: window, subsampling and noise.
        """
        frequency = torch.from_numpy(counts)
        self.settings = settings
        self.kept = keep_probability(frequency, settings.subsample).numpy()
        self.noise = noise_distribution(frequency, settings.noise_exponent).numpy()
        self._keep = (self.kept * FULL).astype(numpy.uint32)
        self._accept, self._alias = alias_table(self.noise)

    def __call__(self, tokens: Ids, ends: NDArray[numpy.int64], seed: int, shard: int = 0) -> Sampled:
        """Draw for a piece of text.

        Args:
            tokens: word ids, [tokens].
            ends: where each of its documents ends, [documents]; the last one at the piece's end.
            seed: of every draw of a step.
            shard: which of the step's pieces it is; each has draws of its own.
        """
        settings, seeds = self.settings, numpy.random.SeedSequence([seed, shard]).generate_state(2, numpy.uint64)
        words, first, last = (numpy.empty(len(tokens), numpy.int32) for _ in range(3))
        kept = kernels.keep_words(
            tokens, ends, self._keep, settings.window, settings.dynamic_window, seeds[0], words, first, last
        )
        words, first, last = words[:kept], first[:kept], last[:kept]
        groups = -(-(last - first - 1) // settings.shared_negatives)
        noise = numpy.empty(int(groups.sum()) * settings.negatives, numpy.int32)
        kernels.draw_noise(self._accept, self._alias, seeds[1], noise)
        return Sampled(words, first, last, noise)


class ShardTrainer:
    """Both matrices, and the room that each shard works in."""

    def __init__(self, counts: NDArray[numpy.int64], centres: Tensor, contexts: Tensor, settings: SkipGram) -> None:
        """Take the matrices, which are padded and copied.

        Args:
            counts: how often each word occurs, [vocabulary].
            centres: [vocabulary, dim].
            contexts: [vocabulary, dim].
            settings: dim, shards and all that `Sampler` needs.
        """
        self.settings = settings
        self.sample = Sampler(counts, settings)
        self._counts = counts
        self._pool = ThreadPoolExecutor(min(settings.shards, os.cpu_count() or 1))
        padding = (0, 0), (0, -settings.dim % LANES)
        self._matrices = numpy.pad(centres.numpy(), padding), numpy.pad(contexts.numpy(), padding)
        self._places = numpy.full((2, settings.shards, len(counts)), -1, numpy.int32)
        self._weights = cache(self._weights_of)  # most steps are of one size
        self._borrowed = [[numpy.empty((0, m.shape[1]), m.dtype)] * settings.shards for m in self._matrices]

    @property
    def centres(self) -> Tensor:
        """The centres' matrix, [vocabulary, dim]."""
        return torch.from_numpy(self._matrices[0])[:, : self.settings.dim]

    @property
    def contexts(self) -> Tensor:
        """The contexts' matrix, [vocabulary, dim]."""
        return torch.from_numpy(self._matrices[1])[:, : self.settings.dim]

    def step(self, pieces: list[tuple[Ids, NDArray[numpy.int64]]], rate: float, seed: int) -> tuple[float, int]:
        """Train each shard on a piece of text, side by side, and merge what they have learnt.

        Args:
            pieces: for each shard (some may go without) the arguments `tokens` and `ends` of a `Sampler`.
            rate: the learning rate.
            seed: of the draws.

        Returns:
            The loss of some pairs with their share of noise before they are trained on, in nats, and how many.
        """
        self._places.fill(-1)
        jobs = [self._pool.submit(self._train, shard, *piece, rate, seed) for shard, piece in enumerate(pieces)]
        totals = [job.result() for job in jobs]
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
            most = min(len(matrix), len(ids))
            if len(self._borrowed[side][shard]) < most:
                self._borrowed[side][shard] = numpy.empty((most, matrix.shape[1]), matrix.dtype)
            kernels.borrow(matrix, ids, self._places[side, shard], self._borrowed[side][shard])
        contexts, noise = numpy.split(rows[1], [len(sampled.words)])
        local = self._borrowed[0][shard], self._borrowed[1][shard]
        places = Sampled(contexts, sampled.first, sampled.last, noise)
        return descend(*local, rows[0], places, self.settings.negatives, self.settings.shared_negatives, rate)

    def _weights_of(self, tokens: int) -> list[Matrix]:
        """`merge_weights` of both matrices, for shards that have read so many tokens each."""
        settings, sample = self.settings, self.sample
        kept = self._counts * sample.kept * (tokens / max(int(self._counts.sum()), 1))
        pairs = kept * (
            settings.window + 1 if settings.dynamic_window else 2 * settings.window
        )  # each centre's contexts, roughly
        collected = pairs * (1 + settings.negatives), pairs + sample.noise * pairs.sum() * settings.negatives
        return [merge_weights(some, settings.shards).astype(numpy.float32) for some in collected]


def merge_weights(pairs: NDArray[numpy.float64], shards: int) -> NDArray[numpy.float64]:
    """How much of what each shard changed in a row is taken over: from all of it down to the mean of the shards.

    A row that few pairs have moved takes the sum of the changes, as if one shard had read all the text. A row that
    many have moved has come to rest in each shard, and the sum would carry it past that place, again and again until
    it diverges: it takes their mean. Between them, let a pair leave 1 − 1/FORGETS of the distance to where the row is
    going: n pairs in each of W shards, one after the other, then cover (1 − e^−Wx) / (1 − e^−x) times what one does,
    x = n / FORGETS, which is what W equal changes must add up to.

    Args:
        pairs: that move a row in one shard and step, in expectation, [rows].
        shards: how many there are.

    Returns:
        Weights between 1 / shards and 1, [rows].
    """
    x = numpy.maximum(pairs / FORGETS, 1e-9)
    return numpy.expm1(-shards * x) / (shards * numpy.expm1(-x))


def alias_table(probability: NDArray[numpy.float64]) -> tuple[NDArray[numpy.uint32], Ids]:
    """Walker's alias method (1977): a word is drawn by one index, even, and one comparison.

    Args:
        probability: of each word, [words].

    Returns:
        How often, of `FULL`, an index stands for itself, and the word that it stands for otherwise, [words] both.
    """
    accept, alias = probability * len(probability), numpy.arange(len(probability), dtype=numpy.int32)
    small, large = (list(numpy.flatnonzero(which)) for which in (accept < 1, accept >= 1))
    while small and large:
        poor, rich = small.pop(), large.pop()
        alias[poor] = rich
        accept[rich] -= 1 - accept[poor]
        (small if accept[rich] < 1 else large).append(rich)
    accept[small + large] = 1  # what rounding has left over
    return (accept * FULL).astype(numpy.uint32), alias


def descend(
    centres: Matrix, contexts: Matrix, centre_rows: Ids, sampled: Sampled, negatives: int, shared: int, rate: float
) -> tuple[float, int]:
    """Take the steps of a piece of text, one group of contexts after the other, in place.

    A group's step is plain gradient descent on its loss: all its scores are taken before anything moves.

    Args:
        centres: [rows, dim], float32 or float64.
        contexts: [rows, dim].
        centre_rows: each word's row in `centres`, [P].
        sampled: the piece; its ids are rows of `contexts`.
        negatives: noise words of a group.
        shared: contexts in a group, at most; a centre's are divided evenly.
        rate: the learning rate.

    Returns:
        The loss of some of the groups' pairs before their step, in nats, and how many pairs those are.
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
