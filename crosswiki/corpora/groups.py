"""Tables of articles on disk, written and read piece by piece: no more than a few million characters at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow
import pyarrow.compute
import pyarrow.parquet
from pyarrow.lib import StringBuilder

from crosswiki.corpora.pairs import PAIR
from crosswiki.corpora.parts import Article, Bad, Part
from crosswiki.corpora.text import is_unicode
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import read_json, replacing, write_json

GROUP = 2**20  # characters of text that are written, and later read, at once
SCHEMA = pyarrow.schema([(name, pyarrow.string()) for name in ("id", "title", "text", "topic", "concept", PAIR)])
Counts = dict[str, Any]


class GroupWriter:
    """Writes a table in groups of about `GROUP` characters."""

    def __init__(self, path: Path, schema: pyarrow.Schema = SCHEMA) -> None:
        """Open a file."""
        self._writer = pyarrow.parquet.ParquetWriter(path, schema)
        self._schema = schema
        # Not lists, whose conversion imports pandas: 40 MB in each process.
        self._rows = {name: StringBuilder() for name in schema.names}
        self._tables: list[pyarrow.Table] = []
        self._characters = 0

    def add(self, **row: str | None) -> None:
        """Add a row."""
        for name, values in self._rows.items():
            values.append(row[name])
        self._characters += len(row["text"] or "")
        if self._characters >= GROUP:
            self._flush()

    def add_table(self, rows: pyarrow.Table) -> None:
        """Add rows that are a table already, and that no Python need look at."""
        characters = pyarrow.compute.sum(pyarrow.compute.utf8_length(rows["text"])).as_py() or 0
        if self._characters + characters > GROUP:  # so that two large ones make no group twice as large
            self._flush()
        self._tables.append(rows)
        self._characters += characters

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        added = pyarrow.Table.from_arrays([values.finish() for values in self._rows.values()], schema=self._schema)
        rows = pyarrow.concat_tables([*self._tables, added])
        if len(rows):
            self._writer.write_table(rows)
        self._tables, self._characters = [], 0


def write_shard(part: Part, folder: Path, longest: int) -> Counts:
    """Read a part into `folder`/NAME.parquet, and count; a part that is there already is not read again.

    Args:
        part: what is read.
        folder: where the table goes, and beside it the counts, which say that it is whole.
        longest: articles with more characters of text count as bad.

    Returns:
        articles, empty (articles without text), bad, and the first bad one's line.
    """
    counts: Counts = {"articles": 0, "empty": 0, "bad": 0, "first_bad": None}
    attempt = folder / f"{part.name}.{uuid4().hex}"  # another worker may have begun it
    with replacing(attempt) as partial:
        writer = GroupWriter(partial)
        for record in part.read():
            bad = str(record) if isinstance(record, Bad) else None
            if isinstance(record, Article) and (length := max(len(record.text), len(record.pair or ""))) > longest:
                bad = f"{part.name}: article {record.id!r}: its text has {length:,} characters"
            if isinstance(record, Article) and not all(is_unicode(value or "") for value in vars(record).values()):
                bad = f"{part.name}: article {record.id!r}: half a surrogate pair"
            if bad:
                counts["bad"] += 1
                counts["first_bad"] = counts["first_bad"] or bad
            elif isinstance(record, Article) and record.text.strip():
                counts["articles"] += 1
                writer.add(**vars(record))
            else:
                counts["empty"] += 1
        writer.close()
    attempt.replace(folder / f"{part.name}.parquet")
    write_json(folder / f"{part.name}.json", counts)
    return counts


def finished_shards(folder: Path) -> dict[str, Counts]:
    """The counts of the shards that an earlier run has finished, by part."""
    return {path.stem: read_json(path) for path in sorted(folder.glob("*.json"))}


def read_groups(path: Path, columns: list[str] | None = None) -> Iterator[pyarrow.Table]:
    """Go through a table group by group.

    Raises:
        UserError: there is no such file, or it is not whole.
    """
    with open_table(path) as table:
        for group in range(table.num_row_groups):
            yield table.read_row_group(group, columns)


def open_table(path: Path) -> pyarrow.parquet.ParquetFile:
    """Open a table of articles.

    Raises:
        UserError: there is no such file, or it is none.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file: run the stage that makes it first (dvc repro)")
    try:
        return pyarrow.parquet.ParquetFile(path, pre_buffer=False)
    except pyarrow.ArrowInvalid as error:
        raise UserError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]})") from error
