"""What earlier stages wrote, as the page needs it: measures, curves, confusions, and examples of predictions."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy
import pandas

from crosswiki.corpora.pairs import in_one, texts_of
from crosswiki.evaluation.calibration import coverage_curve
from crosswiki.evaluation.scores import FINAL
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import read_json
from crosswiki.pipeline.parameter_values import ROLES, Role
from crosswiki.reporting.systems import name_of

Item = TypeVar("Item")
MEASURES: dict[str, tuple[Role, ...]] = {  # folders, and the roles for which they have a file
    **dict.fromkeys(("corpus", "skipgram"), ROLES),
    **dict.fromkeys(("alignment", "transplant"), ROLES[1:]),
}
TRAININGS = {
    "finetune_source": "Teacher, fine-tuned on source labels",
    "adapt": "Transplanted model, adapted to the target",
    "distill": "Student, distilled from the teacher",
    "finetune_target": "Student, fine-tuned on target labels",
}


def read_table(path: Path) -> pandas.DataFrame:
    """Read a CSV file as text: a topic may be called "None", an id may start with zeros.

    Raises:
        UserError: there is no such file.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file: run the stage that makes it first (dvc repro)")
    return pandas.read_csv(path, dtype=str, keep_default_na=False)


def read_measures(folder: Path, roles: Iterable[Role]) -> dict[str, dict[str, dict[str, Any]]]:
    """Read metrics/MEASURE/ROLE.json, and metrics/sizes.json by system; labelled articles are counted by split."""
    found: dict[str, dict[str, dict[str, Any]]] = {
        name: {role: read_json(folder / name / f"{role}.json") for role in roles if role in having}
        for name, having in MEASURES.items()
    }
    for corpus in found["corpus"].values():
        splits = ("train", "validation", "test")
        corpus.update((split, sum(corpus["labels"].get(split, {}).values())) for split in splits)
    return {**found, "sizes": read_json(folder / "sizes.json")}


def read_curves(folder: Path, names: Mapping[Role, str]) -> dict[str, pandas.DataFrame]:
    """Read from metrics/plots the losses that the page shows, by stage, and the encoder's drift; by title."""
    files = {f"Word vectors, {name}": f"skipgram/{role}.csv" for role, name in names.items()}
    files |= {title: f"loss/{stage}.csv" for stage, title in TRAININGS.items()}
    files["Drift of the adapted encoder"] = "drift.csv"
    return {title: read_table(folder / file) for title, file in files.items()}


def read_coverage(folder: Path, role: Role) -> list[tuple[float, float]]:
    """Read from metrics/predictions the `coverage_curve` of the final system of a role that has test labels."""
    predictions, confidences = (read_table(folder / f"{name}.csv") for name in (role, f"confidence-{role}"))
    both = predictions.merge(confidences.drop_duplicates("id"), on="id", suffixes=("", " confidence"))
    confidence = both[f"{FINAL[role]} confidence"].to_numpy(dtype=numpy.float64)
    return coverage_curve(confidence, (both[FINAL[role]] == both["actual"]).to_numpy())


def confusion_of(table: pandas.DataFrame) -> pandas.DataFrame:
    """Count how often each actual topic (rows) was predicted as each; topics that never occur are the last columns."""
    topics = sorted(table["actual"].unique())
    predicted = topics + sorted(set(table["predicted"]) - set(topics))
    return pandas.crosstab(table["actual"], table["predicted"]).reindex(index=topics, columns=predicted, fill_value=0)


def examples(
    predictions: pandas.DataFrame, articles: pandas.DataFrame, system: str, count: int
) -> dict[str, list[dict[str, Any]]]:
    """Articles that a system got right, and others that it got wrong, spread evenly over the test split.

    Takes predictions with columns id, actual (empty where there is no label) and one for each system. Gives of each
    article title, text, actual, predicted and others: by topic, the other systems that predicted it.
    """
    known = with_articles(predictions[predictions["actual"] != ""], articles)
    others = [str(name) for name in predictions.columns if name not in ("id", "actual", system)]

    def example(row: dict[str, Any]) -> dict[str, Any]:
        answers = pandas.Series({name_of(other): row[other] for other in others}, dtype=str)
        return {**row, "predicted": row[system], "others": {t: list(s.index) for t, s in answers.groupby(answers)}}

    right = known["actual"] == known.get(system)
    rows = {"Correct": known[right], "Wrong": known[~right] if system in known else known[:0]}
    return {heading: [example(row) for row in spread(records(chosen), count)] for heading, chosen in rows.items()}


def read_glosses(path: Path, articles: pandas.DataFrame, count: int) -> list[dict[str, str]]:
    """Some articles with their glosses: title, text and gloss; none where the file, which `evaluate` writes, is not."""
    return spread(records(with_articles(read_table(path), articles)), count) if path.is_file() else []


def with_articles(table: pandas.DataFrame, articles: pandas.DataFrame) -> pandas.DataFrame:
    """Put each article's title (the id where it has none) and text beside a table with a column id."""
    shown = articles[["id", "title"]].assign(text=[in_one(text) for text in texts_of(articles)])
    found = table.merge(shown.drop_duplicates("id"), on="id", how="left")
    return found.assign(title=found["title"].fillna(found["id"]))


def records(table: pandas.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, by column."""
    return [{str(column): value for column, value in row.items()} for row in table.to_dict("records")]


def spread(items: list[Item], count: int) -> list[Item]:
    """At most `count` of some items, at equal distances: the same ones every time, chosen by no one."""
    return [items[place * len(items) // count] for place in range(count)] if len(items) > count else items
