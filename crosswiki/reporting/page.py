"""The page: one HTML file with its charts inside, which needs nothing beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crosswiki.evaluation.calibration import WANTED_ACCURACY
from crosswiki.evaluation.scores import FINAL
from crosswiki.pipeline.parameter_values import Role
from crosswiki.reporting import charts
from crosswiki.reporting.figures import DARK, LIGHT, Chart, svg
from crosswiki.reporting.sentences import compared, headline, labels_needed, remarks
from crosswiki.reporting.systems import MEANING, name_of, systems_of
from crosswiki.reporting.tables import records
from crosswiki.reporting.wording import interval, language_name, number, percent

UNLABELLED = ("distilled", "transplanted")  # systems that were trained on no label of the target
LABELLED = ("finetuned", "scratch")  # those that were trained on as many as params.yaml gives


@dataclass(frozen=True)
class Report:
    """All that the page shows. What a role lacks is left out of the mapping; a role that is not used, out of all."""

    corpus: str
    sketch: bool  # limits so small that differences of a few points mean nothing
    seed: int
    confidence: float
    languages: Mapping[Role, str]  # codes, of the roles that there are
    evaluation: Mapping[str, Any]  # metrics/evaluation.json
    labels: Mapping[Role, int]  # that the final models were trained on
    label_curve: pandas.DataFrame
    confusions: Mapping[Role, pandas.DataFrame]
    coverages: Mapping[Role, Sequence[tuple[float, float]]]
    curves: Mapping[str, pandas.DataFrame]  # by title
    measures: Mapping[str, Mapping[str, Mapping[str, Any]]]  # by file, and role or system; see `read_measures`
    neighbours: Mapping[Role, Mapping[str, Sequence[str]]]
    things: pandas.DataFrame  # the word map's, see `word_map`
    examples: Mapping[str, Sequence[Mapping[str, Any]]]  # right and wrong; see `examples`
    glosses: Sequence[Mapping[str, str]]  # title, text and gloss
    peers: Mapping[str, str]  # their encoders, by system

    @property
    def names(self) -> dict[Role, str]:
        """The languages in English."""
        return {role: language_name(code) for role, code in self.languages.items()}

    @property
    def findings(self) -> list[str]:
        """The main result, and what stands beside it."""
        first = headline(self.evaluation, self.names, self.labels.get("target", 0))
        return [first, *remarks(self.evaluation, self.names)]

    @property
    def systems(self) -> dict[Role, pandas.DataFrame]:
        """Each role's systems, see `systems_of`."""
        roles = [role for role in self.languages if role in self.evaluation]
        labels = {role: self.labels.get(role, 0) for role in roles}
        return {role: systems_of(role, self.evaluation, self.names, labels[role], self.peers) for role in roles}

    @property
    def compared(self) -> list[str]:
        """Who is ahead, a peer or the transfer, in sentences."""
        return compared(self.evaluation, self.names, self.peers)

    @property
    def needed(self) -> str:
        """How many labels the baseline needs; empty where the chart lacks something."""
        student = self.accuracies(("distilled",)).get(name_of("distilled"))
        if student is None or not len(self.label_curve):
            return ""
        return labels_needed(self.label_curve, student, self.names["target"])

    def accuracies(self, systems: Sequence[str]) -> dict[str, float]:
        """The accuracy of those of the target's systems that have one, by name."""
        scores = self.evaluation.get("target", {})
        return {name_of(system): found["accuracy"] for system in systems if (found := scores.get(system))}


def render(report: Report) -> str:
    """Fill in the template. Text from outside (topics, titles, words) is escaped."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters.update(number=number, percent=percent)
    final = {role: report.evaluation[role].get(FINAL[role]) or {} for role in report.systems}
    return environment.get_template("page.html.jinja").render(
        report=report,
        names=report.names,
        measures={**report.measures, "final": {r: scores for r, scores in final.items() if "coverage_at_95" in scores}},
        systems={role: records(table) for role, table in report.systems.items()},
        finals={role: name_of(system) for role, system in FINAL.items()},
        charts={name: svg(chart, name) for name, chart in charts_of(report).items()},
        light=LIGHT,
        dark=DARK,
        meanings=MEANING,
        titles={system: name_of(system) for system in report.measures["sizes"]},
        wanted=WANTED_ACCURACY,
        interval=interval,
    )


def charts_of(report: Report) -> dict[str, Chart]:
    """All charts of the page, by name; what there are no data for has none."""
    names, labels = report.names, report.labels.get("target", 0)
    drawn = {f"systems-{role}": charts.systems_chart(table, names[role]) for role, table in report.systems.items()}
    drawn |= {f"confusion-{role}": charts.confusion_chart(table) for role, table in report.confusions.items()}
    drawn |= {f"curve-{i}": charts.curve_chart(*pair) for i, pair in enumerate(report.curves.items()) if len(pair[1])}
    if len(report.label_curve) > 1:
        trained = report.accuracies(LABELLED) if labels else {}
        unit = f"{names['target']} labels"
        drawn["labels"] = charts.label_chart(report.label_curve, report.accuracies(UNLABELLED), trained, labels, unit)
    if report.coverages:
        drawn["coverage"] = charts.coverage_chart(report.coverages, names, WANTED_ACCURACY)
    if len(report.things):
        drawn["map"] = charts.map_chart(report.things, report.languages)
    return drawn
