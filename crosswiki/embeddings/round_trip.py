"""Texts of the source's language as they would read had they been written in another one and glossed back.

A classifier that has learnt from such texts knows what a gloss does to a text: one word of several that mean the same,
no endings, and here and there a word that no lexicon knows.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy
import pandas
from numpy.random import Generator

from crosswiki.corpora.pairs import each_side, texts_of, with_texts
from crosswiki.embeddings.affixes import Affixes
from crosswiki.embeddings.glossary import close_up
from crosswiki.embeddings.glossing import read_units
from crosswiki.embeddings.lexicon import Entry, Lexicon, load_counts, load_lexicon, probabilities


def inverted(lexicon: Lexicon, other_counts: Mapping[str, int]) -> Lexicon:
    """The lexicon from the source's language into the other one.

    P(o | s) is proportional to P(s | o) · (count(o) + 1); a phrase counts as its rarest word does.
    """
    scores: dict[str, dict[str, float]] = defaultdict(dict)
    for other, entry in lexicon.entries.items():
        count = min(other_counts.get(word, 0) for word in other.split()) + 1
        for words, probability in entry.translations:
            if probability:
                scores[words][other] = probability * count
    entries = {words: Entry(probabilities(row), "dictionary") for words, row in scores.items()}
    return Lexicon(lexicon.source_language, lexicon.language, entries, Affixes({}, {}), frozenset())


def round_trips(
    texts: Sequence[str],
    lexicon: Lexicon,
    other_counts: Mapping[str, int],
    unknown: Mapping[str, int],
    seed: int,
) -> list[str]:
    """Read texts of the source there and back through a lexicon.

    Each word or phrase becomes one of the other language's at random, as its probability is, and that one's likeliest
    translation. Words that the lexicon does not know in the other language's text stand in the place of others: as
    often as they do there, first where the lexicon has no word for the source's.

    Args:
        texts: normalised, in the source's language.
        lexicon: of the other language.
        other_counts: how often the other language's text has each of its words.
        unknown: those among them that the lexicon does not know, with their counts.
        seed: of what is drawn.
    """
    there = inverted(lexicon, other_counts)
    read = [read_units(text, there) for text in texts]
    every = [unit for units, _ in read for unit in units]
    missing = sum(unit.origin == "unknown" for unit in every) / max(len(every), 1)
    wanted = sum(unknown.values()) / max(sum(other_counts.values()), 1)
    # The probability that a word without a translation, and one with it, gives way to one that the lexicon lacks.
    replaced = min(1.0, wanted / missing) if missing else 0.0
    besides = max(0.0, (wanted - missing) / (1 - missing)) if missing < 1 else 0.0
    words = sorted(unknown)
    edges = numpy.cumsum([unknown[word] for word in words])
    generator = numpy.random.default_rng(seed)
    found = []
    for units, rest in read:
        parts = []
        for unit in units:
            given = replaced if unit.origin == "unknown" else besides if unit.translations else 0.0
            if words and generator.random() < given:
                parts += [unit.before, words[int(numpy.searchsorted(edges, generator.integers(edges[-1]), "right"))]]
            elif unit.translations:
                parts += [unit.before, _there_and_back(unit.translations, lexicon, generator)]
            else:
                parts += [unit.before, unit.text]
        found.append("".join(parts) + rest)
    return found


def carried_over(texts: Sequence[str], lexicon: Lexicon, other_counts: Mapping[str, int], seed: int) -> list[str]:
    """Write texts of the source in the other language's words, where a lexicon has some, and in the source's order.

    Each word or phrase becomes one of the other language's at random, as its probability is; the rest stays. A text's
    label is carried with it (Mayhew, Tsai and Roth 2017).

    Args:
        texts: normalised, in the source's language.
        lexicon: of the other language.
        other_counts: how often the other language's text has each of its words.
        seed: of what is drawn.
    """
    there, generator, found = inverted(lexicon, other_counts), numpy.random.default_rng(seed), []
    for text in texts:
        units, rest = read_units(text, there)
        before = [unit.before or " " * (place > 0) for place, unit in enumerate(units)]  # Chinese words have nothing
        words = [b + (_draw(unit.translations, generator) or unit.text) for b, unit in zip(before, units, strict=True)]
        found.append(close_up("".join(words) + rest))
    return found


def with_round_trips(texts: pandas.DataFrame, folders: Sequence[Path], copies: int, seed: int) -> pandas.DataFrame:
    """A table of articles and, below it, copies of them all whose texts have been there and back.

    Args:
        texts: articles of the source.
        folders: of lexicons that the stage `gloss` made.
        copies: through each of them; with none, no lexicon is read.
        seed: of what is drawn; each copy draws anew.
    """
    tables = [texts]
    for place, folder in enumerate(folders if copies else ()):
        lexicon = load_lexicon(folder)
        counts, unknown = (load_counts(folder / f"{name}.tsv") for name in ("words", "unknown"))
        for copy in range(copies):
            draw = seed + copy * len(folders) + place
            read = partial(round_trips, lexicon=lexicon, other_counts=counts, unknown=unknown, seed=draw)
            tables.append(with_texts(texts, each_side(texts_of(texts), read)))
    return pandas.concat(tables, ignore_index=True)


def _there_and_back(translations: Sequence[tuple[str, float]], lexicon: Lexicon, generator: Generator) -> str:
    return lexicon.entries[_draw(translations, generator)].translations[0].words


def _draw(translations: Sequence[tuple[str, float]], generator: Generator) -> str:
    """One of a word's translations, as its probability is; an empty string if there are none."""
    if not translations:
        return ""
    shares = numpy.cumsum([probability for _, probability in translations])
    drawn = int(numpy.searchsorted(shares, generator.random() * shares[-1], "right"))
    return translations[min(drawn, len(translations) - 1)][0]
