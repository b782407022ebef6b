"""What word lists say of a language, and whether they are lists of that language at all."""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from crosswiki.corpora.groups import read_groups
from crosswiki.corpora.parts import Bad
from crosswiki.corpora.readers.places import local_file
from crosswiki.corpora.readers.word_list_forms import Pair, read_word_list
from crosswiki.corpora.readers.wordnets import read_wordnets
from crosswiki.corpora.text import normalise, segment
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.packages import named_wheel
from crosswiki.pipeline.preset_files import WordList
from crosswiki.pipeline.presets import CorpusPreset

ENOUGH = 2_000_000  # characters of a language's text that say how much of it a list knows
FREQUENT = 1000  # words of a text, which any dictionary of its language has many of
LITTLE = 0.2  # of those: a list that has fewer is another language's, unless MET of its own words are in the text
MET = 0.5


@dataclass(frozen=True)
class Dictionary:
    """What word lists say of a language.

    Attributes:
        entries: (source, other), in the files' order, without repetition, as they are spelled there.
        bad: lines that were not understood.
        known: the share of the running words of the language's text that the lists have, in [0, 1].
    """

    entries: list[Pair]
    bad: int
    known: float

    def counts(self) -> dict[str, float]:
        """For the metrics; nothing where there is no list."""
        if not self.entries:
            return {}
        return {
            "dictionary_entries": len(self.entries),
            "dictionary_bad_lines": self.bad,
            "dictionary_known_words": round(self.known, 6),
        }


def read_dictionaries(preset: CorpusPreset, language: str, words: Counter[str]) -> Dictionary:
    """Read a language's word lists, and say on standard error what is odd about them.

    Which column is the language's own is told by its text, as a list may have either order.

    Args:
        preset: which names them.
        language: the other language.
        words: of its text, with counts: what `count_words` gives; if there are none, the first column is the source's.

    Raises:
        UserError: a file is missing, cannot be read, or has more lines that are no pairs than pairs.
    """
    entries: dict[Pair, None] = {}
    bad = 0
    for file in preset.dictionaries.get(language, []):
        pairs, wrong = _read(file, preset.languages.source, language, words)
        entries.update(dict.fromkeys(pairs))
        bad += wrong
    known = overlap((other for _, other in entries), words, language).running
    return Dictionary(list(entries), bad, known)


def read_pairs(path: Path, source: str, language: str, words: Counter[str]) -> tuple[list[Pair], int]:
    """Read one word list, with the source's words first; what is odd about it is said on standard error.

    Args:
        path: of the file.
        source: the source's language.
        language: the other language.
        words: of its text, with counts.

    Returns:
        The pairs without repetition, and how many lines were not understood.

    Raises:
        UserError: the file cannot be read, or has more lines that are no pairs than pairs.
    """
    return _understood(read_word_list(path, source, language), str(path), words, language)


def _read(file: WordList, source: str, language: str, words: Counter[str]) -> tuple[list[Pair], int]:
    """`read_pairs` of one of a preset's word lists, which may be two wordnets in a package."""
    if not file.members:
        return read_pairs(local_file(file.path, language), source, language, words)
    missing = [code for code in (source, language) if code not in file.members]
    if missing:
        raise UserError(f"{file.name}: members has no {missing[0]!r}: name its file in the preset")
    with named_wheel(file.path, "dictionaries in the preset") as wheel:
        rows = read_wordnets(wheel, file.members[source], file.members[language])
        return _understood(rows, file.name, words, language)


def _understood(items: Iterable[Pair | Bad], name: str, words: Counter[str], language: str) -> tuple[list[Pair], int]:
    """The pairs of a list, and how many of its lines are none."""
    pairs: dict[Pair, None] = {}
    wrong: list[Bad] = []
    for item in items:
        if isinstance(item, Bad):
            wrong.append(item)
        else:
            pairs[item] = None
    if wrong and len(wrong) >= len(pairs):
        raise UserError(f"{wrong[0]}: {len(wrong):,} lines beside {len(pairs):,} pairs: is it a word list?")
    if wrong:
        _warn(f"{name}: {len(wrong):,} lines were not understood; the first: {wrong[0]}")
    return _checked(list(pairs), words, language, name), len(wrong)


def count_words(articles: Path, language: str) -> Counter[str]:
    """The words of a language's text, of so much of it as tells its words from another language's."""
    words: Counter[str] = Counter()
    characters = 0
    for group in read_groups(articles, ["text"]):
        for text in group["text"].to_pylist():
            words.update(segment(normalise(text, language), language))
            characters += len(text)
        if characters >= ENOUGH:
            break
    return words


@dataclass(frozen=True)
class Overlap:
    """How a column of a list and a language's text go together, in shares.

    Attributes:
        running: of the text's running words, which are in the column.
        frequent: of the text's most frequent words.
        met: of the column's words, which are in the text.
    """

    running: float
    frequent: float
    met: float


def overlap(column: Iterable[str], words: Counter[str], language: str) -> Overlap:
    """Compare a column of a list with the words of a text in that language."""
    listed = {word for cell in dict.fromkeys(column) for word in segment(normalise(cell, language), language)}
    met = [word for word in listed if word in words]
    frequent = sorted(words, key=lambda word: (-words[word], word))[:FREQUENT]
    return Overlap(
        sum(words[word] for word in met) / max(1, words.total()),
        sum(word in listed for word in frequent) / max(1, len(frequent)),
        len(met) / max(1, len(listed)),
    )


def _checked(pairs: list[Pair], words: Counter[str], language: str, name: str) -> list[Pair]:
    """Pairs with the source's words first; a line says it where the list had them second, or seems to be another's."""
    if not words or not pairs:
        return pairs
    first, second = (overlap((pair[side] for pair in pairs), words, language) for side in (0, 1))
    if first.met > second.met and first.frequent > second.frequent:
        _warn(
            f"{name}: the first column is in {language!r}, the second in the source language: read the other way round"
        )
        pairs, second = [(other, source) for source, other in pairs], first
    if second.frequent < LITTLE and second.met < MET:
        _warn(
            f"{name}: has {second.frequent:.0%} of the frequent words of the text in {language!r} "
            f"({second.running:.0%} of the running words): is it a list of another language, or in another script?"
        )
    return pairs


def _warn(line: str) -> None:
    print(f"dictionary: {line}", file=sys.stderr)
