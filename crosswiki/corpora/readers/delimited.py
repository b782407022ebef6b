"""Rows of CSV and TSV, one by one: a row that cannot be read costs no other.

Spreadsheets write CSV in many ways (semicolons, a byte order mark, UTF-16, an empty cell at each row's end); what can
be told for sure is read, and the rest is a bad row that says where it is.
"""

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from crosswiki.corpora.parts import Bad
from crosswiki.corpora.readers.lines import NOT_UTF8, text_lines, undecoded
from crosswiki.pipeline.errors import UserError

LONGEST = 2**20  # characters of a cell that goes on for several lines
SEPARATORS = (",", ";", "\t", "|")

csv.field_size_limit(2**31 - 1)


def delimited_rows(path: Path, usual: str) -> Iterator[dict[str, str] | Bad]:
    """Rows of CSV or TSV; the header tells the separator, the columns and how many cells a row has.

    Args:
        path: of the file.
        usual: the separator among those that give the header as many cells.

    Raises:
        UserError: the header is not UTF-8, or names two columns alike.
    """
    with text_lines(path, "") as stream:
        lines = _Lines(stream)
        while (first := lines.next()) is not None and (not first.strip() or first.startswith("sep=")):
            pass  # Excel's line that names the separator: the header shows it as well
        if first is None:
            return
        separator, columns = _header(first, usual)
        if undecoded(first):
            raise UserError(f"{path}: line {lines.number}: {NOT_UTF8}")
        twice = next((name for name in columns if name and columns.count(name) > 1), None)
        if twice:
            raise UserError(f"{path}: two columns are called {twice!r}: give one of them another name")
        while (line := lines.next()) is not None:
            if not line.strip("\r\n"):
                continue
            number = lines.number
            cells = _cells(line, lines, separator, len(columns))
            if any(map(undecoded, cells)):
                yield Bad(f"{path}: line {number}", NOT_UTF8)
            elif len(cells) > len(columns):
                yield Bad(f"{path}: line {number}", f"{len(cells)} cells, the header has {len(columns)}")
            else:
                yield {name: cell for name, cell in zip(columns, cells, strict=False) if name}


class _Lines:
    """A file's lines, of which some that have been looked at can be put back."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream, self._again = iter(stream), deque[str]()
        self.number = 0

    def next(self) -> str | None:
        line = self._again.popleft() if self._again else next(self._stream, None)
        self.number += line is not None
        return line

    def put_back(self, lines: list[str]) -> None:
        self._again.extendleft(reversed(lines))
        self.number -= len(lines)


def _header(line: str, usual: str) -> tuple[str, list[str]]:
    """The separator that gives the header the most cells, the usual one among equals, and the columns' names."""
    found = {separator: _plain_cells(line, separator) for separator in (usual, *SEPARATORS)}
    separator = max(found, key=lambda separator: len(found[separator]))
    try:
        names = _quoted_cells(line, separator)
    except csv.Error:
        names = found[separator]
    return separator, [name.strip() for name in names]


def _cells(line: str, lines: _Lines, separator: str, columns: int) -> list[str]:
    """A row's cells, and those of the lines that a cell in quotation marks goes on in.

    A quotation mark that opens a cell and is never closed is a letter like others: the row is one line, and the rows
    below it are not swallowed. In TSV, where quoting is rare, so it is too when the lines below are rows by themselves.
    """
    text, taken = line, list[str]()
    while True:
        try:
            cells = _without_gaps(_quoted_cells(text, separator), columns)
        except csv.Error as error:
            if "end of data" not in str(error):
                break
        else:
            if not taken or len(cells) <= columns:
                return cells
            break
        more = _to_next_quote(lines)
        taken += more
        if separator == "\t" and any(len(_plain_cells(one, separator)) == columns for one in more):
            break
        if not more or '"' not in more[-1] or sum(map(len, taken)) > LONGEST:
            break
        text += "".join(more)
    lines.put_back(taken)
    return _without_gaps([_unquoted(cell) for cell in _plain_cells(line, separator)], columns)


def _to_next_quote(lines: _Lines) -> list[str]:
    """The next lines, up to one that has a quotation mark: no other can close a cell."""
    found, length = list[str](), 0
    while length <= LONGEST and (line := lines.next()) is not None:
        found.append(line)
        length += len(line)
        if '"' in line:
            break
    return found


def _without_gaps(cells: list[str], columns: int) -> list[str]:
    """Cells without empty ones beyond the header's columns, which spreadsheets leave at a row's end."""
    while len(cells) > columns and not cells[-1].strip():
        cells.pop()
    return cells


def _unquoted(cell: str) -> str:
    inner = cell[1:-1]
    whole = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if whole else cell


def _quoted_cells(text: str, separator: str) -> list[str]:
    """A row's cells, those in quotation marks without them.

    Raises:
        csv.Error: a quotation mark opens a cell and is not closed, or is closed before the cell ends.
    """
    return next(csv.reader([text], delimiter=separator, strict=True), [])


def _plain_cells(line: str, separator: str) -> list[str]:
    return line.rstrip("\r\n").split(separator)
