"""What the tests of word vectors share: small settings, planted corpora, seeded generators."""

from collections.abc import Iterator
from typing import Any

import numpy
import pytest
import torch
from numpy.typing import NDArray

from crosswiki.pipeline.parameters_of_words import SkipGram

Corpus = tuple[NDArray[numpy.int32], NDArray[numpy.int64], NDArray[numpy.int64]]
SETTINGS: dict[str, Any] = {
    "dim": 12,
    "window": 3,
    "dynamic_window": True,
    "negatives": 5,
    "noise_exponent": 0.75,
    "subsample": 0.0,
    "epochs": 2,
    "max_words": None,
    "learning_rate": 0.05,
    "shared_negatives": 3,
    "shards": 2,
    "words_per_step": None,
    "ensemble": 1,
    "vectors": "sum",
    "subword_prior": 0,
    "pretrained": {"source": None, "target": None, "test": None},
    "pretrained_prior": 0,
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The matrices are tiny."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def settings_of(**changes: Any) -> SkipGram:
    """Settings for tiny corpora, with some changed."""
    return SkipGram(**{**SETTINGS, **changes})


def seeded(seed: int) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def planted(documents: int = 120, length: int = 15, group: int = 10) -> Corpus:
    """A corpus of two groups of words that never share a document; even words are one group, odd words the other."""
    generator = numpy.random.default_rng(0)
    texts = [2 * generator.integers(0, group, length) + d % 2 for d in range(documents)]
    tokens = numpy.concatenate(texts).astype(numpy.int32)
    return tokens, numpy.arange(documents + 1) * length, numpy.bincount(tokens, minlength=2 * group)


def zipf(words: int) -> Corpus:
    """Words whose frequencies follow Zipf's law, in documents of 20."""
    share = 1 / numpy.arange(1, words + 1)
    tokens = numpy.random.default_rng(1).choice(words, 40_000, p=share / share.sum()).astype(numpy.int32)
    return tokens, numpy.arange(0, 40_001, 20), numpy.bincount(tokens, minlength=words)
