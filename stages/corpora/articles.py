"""The table of articles that every corpus kind makes, and that nothing after `download` can tell apart."""

import hashlib
import re
import unicodedata
from pathlib import Path

import pandas

from stages.corpora.presets import FilesPreset, Preset, WheelPreset
from stages.corpora.read_files import read_dictionaries, read_files
from stages.corpora.read_wheel import read_wheel
from stages.errors import UserError

COLUMNS = ("id", "title", "text", "topic", "concept", "language")


def concept_of(title: str) -> str:
    """The concept that a title stands for: itself, without case, accents and double spaces.

    Titles that two languages spell alike (Zinc, Électron and Electron) become one concept, so that they fall on the
    same side of a split.
    """
    decomposed = unicodedata.normalize("NFKD", title).casefold()
    return re.sub(r"\s+", " ", "".join(c for c in decomposed if not unicodedata.combining(c))).strip()


def read_articles(preset: Preset, language: str) -> pandas.DataFrame:
    """Read a language's articles.

    Returns:
        A table with the columns `COLUMNS`, sorted by id: topic is None where there is no label; articles without
        text are left out.

    Raises:
        UserError: a file is missing or wrong, an id occurs twice, or nothing is left.
    """
    table = read_wheel(preset, language) if isinstance(preset, WheelPreset) else read_files(preset, language)
    table = table[table["text"].str.strip().astype(bool)].copy()
    if table.empty:
        raise UserError(f"corpus: no article with text in language {language!r}")
    if table["id"].duplicated().any():
        twice = table.loc[table["id"].duplicated(), "id"].iloc[0]
        raise UserError(f"corpus: language {language!r}: the id {twice!r} occurs twice; ids must be unique")
    titles = table["title"].where(table["title"].notna(), language + ":" + table["id"])
    table["concept"] = table["concept"].where(table["concept"].notna(), titles.map(concept_of))
    table["language"] = language
    return table.loc[:, list(COLUMNS)].sort_values("id").reset_index(drop=True)


def pick(table: pandas.DataFrame, limit: int | None, seed: int) -> pandas.DataFrame:
    """Keep at most `limit` articles, by a seeded hash of the concept, so that translations are kept together."""
    if limit is None or limit >= len(table):
        return table
    rank = table["concept"].map(lambda concept: unit_hash(f"{seed}:{concept}"))
    return table.loc[rank.sort_values(kind="stable").index[:limit].sort_values()].reset_index(drop=True)


def unit_hash(text: str) -> float:
    """A number in [0, 1) that depends on the text alone, spread evenly."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64


def read_dictionary(preset: Preset, language: str) -> list[tuple[str, str]]:
    """The (source, other) entries that the preset names for a language; none if it names no dictionary."""
    return read_dictionaries(preset, language) if isinstance(preset, FilesPreset) else []


def language_in(path: Path) -> str:
    """The language of a table's articles, read without the rest of it."""
    return str(pandas.read_parquet(path, columns=["language"])["language"].iloc[0])


def load_articles(path: Path) -> pandas.DataFrame:
    """Load a table that `download` or `prepare` made.

    Raises:
        UserError: there is none.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file: run the stage that makes it first (dvc repro)")
    return pandas.read_parquet(path)
