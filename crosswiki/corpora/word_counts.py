"""How often each word of a text occurs, however many words there are."""

import heapq
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy
from numpy.typing import NDArray

MOST_WORDS = 500_000  # different ones that are counted in memory; more go to disk, in order


class WordCounts:
    """How often each word occurs: exact, and in memory that is bounded, since sorted runs of them go to disk."""

    def __init__(self, folder: Path, most: int | None = None) -> None:
        """Count from nothing; runs go to `folder`."""
        self._folder, self._most = folder, most or MOST_WORDS
        self._counts: Counter[str] = Counter()
        self._runs: list[Path] = []

    def add(self, words: list[str], counts: NDArray[numpy.int64]) -> None:
        """Add a group's."""
        for word, n in zip(words, counts.tolist(), strict=True):
            self._counts[word] += n
        if len(self._counts) > self._most:
            self._runs.append(self._folder / f"words-{len(self._runs):05d}.tsv")
            with self._runs[-1].open("w", encoding="utf-8") as file:
                file.writelines(f"{word}\t{n}\n" for word, n in sorted(self._counts.items()))
            self._counts.clear()

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Each word once, in order, with its count."""
        runs = [_read_run(path) for path in self._runs]
        merged = heapq.merge(*runs, iter(sorted(self._counts.items())), key=itemgetter(0))
        return ((word, sum(n for _, n in same)) for word, same in groupby(merged, key=itemgetter(0)))


def _read_run(path: Path) -> Iterator[tuple[str, int]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            word, _, n = line.rstrip("\n").partition("\t")
            yield word, int(n)
