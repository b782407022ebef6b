"""The chart of accuracy against labels: what a label is worth, and how many a transfer without any stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

import pandas

from crosswiki.evaluation.scores import Scores
from crosswiki.reporting.systems import name_of
from crosswiki.reporting.wording import number, percent

WIDTH, HEIGHT = 520, 300  # in pixels
LEFT, RIGHT, TOP, BOTTOM = 44, 118, 10, 42
LINE = 18  # between two words at the right edge
WITHOUT = ("distilled", "transplanted")  # systems that have seen no label of the language
WITH = ("finetuned", "scratch")  # those that have learnt from as many as params.yaml says


@dataclass(frozen=True)
class Level:
    """A system that saw no labels: a line across the chart, with its name at the right edge."""

    name: str
    y: float
    words: float  # the height of its name, which keeps clear of the others


@dataclass(frozen=True)
class Dot:
    """A system that was trained at one number of labels only."""

    name: str
    x: float
    y: float


@dataclass(frozen=True)
class LabelChart:
    """What the page draws, in the coordinates of an SVG picture."""

    line: str  # TF-IDF, the attribute `points`
    band: str  # its interval
    dots: list[Dot]
    levels: list[Level]
    baseline: Level
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]
    sentence: str


def label_chart(
    table: pandas.DataFrame, scores: Mapping[str, Scores | None], labels: int, language: str
) -> LabelChart | None:
    """Place everything; None where there is no curve.

    Args:
        table: TF-IDF's: labels, accuracy, accuracy_low and accuracy_high.
        scores: of the target's systems.
        labels: how many the systems in `WITH` have learnt from.
        language: the target's.
    """
    rows = [tuple(map(float, row)) for row in table.itertuples(index=False)]
    if len(rows) < 2:
        return None
    without = {name: found["accuracy"] for name in WITHOUT if (found := scores.get(name))}
    trained = {name: found["accuracy"] for name in WITH if labels and (found := scores.get(name))}
    values = [value for row in rows for value in row[1:]] + [*without.values(), *trained.values()]
    low, high = max(0.0, min(values) // 0.1 * 0.1), min(1.0, (max(values) // 0.1 + 1) * 0.1)
    first, last = min(rows[0][0], labels or rows[0][0]), max(rows[-1][0], labels)

    def right(count: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * log(count / first) / (log(last / first) or 1), 1)

    def down(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low), 1)

    upper = [f"{right(count)},{down(top)}" for count, _, _, top in rows]
    lower = [f"{right(count)},{down(bottom)}" for count, _, bottom, _ in reversed(rows)]
    names = {**{name_of(name): value for name, value in without.items()}, name_of("tfidf"): rows[-1][1]}
    levels = _apart({name: down(value) for name, value in names.items()})
    steps = round((high - low) / 0.1)
    return LabelChart(
        line=" ".join(f"{right(count)},{down(value)}" for count, value, _, _ in rows),
        band=" ".join(upper + lower),
        dots=[Dot(name_of(name), right(labels), down(value)) for name, value in trained.items()],
        levels=levels[:-1],
        baseline=levels[-1],
        across=[(right(count), number(count)) for count, *_ in rows],
        up=[(down(low + 0.1 * step), percent(low + 0.1 * step, 0)) for step in range(0, steps + 1, 1 + steps // 6)],
        sentence=_worth(rows, without.get("distilled"), language),
    )


def _apart(heights: Mapping[str, float]) -> list[Level]:
    """Names beside their lines, moved down where two would touch; in the order given."""
    words: dict[str, float] = {}
    for name, y in sorted(heights.items(), key=lambda pair: pair[1]):
        words[name] = max([y + 4, *(other + LINE for other in words.values())])
    return [Level(name, y, round(words[name], 1)) for name, y in heights.items()]


def _worth(rows: list[tuple[float, ...]], without: float | None, language: str) -> str:
    if without is None:
        return ""
    start = f"Without one {language} label the distilled student is right on {percent(without)}; "
    enough = next((place for place, row in enumerate(rows) if row[1] >= without), None)
    if enough is None:
        return start + f"TF-IDF does not get there with all {number(rows[-1][0])} labels that there are."
    if enough == 0:
        return start + f"TF-IDF does better with {number(rows[0][0])} already."
    return start + f"TF-IDF gets there between {number(rows[enough - 1][0])} and {number(rows[enough][0])} labels."
