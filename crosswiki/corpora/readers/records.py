"""Rows of a person's own tables, JSON Lines, CSV, TSV or Parquet, one by one, and their cells as text."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from crosswiki.corpora.parts import Bad
from crosswiki.corpora.readers.delimited import delimited_rows
from crosswiki.corpora.readers.json_rows import Row, json_rows
from crosswiki.corpora.readers.lines import BROKEN
from crosswiki.corpora.readers.places import COMPRESSIONS, existing
from crosswiki.corpora.text import is_unicode
from crosswiki.pipeline.errors import UserError

ROWS = 2000  # of Parquet that are unpacked at once


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
                yield from json_rows(path)
            case ".csv" | ".tsv" as kind:
                yield from delimited_rows(path, "\t" if kind == ".tsv" else ",")
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
