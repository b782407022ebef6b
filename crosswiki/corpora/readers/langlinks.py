"""The langlinks table of a Wikimedia dump: which articles of other languages each page is linked to."""

import gzip
import re
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy
import pyarrow
from numpy.typing import NDArray
from tqdm import tqdm

from crosswiki.corpora.readers.dump import BROKEN, broken
from crosswiki.corpora.readers.places import local_file
from crosswiki.corpora.readers.wikis import link_codes
from crosswiki.pipeline.presets import DumpPreset

_ANY_ROW = re.compile(rb"\(\s*+\d++\s*+,\s*+(?:_binary\s*+)?'[^'\\]++'\s*+,")
_STATEMENT = re.compile(rb"\s*(?:INSERT|REPLACE)\b(?:[^V(]|\([^)]*\)|V(?!ALUES\b))*(?:VALUES)?", re.IGNORECASE)


class Links(NamedTuple):
    """Which article of the source each page is linked to: page ids in order, and titles."""

    pages: NDArray[numpy.int64]
    titles: pyarrow.StringArray

    def title(self, page: str) -> str | None:
        """The source title that a page is linked to."""
        place = int(numpy.searchsorted(self.pages, int(page)))
        found = place < len(self.pages) and self.pages[place] == int(page)
        return str(self.titles[place]) if found else None


def read_links(preset: DumpPreset, language: str, source: str) -> Links | None:
    """Read a language's langlinks table, `INSERT INTO langlinks VALUES (page,'language','title'),…`, streamed.

    A statement may go over many lines. What is not understood, and a table without a link to the source, is said on
    standard error.

    Raises:
        UserError: it cannot be had, or it is broken.
    """
    if preset.links is None or language == source:
        return None
    path = local_file(preset.links, language)
    codes = b"|".join(re.escape(code).encode() for code in link_codes(source))
    row = re.compile(
        rb"\(\s*+(\d++)\s*+,\s*+(?:_binary\s*+)?'(?:"
        + codes
        + rb")'\s*+,\s*+(?:_binary\s*+)?'((?:[^'\\]++|\\.|'')*+)'\s*+\)"
    )
    pages: list[NDArray[numpy.int64]] = []
    titles: list[pyarrow.StringArray] = []
    unknown = Unknown()
    bar = tqdm(desc="links", total=path.stat().st_size, unit="B", unit_scale=True, disable=None, leave=False)
    try:
        with path.open("rb") as raw, bar, gzip.open(raw) if path.suffix == ".gz" else raw as lines:
            for rows in statements(lines, unknown):
                found = row.findall(rows)
                pages.append(numpy.array([int(page) for page, _ in found], dtype=numpy.int64))
                # A title is cut at 255 bytes, in the middle of a letter too.
                unescaped = [re.sub(rb"\\(.)|''", _unescaped, title).decode("utf-8", "ignore") for _, title in found]
                titles.append(pyarrow.array(unescaped, pyarrow.string()))
                bar.update(raw.tell() - bar.n)
    except BROKEN as error:
        raise broken(path, error) from error
    if unknown.lines:
        print(
            f"{path}: lines of rows that were not understood: {unknown.lines:,}, first {unknown.first}", file=sys.stderr
        )
    numbers = numpy.concatenate(pages) if pages else numpy.zeros(0, numpy.int64)
    if not len(numbers):
        print(f"{path}: no row links to {source!r}: is it the langlinks table of {language!r}?", file=sys.stderr)
    order = numpy.argsort(numbers, kind="stable")
    return Links(numbers[order], pyarrow.concat_arrays(titles).take(order) if titles else pyarrow.array([], "string"))


class Unknown:
    """Lines among a statement's rows in which no row was found: how many, and the first."""

    lines = 0
    first = ""

    def add(self, number: int, line: bytes) -> None:
        """Count a line."""
        self.lines += 1
        self.first = self.first or f"line {number}: {line[:60].decode('utf-8', 'replace')!r}"


def statements(lines: Iterable[bytes], unknown: Unknown) -> Iterator[bytes]:
    """The lines that hold rows of INSERT statements, which may stand on one line or begin it; others are counted."""
    inside = False
    for number, line in enumerate(lines, 1):
        rows = line.strip()
        if beginning := _STATEMENT.match(line[:1000]):
            inside = True
            rows = line[beginning.end() :].strip()
        if inside and rows.strip(b";").upper() not in (b"", b"VALUES"):
            if _ANY_ROW.search(rows):
                yield rows
            elif not rows.startswith((b"--", b"/*")):
                unknown.add(number, rows)
        inside = inside and not rows.endswith(b";")


def _unescaped(escape: re.Match[bytes]) -> bytes:
    return escape[1] or b"'"
