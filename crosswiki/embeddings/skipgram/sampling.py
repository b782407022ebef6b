"""What skip-gram draws from a piece of text: the words that it keeps, each centre's window, and noise words."""

from dataclasses import dataclass

import numpy
import torch
from numpy.typing import NDArray

from crosswiki.embeddings.skipgram import kernels
from crosswiki.embeddings.skipgram.reference import keep_probability, noise_distribution
from crosswiki.pipeline.parameters_of_words import SkipGram

Ids = NDArray[numpy.int32]

FULL = 2**32 - 1  # probability 1, as a 32-bit integer


@dataclass(frozen=True)
class Sampled:
    """A sampled piece of text: P kept words, and noise words for each group of contexts."""

    words: Ids  # [P]
    first: Ids  # place of each word's first context, [P]
    last: Ids  # end (exclusive) of its contexts; the word itself lies between and is not a context, [P]
    noise: Ids  # `negatives` for each group of contexts, in order


class Sampler:
    """Draws the kept words, each centre's window, and the noise words."""

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
            ends: the end of each document, [documents]; the last one is the end of the piece.
            seed: of all draws of a step.
            shard: number of the piece in the step; each piece has other draws.
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


def alias_table(probability: NDArray[numpy.float64]) -> tuple[NDArray[numpy.uint32], Ids]:
    """The tables of Walker's alias method (1977), which draws a word with one uniform index and one comparison.

    Args:
        probability: of each word, [words].

    Returns:
        The probability (times `FULL`) that an index stands for itself, and the word it stands for otherwise, [words].
    """
    accept, alias = probability * len(probability), numpy.arange(len(probability), dtype=numpy.int32)
    small, large = (list(numpy.flatnonzero(which)) for which in (accept < 1, accept >= 1))
    while small and large:
        poor, rich = small.pop(), large.pop()
        alias[poor] = rich
        accept[rich] -= 1 - accept[poor]
        (small if accept[rich] < 1 else large).append(rich)
    accept[small + large] = 1  # what remains by rounding
    return (accept * FULL).astype(numpy.uint32), alias
