"""Texts of a language read word for word in the source's language, through a lexicon: text in, text out.

A gloss loses word order and endings, and keeps what a dictionary keeps apart: good and bad, which stand in like company
and so have like vectors. A classifier of the source's language reads it as it is.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy
import regex
import torch
from numpy.typing import NDArray

from crosswiki.corpora.text import is_unicode, normalise, segment
from crosswiki.embeddings.lexicon import Entry, Lexicon, Origin, Translation, load_lexicon
from crosswiki.embeddings.vectors import WordVectors, load_vectors, unit

_JOINED = regex.compile(r"[\s'’ʼ-]*")  # what may stand between the words of a phrase
_SPACES = regex.compile(r"\s+")
TINY = 1e-8  # the least length by which a vector is divided
LEAST_PROBABILITY = 1e-6
WINDOW = 5  # units on each side of one are its neighbours
COMMON = 1e-3  # a word's share of the text, at which it says half as much of what a sentence is about


class Unit(NamedTuple):
    """A word or phrase of a text."""

    before: str  # what stands between it and the unit before
    text: str
    translations: tuple[Translation, ...]
    origin: Origin


class Candidates(NamedTuple):
    """A unit's translations, as its context sees them."""

    directions: NDArray[numpy.float32]  # their vectors, of unit length; zeros without one, [translations, dim]
    logarithms: NDArray[numpy.float64]  # of their probabilities, [translations]
    expected: NDArray[numpy.float32] | None  # the mean of their vectors by probability; None if none has one, [dim]


@dataclass(frozen=True)
class Context:
    """The source's own word vectors, which say what a sentence's neighbours make likelier.

    Attributes:
        words: of the source, with their counts.
        weight: of a candidate's cosine with the mean of its neighbours, beside the logarithm of its probability.
    """

    words: WordVectors
    weight: float

    @cached_property
    def _rows(self) -> NDArray[numpy.float32]:
        """Unit vectors, weighted by what each word says of what a text is about: little if it is common.

        Arora et al. 2017, equation 3. [words, dim].
        """
        counts = self.words.vocabulary.counts
        telling = COMMON / (COMMON + torch.from_numpy(counts / counts.sum()).float())
        rows: NDArray[numpy.float32] = (unit(self.words.vectors) * telling[:, None]).numpy()
        return rows

    @cached_property
    def _candidates(self) -> dict[tuple[Translation, ...], Candidates]:
        return {}  # running words are few words over and over

    def vector(self, phrase: str) -> NDArray[numpy.float32] | None:
        """The weighted sum of the vectors of a phrase's words; None if there are none, [dim]."""
        ids = [self.words.vocabulary.ids[word] for word in phrase.split() if word in self.words.vocabulary.ids]
        return self._rows[ids].sum(0) if ids else None

    def candidates(self, translations: tuple[Translation, ...]) -> Candidates:
        """What a unit's translations are to a context."""
        if (known := self._candidates.get(translations)) is None:
            known = self._candidates[translations] = self._prepare(translations)
        return known

    def _prepare(self, translations: tuple[Translation, ...]) -> Candidates:
        vectors = numpy.zeros((len(translations), self._rows.shape[1]), dtype=numpy.float32)
        found = False
        for place, (words, _) in enumerate(translations):
            if (vector := self.vector(words)) is not None:
                vectors[place], found = vector, True
        shares = numpy.array([probability for _, probability in translations])
        lengths = numpy.linalg.norm(vectors, axis=1, keepdims=True)
        expected = (vectors * shares[:, None].astype(numpy.float32)).sum(0) if found else None
        logarithms = numpy.log(numpy.maximum(shares, LEAST_PROBABILITY))
        return Candidates(vectors / numpy.maximum(lengths, TINY), logarithms, expected)

    def choose(self, units: Sequence[Unit]) -> list[str | None]:
        """The best translation of each unit among its neighbours' translations; None where it has none."""
        candidates = [self.candidates(unit_.translations) for unit_ in units]
        chosen: list[str | None] = []
        for place, unit_ in enumerate(units):
            best = 0
            if len(unit_.translations) > 1:
                around = range(max(0, place - WINDOW), min(place + 1 + WINDOW, len(units)))
                near = [candidates[other].expected for other in around if other != place]
                if known := [vector for vector in near if vector is not None]:
                    company = numpy.sum(known, axis=0)
                    cosines = candidates[place].directions @ company / max(float(numpy.linalg.norm(company)), TINY)
                    best = int((candidates[place].logarithms + self.weight * cosines).argmax())
            chosen.append(unit_.translations[best].words if unit_.translations else None)
        return chosen


