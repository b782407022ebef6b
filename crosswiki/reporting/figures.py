"""Pictures: the chart of all systems for whoever wants a file, and curves as the page draws them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from crosswiki.reporting.systems import COLOURS, System
from crosswiki.reporting.tables import Confusion, spread
from crosswiki.reporting.wording import UNKNOWN, compact, number, percent

WIDTH, HEIGHT = 320, 170  # of a curve's picture, in pixels
LEFT, RIGHT, TOP, BOTTOM = 34, 14, 8, 34
POINTS = 300  # of a curve; more cannot be seen


def draw_systems(panels: Mapping[str, list[System]], path: Path) -> None:
    """Draw the accuracy of every system with its interval, one panel a role, as a PNG file.

    The same systems give the same bytes.
    """
    heights = [len(systems) + 1 for systems in panels.values()]
    with matplotlib.style.context("default"):  # whatever the user's own matplotlib looks like
        figure = Figure(figsize=(8, 0.36 * sum(heights) + 0.6), layout="constrained")
        axes = figure.subplots(len(panels), squeeze=False, sharex=True, height_ratios=heights)[:, 0]
        for axis, (title, systems) in zip(axes, panels.items(), strict=True):
            for place, system in enumerate(systems):
                _draw(axis, place, system)
            axis.set_yticks(range(len(systems)), [_label(system) for system in systems])
            axis.set_ylim(len(systems) - 0.4, -0.6)
            axis.set_title(title, loc="left", fontsize=11, fontweight="bold")
            axis.grid(axis="x", color="#d8dde4", linewidth=0.8)
            axis.set_axisbelow(True)
            axis.tick_params(axis="y", length=0)
            axis.spines[["top", "right", "left"]].set_visible(False)
        axes[-1].set_xlim(0, 1.08)
        axes[-1].set_xticks([0, 0.25, 0.5, 0.75, 1])
        axes[-1].xaxis.set_major_formatter(PercentFormatter(1, 0))
        axes[-1].set_xlabel("accuracy on the test split")
        figure.savefig(path, format="png", dpi=150, metadata={"Software": None})


def draw_confusions(panels: Mapping[str, Confusion], path: Path) -> None:
    """Draw what was taken for what, one panel a role, as a PNG file: shares of the rows as colours, counts as numbers.

    The same confusions give the same bytes.
    """
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(6.2 * len(panels), 6.4), layout="constrained")
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, (title, confusion) in zip(axes, panels.items(), strict=True):
            shares = [[cell.share for cell in cells] for _, cells in confusion.rows]
            axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
            for down, (_, cells) in enumerate(confusion.rows):
                for across, cell in enumerate(cells):
                    if cell.count:
                        colour = "white" if cell.share > 0.6 else "black"
                        weight = "bold" if cell.right else "normal"
                        axis.text(
                            across, down, str(cell.count), ha="center", va="center", c=colour, fontsize=8, weight=weight
                        )
            axis.set_xticks(range(len(confusion.said)), confusion.said, rotation=60, ha="right", fontsize=8)
            axis.set_yticks(range(len(confusion.rows)), [topic for topic, _ in confusion.rows], fontsize=8)
            axis.set_title(title, loc="left", fontsize=11, fontweight="bold")
            axis.set_xlabel("said")
            axis.set_ylabel("is")
        figure.savefig(path, format="png", dpi=110, metadata={"Software": None})


def _label(system: System) -> str:
    return f"{system.name}, {number(system.labels)} labels" if system.labels else system.name


def _draw(axis: Axes, place: int, system: System) -> None:
    scores = system.scores
    if scores is None:
        axis.text(0.01, place, UNKNOWN, va="center", fontsize=9, style="italic")
        return
    accuracy, low, high = scores["accuracy"], scores["accuracy_low"], scores["accuracy_high"]
    axis.barh(place, accuracy, height=0.62, color=COLOURS[system.kind])
    for colour, width in (("white", 4.0), ("black", 1.6)):  # black marks must show on dark bars
        axis.plot([low, high], [place, place], color=colour, lw=width, marker="|", ms=5 + width, mew=width)
    axis.text(max(accuracy, high) + 0.012, place, percent(accuracy), va="center", fontsize=9)


@dataclass(frozen=True)
class Curve:
    """A curve in the coordinates of an SVG picture."""

    title: str
    unit: str  # of the horizontal axis
    measure: str  # what the vertical one shows
    line: str  # the attribute `points`; empty where there was nothing to train
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]
    first: float = 0
    last: float = 0


def curve_of(table: pandas.DataFrame, title: str) -> Curve:
    """Place a curve's points and ticks.

    Args:
        table: its first column is what the horizontal axis shows, say steps, and its second the vertical one, say loss.
        title: what was trained.
    """
    unit, measure = map(str, table.columns)
    points = [(float(x), float(y)) for x, y in zip(table[unit], table[measure], strict=True)]
    if not points:
        return Curve(title, unit, measure, "", [], [])
    values = [y for _, y in points]
    up = MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(min(values), max(values))
    end = points[-1][0] or 1
    across = [x for x in MaxNLocator(3, steps=[1, 2, 5, 10]).tick_values(0, end) if x <= end]

    def right(x: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * x / end, 1)

    def down(y: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (up[-1] - y) / (up[-1] - up[0]), 1)

    return Curve(
        title,
        unit,
        measure,
        " ".join(f"{right(x)},{down(y)}" for x, y in [*spread(points[:-1], POINTS), points[-1]]),
        [(right(x), compact(x)) for x in across],
        [(down(y), f"{y:g}") for y in up],
        values[0],
        values[-1],
    )
