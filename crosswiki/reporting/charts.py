"""The page's charts, each drawn on matplotlib axes: systems, confusions, curves, the value of labels, and the map."""

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas
import textalloc
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from crosswiki.evaluation.scores import FINAL
from crosswiki.pipeline.parameters import Role
from crosswiki.reporting.figures import LIGHT, save_png, stand_in
from crosswiki.reporting.systems import System, by_labels, name_of
from crosswiki.reporting.tables import spread
from crosswiki.reporting.wording import UNKNOWN, compact, number, percent
from crosswiki.reporting.wordmap import Thing

POINTS = 200  # of a curve; more cannot be seen
DARK_CELL = 0.7  # share from which a cell of a confusion matrix is too dark for dark numbers
MARKERS: dict[Role, str] = {"source": "s", "target": "o", "test": "^"}  # different without colours as well
MAP_COLOURS: dict[Role, str] = {"source": LIGHT["ink"], "target": LIGHT["target"], "test": LIGHT["test"]}


def draw_systems(axes: Axes, systems: Sequence[System], language: str) -> None:
    """Draw the accuracy of systems as bars with their intervals, under headings that give the number of labels."""
    names: dict[int, System] = {}
    row = 0
    for heading, group in by_labels(systems, language):
        axes.text(0, row + 0.15, heading, va="center", color=LIGHT["quiet"], fontsize=11)
        names |= dict(enumerate(group, row + 1))
        row += 1 + len(group)
    for place, system in names.items():
        if system.scores is None:
            axes.text(0.01, place, UNKNOWN, va="center", style="italic", color=LIGHT["quiet"])
            continue
        accuracy, low, high = (system.scores[key] for key in ("accuracy", "accuracy_low", "accuracy_high"))
        axes.barh(place, accuracy, height=0.7, color=LIGHT[system.kind])
        for colour, width in (("paper", 4.0), ("ink", 1.6)):  # dark marks must show on dark bars
            axes.plot([low, high], [place, place], color=LIGHT[colour], lw=width, marker="|", ms=5 + width, mew=width)
        weight = "bold" if system.kind == "final" else "normal"
        axes.text(max(accuracy, high) + 0.02, place, percent(accuracy), va="center", weight=weight)
    axes.set_yticks(list(names), [system.name for system in names.values()], color=LIGHT["ink"])
    for label, system in zip(axes.get_yticklabels(), names.values(), strict=True):
        label.set_fontweight("bold" if system.kind == "final" else "normal")
    axes.set(xlim=(0, 1.17), ylim=(row - 0.4, -0.5), xticks=[0, 0.25, 0.5, 0.75, 1])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: percent(x, 0)))
    axes.tick_params(axis="x", labelsize=11)
    axes.grid(axis="x", linewidth=0.8)
    axes.spines["left"].set_visible(False)


def systems_height(systems: Sequence[System]) -> float:
    """The height that `draw_systems` needs, in pixels."""
    return 24 * (len(systems) + len({system.labels for system in systems})) + 26


def save_systems(systems: Mapping[Role, Sequence[System]], names: Mapping[Role, str], path: Path) -> None:
    """Draw the accuracy of all systems as a PNG file, a panel for each role."""
    panels = {
        f"{names[role]} ({role})": partial(draw_systems, systems=found, language=names[role])
        for role, found in systems.items()
    }
    save_png(panels, path, 560, [systems_height(found) + 24 for found in systems.values()])


def draw_confusion(axes: Axes, confusion: pandas.DataFrame) -> None:
    """Draw a confusion matrix: shares of the rows as colours, counts as numbers, correct predictions in frames."""
    for column, other in enumerate(confusion.columns):
        axes.text(column, -0.7, _two_lines(other), rotation=90, ha="center", va="bottom", fontsize=11, linespacing=1)
    for row, topic in enumerate(confusion.index):
        counts = confusion.loc[topic]
        axes.text(-0.6, row, _two_lines(topic), ha="right", va="center", fontsize=11, linespacing=1)
        for column, (other, count) in enumerate(counts.items()):
            share, correct = count / counts.sum(), topic == other
            if not count and not correct:
                continue
            face, edge = (LIGHT["heat"], share), LIGHT["ink"] if correct else "none"
            axes.add_patch(Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, fc=face, ec=edge, lw=1.2))
            if count:
                colour, weight = LIGHT["bright" if share > DARK_CELL else "ink"], "bold" if correct else "normal"
                size = min(10, 40 / len(str(count)))
                axes.text(column, row, str(count), ha="center", va="center", c=colour, fontsize=size, weight=weight)
    axes.text(-0.6, -0.75, "actual ↓\npredicted →", ha="right", va="bottom", fontsize=11, color=LIGHT["quiet"])
    axes.set(xlim=(-0.5, len(confusion.columns) - 0.5), ylim=(len(confusion) - 0.5, -0.5), aspect="equal", anchor="NW")
    axes.set_axis_off()


def confusion_size(confusion: pandas.DataFrame) -> tuple[float, float]:
    """The width and the height that `draw_confusion` needs, in pixels."""
    return 110 + 27 * len(confusion.columns), 135 + 27 * len(confusion)


def save_confusions(confusions: Mapping[Role, pandas.DataFrame], names: Mapping[Role, str], path: Path) -> None:
    """Draw each role's confusion matrix of its final system as a PNG file, side by side."""
    panels = {
        f"{names[role]}: {name_of(FINAL[role])}": partial(draw_confusion, confusion=found)
        for role, found in confusions.items()
    }
    sizes = [confusion_size(found) for found in confusions.values()]
    width = max((width for width, _ in sizes), default=200)
    save_png(panels, path, width, [height + 24 for _, height in sizes], across=True)


