"""A language's commonest prefixes and suffixes, found on its words alone, for languages that have no stemmer.

After Goldsmith 2001 ("Unsupervised Learning of the Morphology of a Natural Language") in what it looks for: what is
left of a word without its affix is a word too, more often than chance would have it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST = 5  # letters of an affix
SHORTEST_CORE = 3  # letters that must be left of a word
LEAST_WORDS = 8  # words in which an affix has been found
LEAST_SHARE = 0.1  # of the words that begin or end so, for which what is left is a word too


@dataclass(frozen=True)
class Affixes:
    """Prefixes and suffixes, each with the share of the words so begun or ended that are a word without it."""

    prefixes: dict[str, float]
    suffixes: dict[str, float]

    def cores(self, word: str) -> Iterator[tuple[str, float]]:
        """What is left of a word without a prefix and a suffix, both possibly empty, and the product of their shares.

        The word itself is the first, with 1.
        """
        for start in range(min(LONGEST, len(word) - SHORTEST_CORE) + 1):
            before = self.prefixes.get(word[:start], 0.0) if start else 1.0
            for end in range(len(word), max(len(word) - LONGEST, start + SHORTEST_CORE) - 1, -1) if before else ():
                after = self.suffixes.get(word[end:], 0.0) if end < len(word) else 1.0
                if after:
                    yield word[start:end], before * after


def find_affixes(words: Iterable[str]) -> Affixes:
    """Find the affixes of a language on its words: those of a list and those of text."""
    known = {word for word in words if word.isalpha()}
    found: dict[str, Counter[str]] = {"prefixes": Counter(), "suffixes": Counter()}
    every: dict[str, Counter[str]] = {"prefixes": Counter(), "suffixes": Counter()}
    for word in known:
        for length in range(1, min(LONGEST, len(word) - SHORTEST_CORE) + 1):
            parts = {"prefixes": (word[:length], word[length:]), "suffixes": (word[-length:], word[:-length])}
            for kind, (affix, rest) in parts.items():
                every[kind][affix] += 1
                found[kind][affix] += rest in known
    shares = {
        kind: {affix: n / every[kind][affix] for affix, n in sorted(counts.items()) if n >= LEAST_WORDS}
        for kind, counts in found.items()
    }
    return Affixes(**{kind: {a: s for a, s in row.items() if s >= LEAST_SHARE} for kind, row in shares.items()})
