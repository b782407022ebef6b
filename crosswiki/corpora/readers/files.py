"""The corpus kind `files`: the user's own JSON Lines, CSV, TSV or Parquet, read row by row."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import math
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

import pyarrow
import pyarrow.parquet

from crosswiki.corpora.parts import Article, Bad, Part
from crosswiki.corpora.readers.places import user_path
from crosswiki.corpora.text import normalise
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.presets import ArticleFile, CorpusPreset, FilesPreset

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
ROWS = 2000  # that are unpacked at once
_BROKEN = (ValueError, OSError, EOFError, zlib.error, lzma.LZMAError)  # also pandas', pyarrow's and the decompressors'
Row = dict[str, Any]


def unpacked(path: Path) -> IO[bytes]:
    """A file's content, unpacked by its name's ending."""
    match path.suffix:
        case ".bz2":
            return bz2.open(path)
        case ".gz":
            return cast("IO[bytes]", gzip.open(path))
        case ".xz":
            return lzma.open(path)
        case ".zst":
            return io.BufferedReader(pyarrow.input_stream(str(path), buffer_size=2**16), 2**16)
    return path.open("rb")


def parts(preset: FilesPreset, language: str) -> Iterator[Part]:
    """A language's files, one part each, in the preset's order.

    Raises:
        UserError: a file is missing or has another digest.
    """
    paths = [user_path(file.path) for file in preset.articles[language]]
    for path in paths:
        _exists(path)
    sizes = [path.stat().st_size for path in paths]
    for place, (file, path) in enumerate(zip(preset.articles[language], paths, strict=True)):
        reached = sum(sizes[: place + 1]) / max(1, sum(sizes))
        yield Part(f"{place:04d}", partial(_read_file, path, file), sizes[place], reached)


def _read_file(path: Path, file: ArticleFile) -> Iterator[Article | Bad]:
    """A file's articles. Ids get the file's name before them."""
    if file.sha256:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != file.sha256:
            raise UserError(f"{path}: its SHA-256 is {found}, {file.sha256} is expected: has the file changed?")
    columns = file.columns.model_dump()
    wanted = {name: column for name, column in columns.items() if column is not None}
    for number, row in enumerate(read_rows(path), 1):
        if isinstance(row, Bad):
            yield row
            continue
        for name, column in wanted.items():
            # A row of JSON may leave out what is null; an id and a text must be there.
            if column not in row and (number == 1 or name in ("id", "text")):
                raise UserError(f"{path}: no column {column!r} for {name}; it has {', '.join(map(str, row))}")
        values = {name: text_of(row.get(column), name) for name, column in wanted.items()}
        missing = next((name for name in ("id", "text") if values[name] is None), None)
        if missing:
            yield Bad(f"{path}: row {number}", f"no {wanted[missing]}")
        else:
            values["id"] = f"{path.name.split('.')[0]}:{values['id']}"
            yield Article(**cast("Any", {"title": None} | values))


def text_of(value: Any, name: str) -> str | None:
    """A cell as text; an empty one is missing, but in the text's column, where it is an empty text."""
    if value is None or (value == "" and name != "text"):
        return None
    if isinstance(value, float):
        if math.isnan(value):  # a gap
            return None
        return str(int(value) if value.is_integer() else value)  # whole numbers that gaps had turned into fractions
    return str(value)


def read_rows(path: Path) -> Iterator[Row | Bad]:
    """Go through a table's rows, whatever its format; a line that is no JSON object is bad.

    Raises:
        UserError: the file is missing, is not what its name says, or ends in the middle.
    """
    _exists(path)
    suffixes = [suffix for suffix in path.suffixes if suffix not in COMPRESSIONS]
    try:
        match suffixes[-1] if suffixes else "":
            case ".jsonl" | ".json" | ".ndjson":
                yield from _json_lines(path)
            case ".csv" | ".tsv" as kind:
                import pandas

                # pandas would need one more package for .zst
                source = pyarrow.input_stream(str(path)) if path.suffix == ".zst" else path
                separator = "\t" if kind == ".tsv" else ","
                with pandas.read_csv(
                    source, sep=separator, dtype=str, keep_default_na=False, chunksize=ROWS, encoding="utf-8-sig"
                ) as tables:
                    for table in tables:
                        yield from cast("list[Row]", table.to_dict("records"))
            case ".parquet":
                with pyarrow.parquet.ParquetFile(path) as table:
                    for batch in table.iter_batches(ROWS):
                        yield from batch.to_pylist()
            case _:
                raise UserError(
                    f"{path}: its name must end in .jsonl, .csv, .tsv or .parquet (and .gz, .bz2, .xz, .zst)"
                )
    except _BROKEN as error:
        raise UserError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]})") from error


def _json_lines(path: Path) -> Iterator[Row | Bad]:
    with unpacked(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError as error:
                yield Bad(f"{path}: line {number}", f"invalid UTF-8 ({error.reason})")
                continue
            except json.JSONDecodeError as error:
                yield Bad(f"{path}: line {number}", f"no JSON ({error.msg})")
                continue
            yield row if isinstance(row, dict) else Bad(f"{path}: line {number}", "no JSON object")


def read_dictionaries(preset: FilesPreset, language: str) -> list[tuple[str, str]]:
    """Read a language's dictionaries, `source<TAB>other` lines, in the files' order without repetition.

    Raises:
        UserError: a file is missing, or a line in it is not a pair.
    """
    pairs: dict[tuple[str, str], None] = {}
    for name in preset.dictionaries.get(language, []):
        for place, line in _lines(user_path(name)):
            words = line.split("\t")
            if len(words) != 2 or not all(word.strip() for word in words):
                raise UserError(f"{place}: source<TAB>other is needed, found {line!r}")
            pairs[words[0], words[1]] = None
    return list(pairs)


def read_similarities(preset: CorpusPreset, language: str) -> list[tuple[str, str, str, float]]:
    """Read a language's word-similarity files, `word1<TAB>word2<TAB>score` lines; those that start with # are left out.

    Returns:
        The file's name without endings, two words in lower case, and how alike people find them.

    Raises:
        UserError: a file is missing, or a line in it is something else.
    """
    rows: list[tuple[str, str, str, float]] = []
    for name in preset.similarities.get(language, []):
        path = user_path(name)
        for place, line in _lines(path):
            if line.startswith("#"):
                continue
            match line.split("\t"):
                case [one, other, score, *_] if one.strip() and other.strip() and _number(score) is not None:
                    first, second = (normalise(word, language).lower() for word in (one, other))
                    rows.append((path.name.partition(".")[0], first, second, float(score)))
                case _:
                    raise UserError(f"{place}: word1<TAB>word2<TAB>score is needed, found {line!r}")
    return rows


def _number(text: str) -> float | None:
    try:
        return float(text) if math.isfinite(float(text)) else None
    except ValueError:
        return None


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """A text file's lines that are not empty, each with its place for an error's message."""
    _exists(path)
    try:
        with unpacked(path) as stream:
            lines = stream.read().decode("utf-8-sig").splitlines()
    except _BROKEN as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    yield from ((f"{path}: line {number}", line) for number, line in enumerate(lines, 1) if line.strip())


def _exists(path: Path) -> None:
    if not path.is_file():
        raise UserError(f"{path}: no such file: check its path in the preset (relative to the project's folder)")
