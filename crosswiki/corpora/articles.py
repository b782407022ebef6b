"""The table of articles that every corpus kind makes, and that nothing after `download` can tell apart."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from crosswiki.pipeline.errors import UserError

if TYPE_CHECKING:  # the processes that read a corpus need none of it
    import pandas

COLUMNS = ("id", "title", "text", "topic", "concept", "language")
ARTICLE = "crosswiki_id"  # the column of a table of suggestions that names each text's article, `language:id`
TASK = "task:"  # how the concepts of the task's texts begin, so that none is taken for a title's


def concept_of(title: str) -> str:
    """The concept that a title stands for: itself, without case, accents and double spaces.

    Titles that two languages spell alike (Zinc, Électron and Electron) become one concept, so that they fall on the
    same side of a split.
    """
    decomposed = unicodedata.normalize("NFKD", title).casefold()
    return re.sub(r"\s+", " ", "".join(c for c in decomposed if not unicodedata.combining(c))).strip()


def task_concept(name: str, split: str | None = None) -> str:
    """The concept of a text of the task, which says the split that the text's file assigns to it, if it does."""
    return f"{TASK}{split}/{name}" if split else TASK + name


def in_task(concept: str) -> bool:
    """Whether a text is one of the task's, which go before the corpus's articles wherever there is a limit."""
    return concept.startswith(TASK)


def of_the_task(table: "pandas.DataFrame") -> "pandas.DataFrame":
    """The rows of a table whose texts are the task's."""
    return table[table["concept"].map(in_task).astype(bool)]


def pick(table: "pandas.DataFrame", limit: int | None, seed: int, first: Iterable[str] = ()) -> "pandas.DataFrame":
    """Keep at most `limit` articles, by a seeded hash of the concept, so that translations are kept together.

    Args:
        table: articles.
        limit: None keeps all.
        seed: of the hash.
        first: concepts that are kept before others, but after the task's.
    """
    if limit is None or limit >= len(table):
        return table
    rank = table["concept"].map(lambda concept: unit_hash(f"{seed}:{concept}") - 2 * in_task(concept))
    rank -= table["concept"].isin(set(first))
    return table.loc[rank.sort_values(kind="stable").index[:limit].sort_values()].reset_index(drop=True)


def unit_hash(text: str) -> float:
    """A number in [0, 1) that depends on the text alone, spread evenly."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64


def language_in(path: Path) -> str:
    """The language of a table's articles, read without the rest of it."""
    import pandas

    return str(pandas.read_parquet(path, columns=["language"])["language"].iloc[0])


def load_articles(path: Path) -> "pandas.DataFrame":
    """Load a table that `download` or `prepare` made.

    Raises:
        UserError: there is none.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file: run the stage that makes it first (dvc repro)")
    import pandas

    return pandas.read_parquet(path)
