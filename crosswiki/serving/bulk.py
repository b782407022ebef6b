"""Files of any number of texts: classified part by part, so that a run that was killed goes on where it was."""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import read_json, remove, replacing, write_json
from crosswiki.serving.texts import PARQUET, SEPARATORS, as_json

PART = 4096  # rows of a part; what was done of an unfinished one is done again
LINES = (".jsonl", ".ndjson")
KINDS = (*LINES, *SEPARATORS, PARQUET)

Row = dict[str, Any]
Rows = list[Row]


def classify_all(
    records: Iterable[Row],
    out: Path,
    job: Row | None,
    classify: Callable[[Rows], Rows],
    topics: Sequence[str],
    like: Path | None = None,
    skipped: Callable[[int], object] = lambda rows: None,
) -> int:
    """Classify rows into a file.

    Args:
        records: the rows, in an order that a later run repeats.
        out: the file to write: JSON Lines, CSV, TSV or Parquet, by its suffix.
        job: what the answers depend on. Parts of an earlier run remain only if it was the same; None if that cannot
            be known.
        classify: adds answers to rows.
        topics: of the model.
        like: a Parquet file, whose columns keep their types in a Parquet file.
        skipped: called with the number of rows of each part that an earlier run had done.

    Returns:
        The number of rows that an earlier run had done.

    Raises:
        UserError: the output cannot be written, or another process writes it.
    """
    rows, parts = iter(records), out.with_name(f"{out.name}.parts")
    with _locked(parts):
        whole, done = _begin(parts, job), 0
        for number in range(whole):
            found = _skip(rows, parts, number)
            skipped(found)
            done += found
        for number, part in enumerate(iter(lambda: list(islice(rows, PART)), []), whole):
            with replacing(_part(parts, number)) as partial:
                _write_part(classify(part), partial, out.suffix, topics, like)
        if not (files := sorted(parts.glob("[0-9]*.part"))):  # there is no row
            _write_part([], _part(parts, 0), out.suffix, topics, like)
            files = [_part(parts, 0)]
        with replacing(out) as partial:
            _join(files, partial, out)
        remove(parts)
    return done


@contextmanager
def _locked(parts: Path) -> Iterator[None]:
    lock = parts.with_name(f".{parts.name}.lock")
    try:
        parts.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=0):
            yield
            lock.unlink(missing_ok=True)
    except Timeout as error:
        raise UserError(f"{parts}: another process is writing there: wait for it, or choose another --out") from error
    except OSError as error:
        raise UserError(f"{parts}: cannot be written ({error.strerror}): check the rights") from error


def digest_of(*paths: Path) -> str:
    """A digest of files, and of all files in folders."""
    files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    whole = hashlib.sha256()
    for file in files:
        if file.is_file():
            with file.open("rb") as stream:
                whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()


def _begin(parts: Path, job: Row | None) -> int:
    """How many whole parts of the same job there are; others are removed."""
    described = parts / "job.json"
    if job is None or not described.is_file() or read_json(described) != job:
        remove(parts)
        parts.mkdir()
        write_json(described, job)
    done = 0
    while _part(parts, done).is_file():
        done += 1
    return done


def _part(parts: Path, number: int) -> Path:
    return parts / f"{number:08}.part"


def _skip(rows: Iterator[Row], parts: Path, number: int) -> int:
    """Go past the rows of a part that is done; how many they are."""
    found = sum(1 for _ in islice(rows, PART))
    if found < PART and _part(parts, number + 1).exists():
        raise UserError(f"{parts}: has more rows than the input: remove it, and start again")
    return found


def _write_part(rows: Rows, partial: Path, suffix: str, topics: Sequence[str], like: Path | None) -> None:
    if suffix != PARQUET:
        partial.write_text("".join(f"{as_json(row)}\n" for row in rows), encoding="utf-8")
        return
    import pyarrow
    from pyarrow import parquet

    types = {field.name: field.type for field in parquet.read_schema(like)} if like else {}
    types |= dict.fromkeys(("topic", "language", "model"), pyarrow.string())
    types |= {"probability": pyarrow.float64()}
    types |= {"probabilities": pyarrow.struct([(topic, pyarrow.float64()) for topic in topics])}
    names = dict.fromkeys(name for row in rows for name in row) if rows else dict.fromkeys(types)
    columns = {name: [row.get(name) for row in rows] for name in names}
    try:
        arrays = {name: pyarrow.array(values, types.get(name)) for name, values in columns.items()}
    except pyarrow.ArrowException as error:
        raise UserError(f"a column has values of several types ({error}): let --out be JSON Lines") from error
    parquet.write_table(pyarrow.table(arrays), partial)


def _join(files: list[Path], partial: Path, out: Path) -> None:
    if out.suffix in LINES:
        with partial.open("wb") as joined:
            for file in files:
                joined.write(file.read_bytes())
    elif out.suffix == PARQUET:
        _join_parquet(files, partial, out)
    else:
        with partial.open("w", encoding="utf-8", newline="") as joined:
            columns = list(dict.fromkeys(name for row in _rows_of(files) for name in row))
            table = csv.writer(joined, delimiter=SEPARATORS[out.suffix], lineterminator="\n")
            table.writerow(columns)
            table.writerows([_cell(row.get(name)) for name in columns] for row in _rows_of(files))


def _rows_of(files: list[Path]) -> Iterator[Row]:
    for file in files:
        with file.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _join_parquet(files: list[Path], partial: Path, out: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    try:
        schema = pyarrow.unify_schemas(map(parquet.read_schema, files), promote_options="permissive")
        with parquet.ParquetWriter(partial, schema) as joined:
            for file in files:
                table = parquet.read_table(file)
                missing = {name: pyarrow.nulls(len(table), schema.field(name).type) for name in schema.names}
                columns = {name: table[name] if name in table.column_names else missing[name] for name in schema.names}
                joined.write_table(pyarrow.table(columns).cast(schema))
    except pyarrow.ArrowException as error:
        raise UserError(f"{out}: a column has values of several types ({error}): let --out be JSON Lines") from error
