"""The page's charts by matplotlib: systems, confusions, curves, the value of labels, coverage, and the map of words."""

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from textwrap import wrap
from typing import Any

import pandas
import textalloc
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import EngFormatter, FixedLocator, MaxNLocator, NullLocator, PercentFormatter

from crosswiki.pipeline.parameters import Role
from crosswiki.reporting.figures import LIGHT, Chart, stand_in
from crosswiki.reporting.systems import Names, name_of
from crosswiki.reporting.tables import spread
from crosswiki.reporting.wording import SPACE, UNKNOWN, number, percent
from crosswiki.reporting.words import Thing

POINTS = 200  # of a curve; more cannot be seen
DARK_CELL = 0.7  # share from which a cell of a confusion matrix is too dark for dark numbers
MARKERS: dict[Role, str] = {"source": "s", "target": "o", "test": "^"}  # different without colours as well
COLOURS: dict[Role, str] = {"source": LIGHT["ink"], "target": LIGHT["target"], "test": LIGHT["test"]}
DASHES = ("-", (0, (5, 3)), (0, (1, 2)))
PERCENT = PercentFormatter(1, 0, f"{SPACE}%")


def systems_chart(systems: pandas.DataFrame, language: str) -> Chart:
    """Accuracy as bars with intervals, and as estimated (diamonds), under headings that give the number of labels."""
    # Above the systems with the same number of labels, one row is left for the heading.
    table = systems.assign(row=systems.index + systems["labels"].rank(method="dense"))
    bold = table["kind"].map({"final": "bold"}).fillna("normal")

    def draw(axes: Axes) -> None:
        measured = table[table["reason"] == ""]
        axes.barh(measured["row"], measured["accuracy"], height=0.7, color=measured["kind"].map(LIGHT))
        for row in measured.itertuples():
            for colour, width in (("paper", 4.0), ("ink", 1.6)):  # dark marks must show on dark bars
                ends = [row.accuracy_low, row.accuracy_high]
                axes.plot(ends, [row.row] * 2, color=LIGHT[colour], lw=width, marker="|", ms=5 + width, mew=width)
        axes.plot(table["estimated_accuracy"], table["row"], "D", c=LIGHT["paper"], mec=LIGHT["ink"], ms=5, mew=1.2)
        right = table[["accuracy", "accuracy_high", "estimated_accuracy"]].max(axis=1).fillna(0) + 0.02
        for row, x, weight in zip(table.itertuples(), right, bold, strict=True):
            words = UNKNOWN if row.reason else percent(row.accuracy)
            style, colour = ("italic", "quiet") if row.reason else ("normal", "ink")
            axes.text(x, row.row, words, va="center", style=style, color=LIGHT[colour], weight=weight)
        for labels, group in table.groupby("labels"):
            heading = f"{number(float(labels)) if labels else 'No'} {language} labels"
            axes.text(0, group["row"].min() - 0.85, heading, va="center", color=LIGHT["quiet"], fontsize=11)
        axes.set_yticks(table["row"], table["name"], color=LIGHT["ink"])
        for label, weight in zip(axes.get_yticklabels(), bold, strict=True):
            label.set_fontweight(weight)
        axes.set(xlim=(0, 1.17), ylim=(table["row"].max() + 0.6, -0.5), xticks=[0, 0.25, 0.5, 0.75, 1])
        axes.xaxis.set_major_formatter(PERCENT)
        axes.tick_params(axis="x", labelsize=11)
        axes.grid(axis="x")

    values = (f"{row.name} {row.reason or percent(row.accuracy)}" for row in table.itertuples(index=False))
    return Chart(draw, f"Accuracy in {language}: {', '.join(values)}", 400, 24 * (table["row"].max() + 1) + 26)


