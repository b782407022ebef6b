"""Tables that earlier stages wrote: curves, confusions, and examples of predictions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas

from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters import Role
from crosswiki.reporting.systems import name_of
from crosswiki.reporting.wording import beginning

Item = TypeVar("Item")
TRAININGS = {
    "finetune_source": "Teacher, fine-tuned on source labels",
    "adapt": "Transplanted model, adapted to the target",
    "distill": "Student, distilled from the teacher",
    "finetune_target": "Student, fine-tuned on target labels",
}
LENGTH = 200  # characters of an example that are shown


def read_table(path: Path) -> pandas.DataFrame:
    """Read a CSV file as text: a topic may be called "None", an id may start with zeros.

    Raises:
        UserError: there is no such file.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file: run the stage that makes it first (dvc repro)")
    return pandas.read_csv(path, dtype=str, keep_default_na=False)


def read_curves(folder: Path, names: Mapping[Role, str]) -> dict[str, pandas.DataFrame]:
    """Read the loss of all trainings in the order of the stages, and the adapted encoder's drift, by title.

    Args:
        folder: metrics/plots.
        names: the roles' languages.
    """
    files = {f"Word vectors, {name}": f"skipgram/{role}.csv" for role, name in names.items()}
    files |= {title: f"loss/{stage}.csv" for stage, title in TRAININGS.items()}
    files["Drift of the adapted encoder"] = "drift.csv"
    return {title: read_table(folder / file) for title, file in files.items()}


def confusion_of(table: pandas.DataFrame) -> pandas.DataFrame:
    """Count how often each topic (rows) was predicted as each (columns).

    Topics that are predicted but never occur come last.

    Args:
        table: with the columns actual and predicted, a row for each article.
    """
    topics = sorted(table["actual"].unique())
    predicted = topics + sorted(set(table["predicted"]) - set(topics))
    return pandas.crosstab(table["actual"], table["predicted"]).reindex(index=topics, columns=predicted, fill_value=0)


@dataclass(frozen=True)
class Example:
    """An article and its predictions."""

    title: str
    text: str
    actual: str
    predicted: str
    others: list[tuple[str, list[str]]]  # topic, and the other systems that predicted it


def examples(
    predictions: pandas.DataFrame, articles: pandas.DataFrame, system: str, count: int
) -> tuple[list[Example], list[Example]]:
    """Articles that a system got right, and others that it got wrong, spread evenly over the test split.

    Args:
        predictions: columns id, actual (empty where there is no label) and one for each system.
        articles: columns id, title and text.
        system: whose predictions count; without them there are no examples.
        count: how many of each are wanted.
    """
    predictions = predictions[predictions["actual"] != ""]
    if system not in predictions:
        return [], []
    shown = {
        id_: (title, text) for id_, title, text in zip(*(articles[c] for c in ("id", "title", "text")), strict=True)
    }
    others = [str(name) for name in predictions.columns if name not in ("id", "actual", system)]

    def example(row: dict[Any, str]) -> Example:
        title, text = shown[row["id"]]
        predicted: dict[str, list[str]] = {}
        for other in others:
            predicted.setdefault(row[other], []).append(name_of(other))
        name = title if isinstance(title, str) else row["id"]
        return Example(name, beginning(text, LENGTH), row["actual"], row[system], sorted(predicted.items()))

    right = predictions[system] == predictions["actual"]
    chosen = [spread(predictions[which].to_dict("records"), count) for which in (right, ~right)]
    return [example(row) for row in chosen[0]], [example(row) for row in chosen[1]]


def spread(items: list[Item], count: int) -> list[Item]:
    """At most `count` of some items, at equal distances: the same ones every time, chosen by no one."""
    return [items[place * len(items) // count] for place in range(count)] if len(items) > count else items