def read_units(text: str, lexicon: Lexicon) -> tuple[list[Unit], str]:
    """Divide a normalised text into the longest phrases that a lexicon has, and words; and what is left at its end."""
    lower = text.lower()
    if len(lower) != len(text):  # a letter that is two in lower case: places would not be the same
        text = lower
    words, places, end = segment(text, lexicon.language), [], 0
    for word in words:
        start = lower.index(word, end)
        end = start + len(word)
        places.append((start, end))
    units, end, first = [], 0, 0
    while first < len(words):
        start = places[first][0]
        if text[:start].endswith("@"):  # a user's name
            length, entry = 1, Entry((), "name")
        else:
            length, entry = _longest(words, places, lower, first, lexicon)
        stop = places[first + length - 1][1]
        if entry.origin == "unknown" and text[start].isupper() and first > 0 and not _after_stop(text[:start]):
            entry = Entry((), "name")
        units.append(Unit(text[end:start], text[start:stop], *entry))
        first, end = first + length, stop
    return units, text[end:]


def _longest(
    words: list[str], places: list[tuple[int, int]], lower: str, first: int, lexicon: Lexicon
) -> tuple[int, Entry]:
    joined = 1
    while (
        joined < lexicon.longest
        and first + joined < len(words)
        and _JOINED.fullmatch(lower, places[first + joined - 1][1], places[first + joined][0])
    ):
        joined += 1
    for length in range(joined, 1, -1):
        if entry := lexicon.entries.get(" ".join(words[first : first + length])):
            return length, entry
    return 1, lexicon.find(words[first])


def _after_stop(text: str) -> bool:
    """Whether a new sentence begins after this."""
    return text.rstrip(" \t\"'“”«»([").endswith((".", "!", "?", "…", ":"))


def gloss(text: str, lexicon: Lexicon, context: Context | None = None) -> str:
    """Read a text word for word in the source's language; what the lexicon does not know stays as it is.

    Args:
        text: as people write it.
        lexicon: of its language.
        context: what chooses among translations beside their probabilities.
    """
    units, rest = read_units(normalise(text, lexicon.language, lexicon.spelling), lexicon)
    likeliest = [unit_.translations[0].words if unit_.translations else None for unit_ in units]
    chosen = context.choose(units) if context else likeliest
    parts: list[str] = []
    for unit_, words in zip(units, chosen, strict=True):
        apart = " " if parts and not unit_.before else unit_.before  # Chinese words have nothing between them
        parts.append((" " if apart in ("'", "’") else apart) + (words or unit_.text))
    return _SPACES.sub(" ", "".join(parts) + rest).strip()


def load_glosser(folder: Path, source_words: Path, context_weight: float) -> Callable[[Sequence[str]], list[str]]:
    """`gloss` of texts through a lexicon that the stage `gloss` made.

    Args:
        folder: the lexicon's.
        source_words: the folder of the source's own word vectors, for the context; unread without a weight.
        context_weight: see `Context`.

    Raises:
        UserError: there is no such lexicon, or there are no such vectors.
    """
    lexicon = load_lexicon(folder)
    context = Context(load_vectors(source_words), context_weight) if context_weight else None
    return lambda texts: [gloss(text if is_unicode(text) else "", lexicon, context) for text in texts]


def count_units(lexicon: Lexicon, texts: Iterable[str]) -> tuple[Counter[Origin], Counter[str]]:
    """Count how the running words and phrases of normalised texts are known, and which words are not."""
    origins: Counter[Origin] = Counter()
    unknown: Counter[str] = Counter()
    for text in texts:
        for unit_ in read_units(text, lexicon)[0]:
            origins[unit_.origin] += 1
            if unit_.origin == "unknown":
                unknown[unit_.text.lower()] += 1
    return origins, unknown
