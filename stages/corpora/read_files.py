"""The corpus kind `files`: the user's own JSON Lines, CSV, TSV or Parquet."""

import hashlib
import zlib
from lzma import LZMAError
from pathlib import Path
from typing import Any

import pandas
import pyarrow

from stages.corpora.presets import ArticleFile, FilesPreset
from stages.errors import UserError

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")


def read_files(preset: FilesPreset, language: str) -> pandas.DataFrame:
    """Read a language's articles: columns id, title, text, topic, concept. Ids get their file's name before them.

    Raises:
        UserError: a file is missing, is not what its name says, has another digest, or lacks a column.
    """
    tables = [_read_file(file) for file in preset.articles[language]]
    return pandas.concat(tables, ignore_index=True)


def _read_file(file: ArticleFile) -> pandas.DataFrame:
    path = Path(file.path).expanduser()
    content = _read_table(path, file.sha256)
    result: dict[str, Any] = {}
    for name, column in file.columns.model_dump().items():
        if column is None:
            result[name] = pandas.Series([None] * len(content), dtype=object)
        elif column not in content:
            raise UserError(f"{path}: no column {column!r} for {name}; it has {', '.join(map(str, content.columns))}")
        else:
            values = content[column]
            missing = values.isna() if name == "text" else values.isna() | (values == "")  # no text, and an empty one
            if values.dtype.kind == "f" and (values.dropna() % 1 == 0).all():
                values = values.astype("Int64")  # whole numbers that gaps had turned into fractions
            if name in ("id", "text") and missing.any():
                raise UserError(f"{path}: row {int(missing.to_numpy().argmax()) + 1}: no {column}")
            result[name] = values.astype(str).astype(object).where(~missing, None)
    table = pandas.DataFrame(result)
    table["id"] = path.name.split(".")[0] + ":" + table["id"]
    return table


def _read_table(path: Path, sha256: str | None) -> pandas.DataFrame:
    _exists(path)
    if sha256 and (found := hashlib.sha256(path.read_bytes()).hexdigest()) != sha256:
        raise UserError(f"{path}: its SHA-256 is {found}, {sha256} is expected: has the file changed?")
    suffixes = [suffix for suffix in path.suffixes if suffix not in COMPRESSIONS]
    kind = suffixes[-1] if suffixes else ""
    try:
        # pandas would need one more package for .zst
        source = pyarrow.input_stream(str(path)) if path.suffix == ".zst" else path
        match kind:
            case ".jsonl" | ".json" | ".ndjson":
                return pandas.read_json(source, lines=True, dtype=False, convert_dates=False)
            case ".csv" | ".tsv":
                return pandas.read_csv(source, sep="\t" if kind == ".tsv" else ",", dtype=str, keep_default_na=False)
            case ".parquet":
                return pandas.read_parquet(source)
    except (ValueError, OSError, EOFError, zlib.error, LZMAError) as error:  # also pyarrow's and the decompressors'
        raise UserError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]})") from error
    raise UserError(f"{path}: its name must end in .jsonl, .csv, .tsv or .parquet (and .gz, .bz2, .xz, .zst)")


def read_dictionaries(preset: FilesPreset, language: str) -> list[tuple[str, str]]:
    """Read a language's dictionaries, `source<TAB>other` lines, in the files' order without repetition.

    Raises:
        UserError: a file is missing, or a line in it is not a pair.
    """
    pairs: dict[tuple[str, str], None] = {}
    for name in preset.dictionaries.get(language, []):
        path = Path(name).expanduser()
        _exists(path)
        try:
            with pyarrow.input_stream(str(path)) as stream:  # unpacks by the name's ending
                lines = stream.read().decode("utf-8-sig").splitlines()
        except (UnicodeDecodeError, OSError) as error:
            raise UserError(f"{path}: cannot be read ({error})") from error
        for number, line in enumerate(lines, 1):
            words = line.split("\t")
            if line.strip() and (len(words) != 2 or not all(word.strip() for word in words)):
                raise UserError(f"{path}: line {number}: source<TAB>other is needed, found {line!r}")
            if line.strip():
                pairs[words[0], words[1]] = None
    return list(pairs)


def _exists(path: Path) -> None:
    if not path.is_file():
        raise UserError(f"{path}: no such file: check its path in the preset (relative to the project's folder)")