def draw_curve(axes: Axes, table: pandas.DataFrame) -> None:
    """Draw a table's second column, say loss, against its first, say steps."""
    numbers = table.astype(float).to_numpy()
    across, up = zip(*[*spread(list(numbers[:-1]), POINTS), numbers[-1]], strict=True)
    axes.plot(across, up, color=LIGHT["final"], lw=1.8, marker="" if len(numbers) > 1 else "o")
    axes.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: compact(x)))
    axes.set_xlim(0, across[-1] or 1)
    axes.set_xlabel(str(table.columns[0]), loc="right")
    axes.grid(axis="y", linewidth=0.8)
    axes.spines["left"].set_visible(False)


def draw_label_curve(
    axes: Axes,
    table: pandas.DataFrame,
    unlabelled: Mapping[str, float],
    trained: Mapping[str, float],
    labels: int,
    unit: str,
) -> None:
    """Draw accuracy against labels.

    Args:
        axes: where to draw.
        table: TF-IDF's: labels, accuracy, accuracy_low and accuracy_high.
        unlabelled: the accuracy of systems without labels, which are lines across the chart.
        trained: the accuracy of systems that were trained on `labels` labels, which are points.
        labels: how many.
        unit: of the horizontal axis.
    """
    counts, accuracies, lows, highs = (table[name].astype(float).tolist() for name in table.columns)
    first, last = min(counts[0], labels or counts[0]), max(counts[-1], labels)
    axes.set_xscale("log")
    axes.set_xlim(first, last * (last / first) ** 0.4)  # names stand to the right of the lines
    axes.grid(axis="y", linewidth=0.8)
    axes.fill_between(counts, lows, highs, color=LIGHT["baseline"], alpha=0.25, lw=0)
    axes.plot(counts, accuracies, color=LIGHT["baseline"], lw=2.4)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    for style, accuracy in zip(("-", (0, (5, 3)), (0, (1, 2))), unlabelled.values(), strict=False):
        axes.plot((first, last), (accuracy, accuracy), color=LIGHT["transfer"], lw=2, ls=style)
    for colour, accuracy in zip(("final", "baseline"), trained.values(), strict=False):
        axes.plot(labels, accuracy, "o", color=LIGHT[colour], ms=9)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda x, _: percent(x, 0)))
    axes.xaxis.set_major_locator(FixedLocator(counts))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: number(x)))
    axes.set_xlabel(unit, loc="right")
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_bounds(first, last)
    names = [(name, last, accuracy) for name, accuracy in [*unlabelled.items(), (name_of("tfidf"), accuracies[-1])]]
    names += [(name, labels, accuracy) for name, accuracy in trained.items()]
    words, x, y = map(list, zip(*names, strict=True))
    across, up = zip(
        (counts, accuracies), *(((first, last), (value, value)) for value in unlabelled.values()), strict=True
    )
    textalloc.allocate(
        axes, x, y, words, textsize=12, direction=["east", "southeast", "northeast"], min_distance=0.022,
        textcolor=LIGHT["ink"], draw_lines=False, x_lines=list(across), y_lines=list(up),
    )  # fmt: skip


def draw_word_map(axes: Axes, things: Sequence[Thing], languages: Mapping[Role, str]) -> None:
    """Draw things as points, one for each language, that are joined, each beside its word.

    No word covers another word or a point. A thing without room for its words is left out.

    Args:
        axes: where to draw; they fill the figure.
        things: in the order of importance.
        languages: their codes.
    """
    axes.set_axis_off()
    axes.set_position((0, 0, 1, 1))
    axes.set(xlim=(-0.06, 1.06), ylim=(-0.06, 1.06))
    chosen, texts = list(things), list[Any]()
    while chosen and not texts:
        places = [place for thing in chosen for place in thing.values()]
        x, y, words = ([place.x for place in places], [place.y for place in places], [stand_in(p.word) for p in places])
        outlines = [[*thing.values(), next(iter(thing.values()))] for thing in chosen]
        with redirect_stdout(None):  # it prints where nothing has room
            texts = textalloc.allocate(
                axes, x, y, words, x_scatter=x, y_scatter=y, scatter_sizes=[4] * len(x), textsize=12, draw_all=False,
                x_lines=[[place.x for place in outline] for outline in outlines],
                y_lines=[[place.y for place in outline] for outline in outlines],
                margin=0.004, min_distance=0.012, max_distance=0.05, draw_lines=False,
            )[2]  # fmt: skip
        if not all(texts):
            for text in filter(None, texts):
                text.remove()
            size = len(chosen[0])
            fits = [all(texts[row * size : (row + 1) * size]) for row in range(len(chosen))]
            chosen, texts = [thing for thing, room in zip(chosen, fits, strict=True) if room], []
    for thing in chosen:
        outline = [(place.x, place.y) for place in thing.values()]
        axes.add_patch(Polygon(outline, fc=(LIGHT["ink"], 0.06), ec=LIGHT["quiet"], lw=0.7))
    for (role, place), text in zip((pair for thing in chosen for pair in thing.items()), texts, strict=True):
        axes.plot(place.x, place.y, MARKERS[role], color=MAP_COLOURS[role], ms=7, mew=0)
        text.set(text=place.word, color=MAP_COLOURS[role], gid=f"lang={languages[role]}")


def _two_lines(topic: str) -> str:
    width = 17 if stand_in(topic) == topic else 9  # letters of East Asia are twice as wide
    return "\n".join(wrap(topic, width, max_lines=2, placeholder="…"))
