"""The page: a template filled in, one file that needs nothing beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crosswiki.evaluation.scores import FINAL
from crosswiki.pipeline.parameters import ROLES, Role
from crosswiki.reporting import label_chart, wordmap
from crosswiki.reporting.figures import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Curve
from crosswiki.reporting.systems import COLOURS, MEANING, System, by_labels, name_of
from crosswiki.reporting.tables import Confusion, Example
from crosswiki.reporting.wording import UNKNOWN, interval, language_name, number, percent

# Dark enough to read, and told apart by those who see no colours: by lightness, and by the shape of the point.
MARKS: dict[Role, str] = {"source": "#16191d", "target": "#0b5fbf", "test": "#b3470b"}
LIGHT, DARK = (255, 255, 255), (11, 74, 143)  # the ends of the heat map's scale


@dataclass(frozen=True)
class Report:
    """Everything that the page shows."""

    corpus: str
    seed: int
    confidence: float
    languages: Mapping[Role, str]  # codes
    headline: str
    remarks: list[str]
    systems: Mapping[Role, list[System]]
    confusions: Mapping[Role, Confusion]
    curves: list[Curve]
    corpora: Mapping[Role, Mapping[str, Any]]
    skipgrams: Mapping[Role, Mapping[str, Any]]
    alignments: Mapping[Role, Mapping[str, Any]]
    transplants: Mapping[Role, Mapping[str, Any]]
    neighbours: Mapping[Role, list[tuple[str, list[str]]]]
    map: list[list[wordmap.Place]]  # each thing in each language
    labels: label_chart.LabelChart | None
    sizes: Mapping[str, Mapping[str, float]]
    right: list[Example]
    wrong: list[Example]


def heat(share: float) -> str:
    """The style of a heat map's cell, with letters that stand out from it."""
    red, green, blue = (round(light + (dark - light) * share) for light, dark in zip(LIGHT, DARK, strict=True))
    return f"background:#{red:02x}{green:02x}{blue:02x};color:{'#fff' if share > 0.7 else '#111'}"


def render(report: Report) -> str:
    """Fill in the template. Text from outside (topics, titles, words) is escaped."""
    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(number=number, percent=percent, heat=heat)
    names = {role: language_name(code) for role, code in report.languages.items()}
    return environment.get_template("page.html.jinja").render(
        report=report,
        roles=ROLES,
        names=names,
        finals={role: name_of(system) for role, system in FINAL.items()},
        groups={role: by_labels(systems, names[role]) for role, systems in report.systems.items()},
        colours=COLOURS,
        marks=MARKS,
        map_frame={"width": wordmap.WIDTH, "height": wordmap.HEIGHT, "letter": wordmap.LETTER, "point": wordmap.POINT},
        label_frame={
            "width": label_chart.WIDTH,
            "height": label_chart.HEIGHT,
            "left": label_chart.LEFT,
            "right": label_chart.WIDTH - label_chart.RIGHT,
            "floor": label_chart.HEIGHT - label_chart.BOTTOM,
        },
        name_of=name_of,
        meaning=MEANING,
        interval=interval,
        unknown=UNKNOWN,
        frame={
            "width": WIDTH,
            "height": HEIGHT,
            "left": LEFT,
            "right": WIDTH - RIGHT,
            "top": TOP,
            "floor": HEIGHT - BOTTOM,
        },
    )
