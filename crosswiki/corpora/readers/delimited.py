"""Rows of a person's own tables, JSON Lines, CSV, TSV or Parquet, one by one: a row that cannot be read costs no other.

Spreadsheets write CSV in many ways (semicolons, a byte order mark, UTF-16, an empty cell at each row's end); what can
be told for sure is read, and the rest is a bad row that says where it is.
"""

import csv
import json
import lzma
import math
import re
import zlib
from collections import deque
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import pyarrow
import pyarrow.parquet

from crosswiki.corpora.parts import Bad
from crosswiki.corpora.readers.places import COMPRESSIONS, existing, unpacked
from crosswiki.corpora.text import is_unicode
from crosswiki.pipeline.errors import UserError

ROWS = 2000  # of Parquet that are unpacked at once
CHUNK = 2**20  # characters of a JSON array that are read at once
LONGEST = 2**20  # characters of a cell that goes on for several lines
SEPARATORS = (",", ";", "\t", "|")
BROKEN = (ValueError, OSError, EOFError, zlib.error, lzma.LZMAError)  # also pyarrow's and the decompressors'
_UNDECODED = re.compile("[\udc80-\udcff]")  # what "surrogateescape" makes of a byte that is not UTF-8
_NOT_UTF8 = "not UTF-8: save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"
Row = dict[str, Any]

csv.field_size_limit(2**31 - 1)


def read_rows(path: Path) -> Iterator[Row | Bad]:
    """Go through a table's rows, whatever its format.

    Raises:
        UserError: the file is missing, is not what its name says, or ends in the middle.
    """
    existing(path)
    suffixes = [suffix for suffix in path.suffixes if suffix not in COMPRESSIONS]
    try:
        match suffixes[-1] if suffixes else "":
            case ".jsonl" | ".json" | ".ndjson":
                yield from _json_rows(path)
            case ".csv" | ".tsv" as kind:
                yield from _separated_rows(path, "\t" if kind == ".tsv" else ",")
            case ".parquet":
                with pyarrow.parquet.ParquetFile(path) as table:
                    for batch in table.iter_batches(ROWS):
                        yield from batch.to_pylist()
            case _:
                raise UserError(
                    f"{path}: its name must end in .jsonl, .csv, .tsv or .parquet (and .gz, .bz2, .xz, .zst)"
                )
    except BROKEN as error:
        raise UserError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]})") from error


def text_of(value: Any, name: str) -> str | None:
    """A cell as text; an empty one is missing, but in the text's column, where it is an empty text.

    Raises:
        ValueError: it is no text and no number; the message says what it is.
    """
    match value:
        case None | "":
            return value if name == "text" else None
        case str():
            if not is_unicode(value):
                raise ValueError("half a surrogate pair: some program has cut a letter in two")
            return value
        case bool():
            return json.dumps(value)
        case float() if math.isnan(value):  # a gap
            return None
        case float() if value.is_integer():
            return str(int(value))  # whole numbers that gaps had turned into fractions
        case list() | tuple() | dict() | bytes():
            kinds = {dict: "a mapping", bytes: "bytes"}
            raise ValueError(f"{kinds.get(type(value), 'a list')} where text is needed")
    return str(value)


def text_lines(path: Path, newline: str = "\n") -> IO[str]:
    """Open a text file, whatever it is packed in: UTF-8, or UTF-16 that says so in its first two bytes.

    Bytes that are not UTF-8 become lone surrogates ("surrogateescape"): `undecoded` finds them.
    """
    stream = unpacked(path)
    mark = stream.read(2)
    stream.close()
    utf16 = mark in (b"\xff\xfe", b"\xfe\xff")
    encoding, errors = ("utf-16", "replace") if utf16 else ("utf-8-sig", "surrogateescape")
    return TextIOWrapper(unpacked(path), encoding, errors, newline)


def undecoded(text: str) -> bool:
    """Whether bytes of it were not UTF-8."""
    return not text.isascii() and _UNDECODED.search(text) is not None


def _json_rows(path: Path) -> Iterator[Row | Bad]:
    with text_lines(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            if number == 1 and line.lstrip().startswith("["):
                yield from _json_array(path)
                return
            if undecoded(line):
                yield Bad(f"{path}: line {number}", _NOT_UTF8)
                continue
            try:
                row = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                yield Bad(f"{path}: line {number}", f"no JSON ({getattr(error, 'msg', 'nested too deeply')})")
                continue
            yield row if isinstance(row, dict) else Bad(f"{path}: line {number}", "no JSON object")


def _json_array(path: Path) -> Iterator[Row | Bad]:
    """The objects of one JSON array, one after the other, in memory for the longest of them.

    Raises:
        UserError: it is no JSON.
    """
    decoder, number, ended = json.JSONDecoder(), 0, False
    with text_lines(path) as stream:
        waiting = stream.read(CHUNK).lstrip().removeprefix("[")
        while True:
            waiting = waiting.lstrip(" \t\r\n,")
            if waiting.startswith("]"):
                return
            try:
                row, end = decoder.raw_decode(waiting)
            except json.JSONDecodeError as error:
                if ended:
                    raise UserError(
                        f"{path}: element {number + 1} of the array is no JSON ({error.msg}): "
                        "JSON Lines, one object a line, lose one record where this loses the rest"
                    ) from error
                more = stream.read(max(CHUNK, len(waiting)))
                ended, waiting = not more, waiting + more
                continue
            number, waiting = number + 1, waiting[end:]
            yield row if isinstance(row, dict) else Bad(f"{path}: element {number}", "no JSON object")


def _separated_rows(path: Path, usual: str) -> Iterator[Row | Bad]:
    """Rows of CSV or TSV; the header tells the separator, the columns and how many cells a row has."""
    with text_lines(path, "") as stream:
        lines = _Lines(stream)
        while (first := lines.next()) is not None and (not first.strip() or first.startswith("sep=")):
            pass  # Excel's line that names the separator: the header shows it as well
        if first is None:
            return
        separator, columns = _header(first, usual)
        if undecoded(first):
            raise UserError(f"{path}: line {lines.number}: {_NOT_UTF8}")
        twice = next((name for name in columns if name and columns.count(name) > 1), None)
        if twice:
            raise UserError(f"{path}: two columns are called {twice!r}: give one of them another name")
        while (line := lines.next()) is not None:
            if not line.strip("\r\n"):
                continue
            number = lines.number
            cells = _cells(line, lines, separator, len(columns))
            if any(map(undecoded, cells)):
                yield Bad(f"{path}: line {number}", _NOT_UTF8)
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