def confusion_chart(confusion: pandas.DataFrame) -> Chart:
    """A confusion matrix: shares of the rows as colours, counts as numbers, correct predictions in frames."""

    def draw(axes: Axes) -> None:
        for column, other in enumerate(confusion.columns):
            words = _two_lines(other)
            axes.text(column, -0.7, words, rotation=90, ha="center", va="bottom", fontsize=11, linespacing=1)
        for row, (topic, counts) in enumerate(confusion.iterrows()):
            axes.text(-0.6, row, _two_lines(str(topic)), ha="right", va="center", fontsize=11, linespacing=1)
            for column, (other, count) in enumerate(counts.items()):
                share, correct = count / counts.sum(), topic == other
                if count or correct:
                    face, edge = (LIGHT["heat"], share), LIGHT["ink"] if correct else "none"
                    axes.add_patch(Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, fc=face, ec=edge, lw=1.2))
                if count:
                    colour, weight = LIGHT["bright" if share > DARK_CELL else "ink"], "bold" if correct else "normal"
                    size = min(10, 40 / len(str(count)))
                    axes.text(column, row, str(count), ha="center", va="center", c=colour, fontsize=size, weight=weight)
        axes.text(-0.6, -0.75, "actual ↓\npredicted →", ha="right", va="bottom", fontsize=11, color=LIGHT["quiet"])
        axes.set(xlim=(-0.5, confusion.shape[1] - 0.5), ylim=(len(confusion) - 0.5, -0.5), aspect="equal", anchor="NW")
        axes.set_axis_off()

    rows = (
        f"{topic}: {', '.join(f'{number(count)} as {other}' for other, count in counts.items() if count)}"
        for topic, counts in confusion.iterrows()
    )
    size = 110 + 27 * confusion.shape[1], 135 + 27 * len(confusion)
    return Chart(draw, f"Confusion matrix. {'; '.join(rows)}", *size)


def curve_chart(title: str, table: pandas.DataFrame) -> Chart:
    """A table's second column, say loss, against its first, say steps."""
    numbers = table.astype(float).to_numpy()
    across, up = zip(*[*spread(list(numbers[:-1]), POINTS), numbers[-1]], strict=True)

    def draw(axes: Axes) -> None:
        axes.plot(across, up, color=LIGHT["final"], lw=1.8, marker="" if len(numbers) > 1 else "o")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(EngFormatter(sep=SPACE))
        axes.set_xlim(0, across[-1] or 1)
        axes.set_xlabel(str(table.columns[0]), loc="right")
        axes.grid(axis="y")

    ends = " to ".join(number(float(value)) for value in (numbers[0, 1], numbers[-1, 1]))
    return Chart(draw, f"{title}: {table.columns[1]} from {ends}", 320, 180)


def label_chart(
    table: pandas.DataFrame, unlabelled: Mapping[str, float], trained: Mapping[str, float], labels: int, unit: str
) -> Chart:
    """Accuracy against labels.

    Args:
        table: TF-IDF's: labels, accuracy, accuracy_low and accuracy_high.
        unlabelled: the accuracy of systems without labels, which are lines across the chart.
        trained: the accuracy of systems that were trained on `labels` labels, which are points.
        labels: how many.
        unit: of the horizontal axis.
    """
    counts, accuracies, lows, highs = (table[name].astype(float).tolist() for name in table.columns)
    ends = min(counts[0], labels or counts[0]), max(counts[-1], labels)

    def draw(axes: Axes) -> None:
        axes.fill_between(counts, lows, highs, color=LIGHT["baseline"], alpha=0.25, lw=0)
        axes.plot(counts, accuracies, color=LIGHT["baseline"], lw=2.4, label=name_of("tfidf"))
        for style, (name, accuracy) in zip(DASHES, unlabelled.items(), strict=False):
            axes.plot(ends, (accuracy, accuracy), color=LIGHT["transfer"], lw=2, ls=style, label=name)
        for colour, (name, accuracy) in zip(("final", "baseline"), trained.items(), strict=False):
            axes.plot(labels, accuracy, "o", color=LIGHT[colour], ms=9, label=name)
        axes.set_xscale("log")
        axes.set_xlim(ends)
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(PERCENT)
        axes.xaxis.set_major_locator(FixedLocator(counts))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda x, _: number(x))
        axes.set_xlabel(unit, loc="right")
        axes.grid(axis="y")
        order = sorted(axes.get_lines(), key=lambda line: -line.get_ydata()[-1])  # as they end on the right
        axes.legend(handles=order, loc="center left", bbox_to_anchor=(1.02, 0.5))

    return Chart(draw, "Accuracy against the number of labels.", 460, 310)


