"""Tables that earlier stages wrote: predictions, confusions and loss curves, brought into the page's form."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas

from crosswiki.pipeline.errors import UserError
from crosswiki.reporting.systems import name_of
from crosswiki.reporting.wording import beginning

Item = TypeVar("Item")
LENGTH = 200  # characters of an example that are shown


def read_table(path: Path) -> pandas.DataFrame:
    """Read a CSV file as text: a topic may be called "None", an id may start with zeros.

    Raises:
        UserError: there is no such file.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file: run the stage that makes it first (dvc repro)")
    return pandas.read_csv(path, dtype=str, keep_default_na=False)


@dataclass(frozen=True)
class Cell:
    """How often a topic was taken for another one, or for itself."""

    count: int
    share: float  # of the row
    right: bool


@dataclass(frozen=True)
class Confusion:
    """What a system said (columns) of articles on each topic (rows)."""

    said: list[str]
    rows: list[tuple[str, list[Cell]]]


def confusion_of(table: pandas.DataFrame) -> Confusion:
    """Count pairs; topics that were said but never right come last.

    Args:
        table: with the columns actual and predicted, a row for each article.
    """
    topics = sorted(table["actual"].unique())
    said = topics + sorted(set(table["predicted"]) - set(topics))
    counts = pandas.crosstab(table["actual"], table["predicted"]).reindex(index=topics, columns=said, fill_value=0)
    rows = [
        (topic, [Cell(int(n), int(n) / int(row.sum()), topic == other) for other, n in zip(said, row, strict=True)])
        for topic, row in zip(topics, counts.to_numpy(), strict=True)
    ]
    return Confusion(said, rows)


@dataclass(frozen=True)
class Example:
    """An article and what was said of it."""

    title: str
    text: str
    actual: str
    said: str
    others: list[tuple[str, list[str]]]  # topic, and the other systems that said it


def examples(
    predictions: pandas.DataFrame, articles: pandas.DataFrame, system: str, count: int
) -> tuple[list[Example], list[Example]]:
    """Articles that a system got right, and others that it got wrong, spread evenly over the test split.

    Args:
        predictions: columns id, actual and one for each system.
        articles: columns id, title and text.
        system: whose answers count.
        count: how many of each are wanted.
    """
    shown = {
        id_: (title, text) for id_, title, text in zip(*(articles[c] for c in ("id", "title", "text")), strict=True)
    }
    others = [str(name) for name in predictions.columns if name not in ("id", "actual", system)]

    def example(row: dict[Any, str]) -> Example:
        title, text = shown[row["id"]]
        answers: dict[str, list[str]] = {}
        for other in others:
            answers.setdefault(row[other], []).append(name_of(other))
        name = title if isinstance(title, str) else row["id"]
        return Example(name, beginning(text, LENGTH), row["actual"], row[system], sorted(answers.items()))

    right = predictions[system] == predictions["actual"]
    chosen = [spread(predictions[which].to_dict("records"), count) for which in (right, ~right)]
    return [example(row) for row in chosen[0]], [example(row) for row in chosen[1]]


def spread(items: list[Item], count: int) -> list[Item]:
    """At most `count` of some items, at equal distances: the same ones every time, and nobody's pick."""
    return [items[place * len(items) // count] for place in range(count)] if len(items) > count else items
