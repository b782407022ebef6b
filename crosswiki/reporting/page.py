"""The page: one HTML file with its charts inside, which needs nothing beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from crosswiki.evaluation.scores import FINAL, Scores
from crosswiki.pipeline.parameters import Role
from crosswiki.reporting import charts
from crosswiki.reporting.figures import DARK, LIGHT, svg
from crosswiki.reporting.sentences import estimates, headline, labels_needed, remarks
from crosswiki.reporting.systems import MEANING, System, name_of
from crosswiki.reporting.tables import Example
from crosswiki.reporting.wording import interval, language_name, number, percent
from crosswiki.reporting.wordmap import Thing

UNLABELLED = ("distilled", "transplanted")  # systems that were trained on no label of the target
LABELLED = ("finetuned", "scratch")  # those that were trained on as many as params.yaml gives


@dataclass(frozen=True)
class Report:
    """All that the page shows. What a role lacks is left out of the mapping; a role that is not used, out of all."""

    corpus: str
    seed: int
    confidence: float
    languages: Mapping[Role, str]  # codes, of the roles that there are
    evaluation: Mapping[Role, Mapping[str, Scores | None]]
    systems: Mapping[Role, list[System]]
    labels: int  # of the target, that the final model was trained on
    label_curve: pandas.DataFrame
    confusions: Mapping[Role, pandas.DataFrame]
    curves: Mapping[str, pandas.DataFrame]  # by title
    corpora: Mapping[Role, Mapping[str, Any]]
    skipgrams: Mapping[Role, Mapping[str, Any]]
    alignments: Mapping[Role, Mapping[str, Any]]
    transplants: Mapping[Role, Mapping[str, Any]]
    neighbours: Mapping[Role, list[tuple[str, list[str]]]]
    things: list[Thing]  # the word map's
    sizes: Mapping[str, Mapping[str, float]]
    right: list[Example]
    wrong: list[Example]

    @property
    def names(self) -> dict[Role, str]:
        """The languages in English."""
        return {role: language_name(code) for role, code in self.languages.items()}

    @property
    def findings(self) -> list[str]:
        """The main result, and what stands beside it."""
        return [
            headline(self.evaluation, self.names, self.labels),
            *remarks(self.evaluation, self.names),
            *estimates(self.evaluation, self.names),
        ]


def render(report: Report) -> str:
    """Fill in the template. Text from outside (topics, titles, words) is escaped."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters.update(number=number, percent=percent)
    return environment.get_template("page.html.jinja").render(
        report=report,
        names=report.names,
        finals={role: name_of(system) for role, system in FINAL.items()},
        charts=charts_of(report),
        needed=_needed(report),
        light=LIGHT,
        dark=DARK,
        meaning=MEANING,
        name_of=name_of,
        interval=interval,
    )


def charts_of(report: Report) -> dict[str, Markup]:
    """All charts of the page, by name; what there are no data for has none."""
    names = report.names
    drawn = {}

    def add(name: str, draw: Any, description: str, width: float, height: float) -> None:
        drawn[name] = svg(draw, name, description, width, height)

    for role, systems in report.systems.items():
        draw = partial(charts.draw_systems, systems=systems, language=names[role])
        add(f"systems-{role}", draw, _bars(systems, names[role]), 400, charts.systems_height(systems))
    for role, confusion in report.confusions.items():
        draw = partial(charts.draw_confusion, confusion=confusion)
        add(f"confusion-{role}", draw, _confused(confusion), *charts.confusion_size(confusion))
    for place, (title, table) in enumerate(report.curves.items()):
        if len(table):
            measure = table.columns[1]
            ends = [number(float(table[measure].iloc[end])) for end in (0, -1)]
            description = f"{title}: {measure} from {ends[0]} to {ends[1]}"
            add(f"curve-{place}", partial(charts.draw_curve, table=table), description, 320, 180)
    if len(report.label_curve) > 1:
        draw = partial(
            charts.draw_label_curve,
            table=report.label_curve,
            unlabelled=_accuracies(report, UNLABELLED),
            trained=_accuracies(report, LABELLED) if report.labels else {},
            labels=report.labels,
            unit=f"{names['target']} labels",
        )
        add("labels", draw, f"Accuracy against the number of labels. {_needed(report)}".strip(), 420, 310)
    if report.things:
        draw = partial(charts.draw_word_map, things=report.things, languages=report.languages)
        words = "; ".join(", ".join(place.word for place in thing.values()) for thing in report.things)
        add("map", draw, f"Map of aligned words: {words}", 720, 560)
    return drawn


def _accuracies(report: Report, systems: tuple[str, ...]) -> dict[str, float]:
    """The accuracy of those of the target's systems that have one, by name."""
    scores = report.evaluation.get("target", {})
    return {name_of(system): found["accuracy"] for system in systems if (found := scores.get(system))}


def _needed(report: Report) -> str:
    accuracy = _accuracies(report, ("distilled",)).get(name_of("distilled"))
    if accuracy is None or not len(report.label_curve):
        return ""
    return labels_needed(report.label_curve, accuracy, report.names["target"])


def _bars(systems: list[System], language: str) -> str:
    values = (
        f"{system.name} {percent(system.scores['accuracy']) if system.scores else system.reason}" for system in systems
    )
    return f"Accuracy in {language}: {', '.join(values)}"


def _confused(confusion: pandas.DataFrame) -> str:
    rows = [
        f"{topic}: {', '.join(f'{number(count)} as {other}' for other, count in counts.items() if count)}"
        for topic, counts in confusion.iterrows()
    ]
    return f"Confusion matrix. {'; '.join(rows)}"
