"""The forms that people share word lists in, read as pairs of the source's and the other language's words.

Told by what the file begins with, gzip and its like unpacked: tab-separated lines in either order, with further columns
that are left out; CSV, told by the name; MUSE's two words with a space between; GATITOS'; FreeDict's TEI; the JSON
Lines of Wiktionary extracts (kaikki.org).
"""

import csv
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from crosswiki.corpora.parts import Bad
from crosswiki.corpora.readers.lines import BROKEN, text_lines, undecoded
from crosswiki.corpora.readers.places import unpacked
from crosswiki.pipeline.errors import UserError

GLOSS = 3  # words of a gloss that translates; longer ones explain
Pair = tuple[str, str]
_BRACKETS = re.compile(r"\s*\([^()]*\)")
_ARTICLE = re.compile(r"^(?:to|an?|the)\s+", re.IGNORECASE)


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
        separator = _separator(path, start)
        with text_lines(path) as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip() or (line.startswith("#") and (separator or "\t") not in line):
                    continue
                where = f"{path}: line {number}"
                if undecoded(line):
                    yield Bad(where, "not UTF-8")
                elif start.startswith("{"):
                    yield from _wiktionary(line, where, source, language)
                else:
                    yield from _line(line.rstrip("\r\n"), separator, where)
    except (*BROKEN, ET.ParseError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]})") from error


def _separator(path: Path, start: str) -> str | None:
    """What divides a line's cells: a comma or semicolon in CSV; None: a tab where there is one, else spaces."""
    if ".csv" not in path.suffixes or "\t" in start:
        return None
    return ";" if start.count(";") > start.count(",") else ","


def _line(line: str, separator: str | None, where: str) -> Iterator[Pair | Bad]:
    """`source<TAB>other`, two words with spaces between, or a row of CSV."""
    if separator:
        cells = next(csv.reader([line], delimiter=separator), [])
    elif "\t" in line:
        cells = line.split("\t")
    else:
        cells = line.split()
        cells = cells if len(cells) == 2 else []  # a sentence
    if len(cells) < 2 or not all(cell.strip() for cell in cells[:2]):
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
