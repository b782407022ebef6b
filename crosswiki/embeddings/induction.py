"""Translations that aligned vectors say: each word's nearest source words, where they are near enough."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from crosswiki.embeddings.alignment import Pairs, standardise
from crosswiki.embeddings.dictionary import Entries, hold_out, known_pairs
from crosswiki.embeddings.lexicon import Entry, Translation
from crosswiki.embeddings.search import nearest
from crosswiki.embeddings.spelling import Spelling, compare_spelling
from crosswiki.embeddings.vectors import WordVectors
from crosswiki.pipeline.parameters_of_words import Align

BEST = 5  # translations of a word
TEMPERATURE = 0.1  # of the softmax over their similarity (CSLS)
NEIGHBOURS = 10  # of the right translation: one of them is near enough to it


@dataclass(frozen=True)
class Induced:
    """What aligned vectors say of the other language's words.

    Attributes:
        entries: of the words whose nearest source word is near enough.
        threshold: the least cosine that is; None if held-out words say that none is.
        right: of the held-out words above it, the share whose nearest source word is right or next to it.
        held_out: how many held-out words there are.
    """

    entries: dict[str, Entry]
    threshold: float | None
    right: float
    held_out: int

    @property
    def metrics(self) -> dict[str, float | None]:
        """For a metrics file."""
        threshold = None if self.threshold is None else round(self.threshold, 6)
        found = {"entries": len(self.entries), "threshold": threshold}
        return {
            f"vectors_{name}": value
            for name, value in {**found, "right": round(self.right, 6), "held_out": self.held_out}.items()
        }


def induce(
    source: WordVectors, other: WordVectors, held: Pairs, neighbours: int, spelling: Spelling | None = None
) -> Induced:
    """Find the nearest source words of each word under CSLS and spelling (see `search.nearest`).

    The threshold is the cosine above which the number of held-out words that are translated rightly exceeds the number
    of the others by most. "Rightly": by a known translation, or by one of the `NEIGHBOURS` words nearest to one.

    Args:
        source: standardised vectors of unit length.
        other: the other language's in the same space.
        held: translations that the alignment has not learnt from.
        neighbours: k of CSLS.
        spelling: of the source's words and the other's.
    """
    likeness = spelling.likeness if spelling else None
    found = nearest(other.vectors, source.vectors, neighbours, BEST, likeness)
    best, likely = found.rows, (found.similarity / TEMPERATURE).softmax(1)
    near = (other.vectors * source.vectors[best[:, 0]]).sum(1)
    threshold, right, words = _choose_threshold(source.vectors, best[:, 0], near, held, neighbours)
    entries = {}
    for place, word in enumerate(other.vocabulary.words):
        if threshold is not None and float(near[place]) >= threshold:
            pairs = zip(best[place].tolist(), likely[place].tolist(), strict=True)
            translations = tuple(Translation(source.vocabulary.words[row], round(share, 6)) for row, share in pairs)
            entries[word] = Entry(translations, "vectors")
    return Induced(entries, threshold, right, words)


def induce_beyond(known: Entries, source: WordVectors, other: WordVectors, settings: Align) -> Induced:
    """`induce`, with what the stage `align` has held out of the known translations.

    Args:
        known: all that were known before the alignment.
        source: the source's vectors as they were trained.
        other: the other language's, aligned.
        settings: of the alignment.
    """
    pairs = known_pairs(known, source.vocabulary, other.vocabulary)
    return induce(
        WordVectors(source.vocabulary, standardise(source.vectors)),
        other,
        hold_out(pairs, other.vocabulary, settings.held_out)[1],
        settings.csls_neighbours,
        compare_spelling(source.vocabulary.words, other.vocabulary.words, settings.spelling_weight),
    )


def _choose_threshold(
    source: Tensor, best: Tensor, near: Tensor, held: Pairs, neighbours: int
) -> tuple[float | None, float, int]:
    words = held.other.unique()
    gold: dict[int, set[int]] = {int(word): set() for word in words}
    around = nearest(source[held.source], source, neighbours, NEIGHBOURS).rows
    for word, translation, close in zip(held.other.tolist(), held.source.tolist(), around.tolist(), strict=True):
        gold[word] |= {translation, *close}
    order = sorted(gold, key=lambda word: (-float(near[word]), word))
    hits = torch.tensor([int(best[word]) in gold[word] for word in order], dtype=torch.float64)
    balance = (2 * hits - 1).cumsum(0)
    if not order or float(balance.max()) <= 0:
        return None, 0.0, len(order)
    last = int(balance.argmax())
    edge = near[[order[last], order[min(last + 1, len(order) - 1)]]].mean()  # halfway to the next one
    return float(edge), float(hits[: last + 1].mean()), len(order)


def beside(dictionary: Mapping[str, Entry], induced: Mapping[str, Entry]) -> dict[str, Entry]:
    """A dictionary's entries, and induced ones of the words that it does not have."""
    return {**dictionary, **{word: entry for word, entry in induced.items() if word not in dictionary}}
