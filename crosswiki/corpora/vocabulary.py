"""A vocabulary: words with their counts, the most frequent first."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy
from numpy.typing import NDArray

from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import replacing


@dataclass(frozen=True)
class Vocabulary:
    """Words and how often each occurs; a word's place is its id."""

    words: tuple[str, ...]
    counts: NDArray[numpy.int64]

    def __len__(self) -> int:
        """The number of words."""
        return len(self.words)

    @cached_property
    def ids(self) -> dict[str, int]:
        """Each word's id."""
        return {word: place for place, word in enumerate(self.words)}


def build_vocabulary(counts: Iterable[tuple[str, int]], min_count: int, maximum: int) -> Vocabulary:
    """Keep the words that occur at least `min_count` times, at most `maximum` of them, by count and then by name.

    Args:
        counts: each word once, with how often it occurs; no more of them than are kept are held in memory.
        min_count: rarer words are left out.
        maximum: of words.

    Raises:
        UserError: no word occurs often enough.
    """
    enough = (item for item in counts if item[1] >= min_count)
    kept = heapq.nsmallest(maximum, enough, key=lambda item: (-item[1], item[0]))
    if not kept:
        raise UserError(f"params.yaml: prepare.min_count: found {min_count}; no word occurs so often, lower it")
    words, numbers = zip(*kept, strict=True)
    return Vocabulary(words, numpy.asarray(numbers, dtype=numpy.int64))


def save_vocabulary(vocabulary: Vocabulary, path: Path) -> None:
    """Write `word<TAB>count` lines."""
    with replacing(path) as partial:
        lines = (f"{word}\t{n}\n" for word, n in zip(vocabulary.words, vocabulary.counts, strict=True))
        partial.write_text("".join(lines), encoding="utf-8")


def load_vocabulary(path: Path) -> Vocabulary:
    """Read what `save_vocabulary` wrote.

    Raises:
        UserError: there is no such file.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file: run the stage that makes it first (dvc repro)")
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return Vocabulary(tuple(row[0] for row in rows), numpy.array([int(row[1]) for row in rows], dtype=numpy.int64))
