"""The corpus kind `files`: the user's own JSON Lines, CSV, TSV or Parquet, read row by row."""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

from crosswiki.corpora.pairs import PAIR
from crosswiki.corpora.parts import Article, Bad, Part
from crosswiki.corpora.readers.lines import BROKEN, text_lines
from crosswiki.corpora.readers.places import COMPRESSIONS, existing
from crosswiki.corpora.readers.records import read_rows, text_of
from crosswiki.corpora.text import normalise
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.paths import sha256_of, user_path
from crosswiki.pipeline.preset_files import ArticleFile
from crosswiki.pipeline.presets import CorpusPreset, FilesPreset


def parts(preset: FilesPreset, language: str) -> Iterator[Part]:
    """A language's files, one part each, in the preset's order.

    Raises:
        UserError: a file is missing or has another digest.
    """
    files = preset.articles.get(language, [])
    paths = [existing(user_path(file.path)) for file in files]
    sizes = [path.stat().st_size for path in paths]
    for place, (file, path, prefix) in enumerate(zip(files, paths, prefixes(paths), strict=True)):
        reached = sum(sizes[: place + 1]) / max(1, sum(sizes))
        yield Part(f"{place:04d}", partial(_read_file, path, file, prefix), sizes[place], reached)


def prefixes(paths: list[Path]) -> list[str]:
    """What stands before each file's ids, so that ids from 0 in several files are several articles.

    The name without its format; where two files would share it, the name with it, then with the folders above.
    """
    different = len(set(paths))
    kinds = {".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet", *COMPRESSIONS}
    stems = [path.name for path in paths]
    for _ in range(2):
        stems = [str(Path(stem).with_suffix("")) if Path(stem).suffix in kinds else stem for stem in stems]
    if len({*zip(stems, paths, strict=True)}) == len(set(stems)):
        return stems
    for depth in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-depth:]) for path in paths]
        if len(set(names)) == different:
            break
    return names


def verify(path: Path, sha256: str | None) -> None:
    """Refuse a file that has another digest than the preset says, if it says one.

    Raises:
        UserError: it has.
    """
    if sha256 and (found := sha256_of(path)) != sha256:
        raise UserError(
            f"{path}: its SHA-256 is {found}, {sha256} is expected: if it has changed, put that into the preset"
        )


def _read_file(path: Path, file: ArticleFile, prefix: str) -> Iterator[Article | Bad]:
    """A file's articles. Ids get the file's name before them."""
    verify(path, file.sha256)
    columns = file.columns.model_dump()
    wanted = {name: column for name, column in columns.items() if column is not None}
    read = 0
    for number, row in enumerate(read_rows(path), 1):
        if isinstance(row, Bad):
            yield row
            continue
        read += 1
        for name, column in wanted.items():
            # A row of JSON may leave out what is null; an id and a text must be there.
            if column not in row and read == 1:
                raise UserError(f"{path}: no column {column!r} for {name}; it has {', '.join(map(str, row))}")
        try:
            values = {name: text_of(row.get(column), name) for name, column in wanted.items()}
        except ValueError as error:
            yield Bad(f"{path}: row {number}", str(error))
            continue
        missing = next((name for name in ("id", "text", PAIR) if name in wanted and values[name] is None), None)
        if missing:
            yield Bad(f"{path}: row {number}", f"no {wanted[missing]}")
        else:
            values["id"] = f"{prefix}:{values['id']}"
            yield Article(**cast("Any", {"title": None} | values))


def read_similarities(preset: CorpusPreset, language: str) -> list[tuple[str, str, str, float]]:
    """Read a language's word-similarity files, `word1<TAB>word2<TAB>score` lines; those that start with # are left out.

    Returns:
        The file's name without endings, two words in lower case, and how alike people find them.

    Raises:
        UserError: a file is missing, or a line in it is something else.
    """
    rows: list[tuple[str, str, str, float]] = []
    for name in preset.similarities.get(language, []):
        path = existing(user_path(name))
        try:
            with text_lines(path) as stream:
                lines = [line.rstrip("\r\n") for line in stream]
        except BROKEN as error:
            raise UserError(f"{path}: cannot be read ({error})") from error
        for number, line in enumerate(lines, 1):
            if line.startswith("#") or not line.strip():
                continue
            match line.split("\t"):
                case [one, other, score, *_] if one.strip() and other.strip() and _number(score) is not None:
                    first, second = (normalise(word, language).lower() for word in (one, other))
                    rows.append((path.name.partition(".")[0], first, second, float(score)))
                case _:
                    raise UserError(f"{path}: line {number}: word1<TAB>word2<TAB>score is needed, found {line!r}")
    return rows


def _number(text: str) -> float | None:
    try:
        return float(text) if math.isfinite(float(text)) else None
    except ValueError:
        return None
