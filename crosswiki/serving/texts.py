"""Texts to classify, with whatever else their rows have, from lines, JSON Lines, CSV, TSV or Parquet."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from crosswiki.pipeline.errors import UserError

COLUMN = "text"
SEPARATORS = {".csv": ",", ".tsv": "\t"}
PARQUET = ".parquet"
ROWS = 1024  # of a Parquet file that are read at a time


def read_records(file: Path, column: str = COLUMN, pair: str | None = None) -> Iterator[dict[str, Any]]:
    """Read rows one by one, so that a file may be larger than the memory.

    Args:
        file: CSV, TSV or Parquet by its suffix; any other has plain lines or JSON objects. Text is in UTF-8; - is
            standard input.
        column: the column or key with the text, a string or null. A plain line becomes a row with this column alone.
        pair: the column or key with the second text of texts in pairs, the same; None: there is none.

    Raises:
        UserError: the file cannot be read, or a row is not as the others.
    """
    try:
        if file.suffix.lower() == PARQUET:
            yield from _parquet_rows(file, column, pair)
            return
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as lines:
            decoded = _decoded(lines, file)
            if file.suffix.lower() in SEPARATORS:
                yield from _table_rows(decoded, file, column, pair)
            else:
                for number, line in enumerate(decoded, 1):
                    yield _record(line.rstrip("\r\n"), f"{file}: line {number}", column, pair)
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error})") from error


def count_records(file: Path) -> int | None:
    """About how many rows a file has, for a progress bar; None for a pipe, which can be read once."""
    if not file.is_file():
        return None
    try:
        if file.suffix.lower() == PARQUET:
            return _parquet(file).metadata.num_rows
        with file.open("rb") as stream:
            return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error})") from error


def _decoded(lines: Iterable[bytes], file: Path) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{file}: line {number}: not UTF-8: save the texts as UTF-8, then try again") from error


def _table_rows(lines: Iterator[str], file: Path, column: str, pair: str | None) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(2**31 - 1)  # a text may be longer than the 131,072 characters that are allowed else
    # strict: a quotation mark that is never closed would swallow the rows below it
    rows = csv.reader(lines, delimiter=SEPARATORS[file.suffix.lower()], strict=True)
    first = 1
    try:
        header = next(rows, [])
        _check_columns(file, column, pair, header)
        if twice := next((name for name in header if header.count(name) > 1), None):
            raise UserError(f"{file}: two columns are called {twice!r}: give one of them another name")
        while True:
            first = rows.line_num + 1
            if (row := next(rows, None)) is None:
                return
            if row and len(row) != len(header):
                raise UserError(
                    f"{file}: line {first}: found {len(row)} cells; the first line names {len(header)} columns"
                )
            if row:
                yield dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise UserError(f"{file}: line {first}: no row of a table ({error}): is a quotation mark closed?") from error


def _parquet(file: Path) -> Any:
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(file)
    except ArrowInvalid as error:
        raise UserError(f"{file}: not a Parquet file ({error})") from error


def _parquet_rows(file: Path, column: str, pair: str | None) -> Iterator[dict[str, Any]]:
    table = _parquet(file)
    _check_columns(file, column, pair, table.schema_arrow.names)
    for rows in table.iter_batches(ROWS):
        for row in rows.to_pylist():
            for name in (column, pair) if pair else (column,):
                if not isinstance(row[name], str | None):
                    raise UserError(f"{file}: the column {name} has {type(row[name]).__name__}; strings are needed")
            yield row


def _check_columns(file: Path, column: str, pair: str | None, columns: list[str]) -> None:
    for option, name in (("--text", column), ("--pair", pair)):
        if name is not None and name not in columns:
            raise UserError(f"{file}: no column {name!r}; found {', '.join(columns) or 'none'}: {option} names the one")


def _record(line: str, place: str, column: str, pair: str | None) -> dict[str, Any]:
    if not line.startswith("{"):
        return {column: line}
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{place}: begins as JSON and is none ({error})") from error
    if not isinstance(record.get(column, 0), str | None):
        raise UserError(f"{place}: the key {column} is needed, with a string; found {', '.join(record) or 'no key'}")
    if pair and not isinstance(record.get(pair), str | None):
        raise UserError(f"{place}: the key {pair} has {type(record[pair]).__name__}; a string is needed")
    return dict(record)


def with_answer(record: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """A record with its answer, in which nothing of the record is lost: what has a key of ours stands below `given`."""
    shared = {key: record[key] for key in record if key in answer}
    if not shared:
        return {**record, **answer}
    if "given" in record:
        shared["given"] = record["given"]
    return {**{key: record[key] for key in record if key not in shared}, "given": shared, **answer}


def as_json(record: dict[str, Any]) -> str:
    """A record in one line, in its own letters; half a surrogate pair, which no file can hold, as an escape."""
    line = json.dumps(record, ensure_ascii=False, default=str)  # dates, of Parquet
    try:
        line.encode()
    except UnicodeEncodeError:
        return json.dumps(record, default=str)
    return line
