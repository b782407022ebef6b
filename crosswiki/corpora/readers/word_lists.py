"""Word lists of two languages, in the forms that people share them in, as pairs of the source's and the other's words.

Told by what the file begins with, gzip and its like unpacked: tab-separated lines in either order, with further columns
that are left out; MUSE's two words with a space between; GATITOS'; FreeDict's TEI; the JSON Lines of Wiktionary
extracts (kaikki.org).
"""

import json
import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from crosswiki.corpora.groups import read_groups
from crosswiki.corpora.parts import Bad
from crosswiki.corpora.readers.delimited import BROKEN, text_lines, undecoded
from crosswiki.corpora.readers.places import existing, unpacked
from crosswiki.corpora.text import normalise, segment
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.paths import user_path
from crosswiki.pipeline.presets import CorpusPreset

ENOUGH = 2_000_000  # characters of a language's text that say how much of it a list knows
FREQUENT = 1000  # words of a text, which any dictionary of its language has many of
LITTLE = 0.2  # of those: a list that has fewer is another language's, unless MET of its own words are in the text
MET = 0.5
GLOSS = 3  # words of a gloss that translates; longer ones explain
Pair = tuple[str, str]
_BRACKETS = re.compile(r"\s*\([^()]*\)")
_ARTICLE = re.compile(r"^(?:to|an?|the)\s+", re.IGNORECASE)


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
        pairs, wrong = read_pairs(existing(user_path(file.path)), preset.languages.source, language, words)
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
    pairs: dict[Pair, None] = {}
    wrong: list[Bad] = []
    for item in read_word_list(path, source, language):
        if isinstance(item, Bad):
            wrong.append(item)
        else:
            pairs[item] = None
    if wrong and len(wrong) >= len(pairs):
        raise UserError(f"{wrong[0]}: {len(wrong):,} lines beside {len(pairs):,} pairs: is it a word list?")
    if wrong:
        _warn(f"{path}: {len(wrong):,} lines were not understood; the first: {wrong[0]}")
    return _checked(list(pairs), words, language, path), len(wrong)


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


def _checked(pairs: list[Pair], words: Counter[str], language: str, path: Path) -> list[Pair]:
    """Pairs with the source's words first; a line says it where the list had them second, or seems to be another's."""
    if not words or not pairs:
        return pairs
    first, second = (overlap((pair[side] for pair in pairs), words, language) for side in (0, 1))
    if first.met > second.met and first.frequent > second.frequent:
        _warn(
            f"{path}: the first column is in {language!r}, the second in the source language: read the other way round"
        )
        pairs, second = [(other, source) for source, other in pairs], first
    if second.frequent < LITTLE and second.met < MET:
        _warn(
            f"{path}: has {second.frequent:.0%} of the frequent words of the text in {language!r} "
            f"({second.running:.0%} of the running words): is it a list of another language, or in another script?"
        )
    return pairs


def _warn(line: str) -> None:
    print(f"dictionary: {line}", file=sys.stderr)


def read_word_list(path: Path, source: str, language: str) -> Iterator[Pair | Bad]:
    """Go through a word list, whatever its form; a line that is no pair is bad.

    Args:
        path: of the file.
        source: the source's language, for entries that say theirs.
        language: the other language.

    Raises:
        UserError: the file cannot be unpacked, or is XML and broken.
    """
    try:
        with text_lines(path) as lines:
            start = next((line.lstrip() for line in lines if line.strip()), "")
        if start.startswith("<"):
            yield from _tei(path)
            return
        with text_lines(path) as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip() or (line.startswith("#") and "\t" not in line):
                    continue
                where = f"{path}: line {number}"
                if undecoded(line):
                    yield Bad(where, "not UTF-8")
                elif start.startswith("{"):
                    yield from _wiktionary(line, where, source, language)
                else:
                    yield from _line(line.rstrip("\r\n"), where)
    except (*BROKEN, ET.ParseError) as error:
        raise UserError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]})") from error


def _line(line: str, where: str) -> Iterator[Pair | Bad]:
    """`source<TAB>other`, or two words with spaces between."""
    cells = line.split("\t") if "\t" in line else line.split()
    if ("\t" not in line and len(cells) != 2) or not all(cell.strip() for cell in cells[:2]) or len(cells) < 2:
        yield Bad(where, f"source<TAB>other is needed, found {line[:100]!r}")
        return
    yield from product(*map(_translations, cells[:2], cells[1::-1]))


def _translations(cell: str, beside: str) -> list[str]:
    """The translations in a cell: those that ; or | divide, and single words beside a single word that commas do."""
    found = [part.strip() for part in re.split(r"[;|]", cell)]
    if len(found) == 1 and "," in cell and len(beside.split()) == 1:
        parts = [part.strip() for part in cell.split(",")]
        found = parts if all(len(part.split()) == 1 for part in parts) else found
    return [part for part in found if part] or [cell.strip()]


def _tei(path: Path) -> Iterator[Pair]:
    """FreeDict's entries (TEI P5): `form/orth` are the headwords, `cit type="trans"/quote` the translations."""
    with unpacked(path) as stream:
        for _, element in ET.iterparse(stream):  # noqa: S314  expat bounds what entities may grow to
            if _name(element) != "entry":
                continue
            heads = [_text(orth) for form in _below(element, "form") for orth in _below(form, "orth")]
            quotes = [
                _text(quote)
                for cit in _below(element, "cit")
                if cit.get("type") in ("trans", "translation")
                for quote in _below(cit, "quote")
            ]
            pairs = dict.fromkeys((head, quote) for head in heads for quote in quotes if head and quote)
            element.clear()
            yield from pairs


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _below(element: ET.Element, name: str) -> Iterator[ET.Element]:
    return (child for child in element.iter() if _name(child) == name)


def _text(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _wiktionary(line: str, where: str, source: str, language: str) -> Iterator[Pair | Bad]:
    """An entry of a Wiktionary extract: of the other language with its glosses, or of the source's, translated."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict) or not isinstance(entry.get("word"), str):
        yield Bad(where, "no JSON object with the key word")
        return
    senses = [sense for sense in entry.get("senses") or [] if isinstance(sense, dict)]
    if entry.get("lang_code") == language:
        for sense in senses:
            if not sense.get("form_of"):  # "plural of", which is no translation
                yield from ((gloss, entry["word"]) for gloss in _glosses(sense.get("glosses") or []))
    elif entry.get("lang_code") == source:
        for holder in (entry, *senses):
            for translation in holder.get("translations") or []:
                code = translation.get("lang_code") or translation.get("code")
                if code == language and isinstance(translation.get("word"), str):
                    yield entry["word"], translation["word"]


def _glosses(glosses: list[Any]) -> Iterator[str]:
    """What a sense's last and most exact gloss names in a few words."""
    for part in re.split(r"[;,]", _BRACKETS.sub("", str(glosses[-1]))) if glosses else []:
        word = _ARTICLE.sub("", part.strip().rstrip("."))
        if word and len(word.split()) <= GLOSS:
            yield word