def coverage_chart(curves: Mapping[Role, Sequence[tuple[float, float]]], names: Names, wanted: float) -> Chart:
    """The accuracy of the surest answers against the share that is answered, with a line at the wanted accuracy."""

    def draw(axes: Axes) -> None:
        for dash, (role, curve) in zip(DASHES, curves.items(), strict=False):
            axes.plot(*zip(*curve, strict=True), color=COLOURS[role], ls=dash, lw=2, label=names[role])
        axes.axhline(wanted, color=LIGHT["quiet"], lw=1)
        axes.set(xlim=(0, 1), ylim=(None, 1.005), xlabel="answered, the surest first", ylabel="accuracy")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PERCENT)
        axes.grid(axis="y")
        axes.legend(loc="lower left")

    ends = (f"{names[role]} {percent(curve[-1][1])} of all" for role, curve in curves.items())
    return Chart(draw, f"Accuracy against coverage, the surest answers first: {', '.join(ends)}", 420, 260)


def map_chart(things: Sequence[Thing], languages: Mapping[Role, str]) -> Chart:
    """Things as points, one for each language, that are joined, each beside its word.

    No word covers another word or a point. A thing without room for its words is left out.

    Args:
        things: in the order of importance.
        languages: their codes.
    """

    def draw(axes: Axes) -> None:
        axes.set_axis_off()
        axes.set(position=(0, 0, 1, 1), xlim=(-0.06, 1.06), ylim=(-0.06, 1.06))
        chosen, texts = list(things), list[Any]()
        while chosen and not texts:
            x, y, words = zip(*((p.x, p.y, stand_in(p.word)) for thing in chosen for p in thing.values()), strict=True)
            outlines = [[*thing.values(), next(iter(thing.values()))] for thing in chosen]
            with redirect_stdout(None):  # it prints where nothing has room
                texts = textalloc.allocate(
                    axes, list(x), list(y), list(words), x_scatter=list(x), y_scatter=list(y),
                    scatter_sizes=[4] * len(x), textsize=12, draw_all=False,
                    x_lines=[[place.x for place in outline] for outline in outlines],
                    y_lines=[[place.y for place in outline] for outline in outlines],
                    margin=0.004, min_distance=0.012, max_distance=0.05, draw_lines=False,
                )[2]  # fmt: skip
            if not all(texts):
                for text in filter(None, texts):
                    text.remove()
                size = len(chosen[0])
                rooms = [all(texts[row * size : (row + 1) * size]) for row in range(len(chosen))]
                chosen, texts = [thing for thing, room in zip(chosen, rooms, strict=True) if room], []
        for thing in chosen:
            outline = [(place.x, place.y) for place in thing.values()]
            axes.add_patch(Polygon(outline, fc=(LIGHT["ink"], 0.06), ec=LIGHT["quiet"], lw=0.7))
        for (role, place), text in zip((pair for thing in chosen for pair in thing.items()), texts, strict=True):
            axes.plot(place.x, place.y, MARKERS[role], color=COLOURS[role], ms=7, mew=0)
            text.set(text=place.word, color=COLOURS[role], gid=f"lang={languages[role]}")

    words = "; ".join(", ".join(place.word for place in thing.values()) for thing in things)
    return Chart(draw, f"Map of aligned words: {words}", 720, 560)


def _two_lines(topic: str) -> str:
    width = 17 if stand_in(topic) == topic else 9  # letters of East Asia are twice as wide
    return "\n".join(wrap(topic, width, max_lines=2, placeholder="…"))
