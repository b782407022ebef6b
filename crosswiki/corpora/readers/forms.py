"""A person's own tables and lists: CSV in the form that a program happened to write it, plain text, JSON, Parquet.

Rows are numbered as a spreadsheet numbers them: the row of column names is row 1. A row that cannot be used says why.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet

from crosswiki.corpora.readers.json_rows import Row
from crosswiki.corpora.readers.lines import BROKEN
from crosswiki.corpora.readers.places import COMPRESSIONS, unpacked
from crosswiki.corpora.readers.records import text_of
from crosswiki.pipeline.errors import UserError

Kind = Literal["table", "lines", "json", "parquet"]
ENDINGS: dict[str, Kind] = {
    ".csv": "table",
    ".tsv": "table",
    ".txt": "lines",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
}
_NEVER_CLOSED = "unexpected end of data"  # csv's message


@dataclass(frozen=True)
class Form:
    """How a file is written; what does not apply to its kind is left as it is.

    Attributes:
        kind: a table of cells, lines of text, JSON Lines or Parquet.
        encoding: Python's name of it.
        separator: between a table's cells.
        quotes: whether a cell may stand in quotation marks.
        header: whether a table's first row names the columns; else they are named 1, 2, 3.
    """

    kind: Kind
    encoding: str = "utf-8-sig"
    separator: str = ","
    quotes: bool = True
    header: bool = True


def kind_of(path: Path) -> Kind:
    """A file's kind, by its name's ending.

    Raises:
        UserError: it has another ending.
    """
    endings = [suffix.lower() for suffix in path.suffixes if suffix not in COMPRESSIONS]
    kind = ENDINGS.get(endings[-1] if endings else "")
    if kind is None:
        known = ", ".join(ENDINGS)
        raise UserError(f"{path}: its name must end in {known}, and may then end in {', '.join(COMPRESSIONS)}")
    return kind


def numbered_rows(path: Path, form: Form) -> Iterator[tuple[int, Row | str]]:
    """Go through a file's rows.

    Yields:
        A row's number, and its cells by column's name, or what is wrong with it.

    Raises:
        UserError: the file is not what its form says, or ends in the middle.
    """
    try:
        match form.kind:
            case "table":
                yield from _cells(path, form)
            case "lines":
                for number, line in enumerate(_text(path, form), 1):
                    yield number, _broken(line) or {"text": line.rstrip("\r\n")}
            case "json":
                yield from _objects(path, form)
            case "parquet":
                with pyarrow.parquet.ParquetFile(path) as table:
                    rows = (row for batch in table.iter_batches(2000) for row in batch.to_pylist())
                    yield from enumerate(rows, 1)
    except BROKEN as error:
        raise UserError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]})") from error


def _text(path: Path, form: Form) -> Iterator[str]:
    """A file's lines; bytes that are no letters in its encoding become lone surrogates, which `_broken` finds."""
    strict = form.encoding.startswith(("utf-16", "utf-32"))  # Python's have no surrogateescape
    with (
        unpacked(path) as raw,
        io.TextIOWrapper(
            raw,
            form.encoding,
            errors="strict" if strict else "surrogateescape",
            newline="" if form.kind == "table" else None,
        ) as lines,
    ):
        yield from lines


def _broken(*cells: str) -> str | None:
    if any("\udc80" <= letter <= "\udcff" for cell in cells for letter in cell):
        return "letters in it are in another encoding than the rest of the file"
    return "zero bytes in it" if any("\0" in cell for cell in cells) else None


def _cells(path: Path, form: Form) -> Iterator[tuple[int, Row | str]]:
    lines = _text(path, form)
    first = next(lines, "")
    before = int(first.lower().startswith("sep="))  # which Excel reads as the separator's name
    if not before:
        lines = _with_first(first, lines)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if form.quotes else csv.QUOTE_NONE
    csv.field_size_limit(sys.maxsize)  # 131,072 letters otherwise
    rows = csv.reader(lines, delimiter=form.separator, quoting=quoting, strict=True)
    names: list[str] = []
    number = before
    while True:
        number += 1
        try:
            cells = next(rows, None)
        except csv.Error as error:
            if _NEVER_CLOSED in str(error):
                raise UserError(
                    f'{path}: row {number}: a " opens a cell there and is never closed: close it, or write "" for it'
                ) from error
            yield (
                number,
                f'its quotation marks do not fit together: close each, and write "" for one in a text ({error})',
            )
            continue
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        if not names:
            names = [name.strip() for name in cells] if form.header else [str(n) for n in range(1, len(cells) + 1)]
            if twice := next((name for name in names if name and names.count(name) > 1), None):
                raise UserError(f"{path}: row {number}: two columns are called {twice!r}: rename one")
            if form.header:
                continue
        if wrong := _broken(*cells):
            yield number, wrong
        elif any(cells[len(names) :]):
            yield number, f"{len(cells)} cells under {len(names)} columns: put a text with {form.separator!r} in quotes"
        else:
            yield number, dict(zip(names, [*cells, *[None] * (len(names) - len(cells))], strict=False))


def _with_first(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _objects(path: Path, form: Form) -> Iterator[tuple[int, Row | str]]:
    for number, line in enumerate(_text(path, form), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            if number == 1 and line.strip() in ("[", "{"):
                raise UserError(
                    f"{path}: one JSON value over many lines: write one object a line (JSON Lines)"
                ) from error
            yield number, f"not JSON ({error})"
            continue
        if number == 1 and isinstance(row, list):
            raise UserError(f"{path}: one JSON list: write one object a line (JSON Lines)")
        yield number, _broken(line) or (row if isinstance(row, dict) else "no JSON object, {…}")


def cell(row: Row, column: str | None) -> str | None:
    """A row's cell as text without spaces around it; None where it is empty, or there is no such column."""
    value: Any = row.get(column) if column is not None else None
    if isinstance(value, list | dict | bytes):
        return None
    return (value if isinstance(value, str) else text_of(value, "") or "").strip() or None
