"""The page's charts by matplotlib: systems, confusions, curves, the value of labels, coverage, and the map of words."""

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from textwrap import wrap

import numpy
import pandas
import textalloc
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter

from crosswiki.pipeline.parameter_values import Role
from crosswiki.reporting.figures import LIGHT, Chart, stand_in
from crosswiki.reporting.systems import Names, name_of
from crosswiki.reporting.tables import records, spread
from crosswiki.reporting.wording import SPACE, UNKNOWN, number, percent

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
    last = float(table["row"].max())

    def draw(axes: Axes) -> None:
        for system in records(table):
            row, ends = system["row"], [system["accuracy_low"], system["accuracy_high"]]
            weight = "bold" if system["kind"] == "final" else "normal"
            axes.barh(row, system["accuracy"], height=0.7, color=LIGHT[system["kind"]])
            for colour, width in (("paper", 4.0), ("ink", 1.6)):  # dark marks must show on dark bars
                axes.plot(ends, [row, row], color=LIGHT[colour], lw=width, marker="|", ms=5 + width, mew=width)
            axes.plot(system["estimated_accuracy"], row, "D", c=LIGHT["paper"], mec=LIGHT["ink"], ms=5, mew=1.2)
            end = numpy.nanmax([0, system["accuracy_high"], system["estimated_accuracy"]]) + 0.03
            style, colour, words = ("italic", "quiet", UNKNOWN) if system["reason"] else ("normal", "ink", None)
            words = words or percent(system["accuracy"])
            axes.text(end, row, words, va="center", style=style, color=LIGHT[colour], weight=weight)
            axes.text(-0.02, row, system["name"], ha="right", va="center", weight=weight)
        for labels, group in table.groupby("labels"):
            heading = f"{number(int(str(labels))) if labels else 'No'} {language} labels"
            axes.text(0, group["row"].min() - 0.85, heading, va="center", color=LIGHT["quiet"], fontsize=11)
        axes.set(xlim=(0, 1.17), ylim=(last + 0.6, -0.5), xticks=[0, 0.25, 0.5, 0.75, 1], yticks=[])
        axes.xaxis.set_major_formatter(PERCENT)
        axes.tick_params(axis="x", labelsize=11)
        axes.grid(axis="x")

    values = (f"{system['name']} {system['reason'] or percent(system['accuracy'])}" for system in records(table))
    return Chart(draw, f"Accuracy in {language}: {', '.join(values)}", 400, 24 * (last + 1) + 26)


def confusion_chart(confusion: pandas.DataFrame) -> Chart:
    """A confusion matrix: shares of the rows as colours, counts as numbers, correct predictions in frames."""
    shares = confusion.div(confusion.sum(axis=1), axis=0).to_numpy()

    def draw(axes: Axes) -> None:
        for column, topic in enumerate(confusion.columns):
            words = _two_lines(topic)
            axes.text(column, -0.7, words, rotation=90, ha="center", va="bottom", fontsize=11, linespacing=1)
        for row, topic in enumerate(confusion.index):
            axes.text(-0.6, row, _two_lines(topic), ha="right", va="center", fontsize=11, linespacing=1)
        for (row, column), count in numpy.ndenumerate(confusion.to_numpy()):
            share, correct = shares[row, column], row == column  # the columns begin with the rows' topics
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
        axes.set(xlim=(0, across[-1] or 1), xlabel=table.columns[0])

    ends = " to ".join(number(float(value)) for value in (numbers[0, 1], numbers[-1, 1]))
    return Chart(draw, f"{title}: {table.columns[1]} from {ends}", 320, 180)


def label_chart(
    table: pandas.DataFrame, unlabelled: Mapping[str, float], trained: Mapping[str, float], labels: int, unit: str
) -> Chart:
    """Accuracy against labels: TF-IDF's as a curve, that of systems without labels as lines, of others as points.

    Args:
        table: TF-IDF's: labels, accuracy, accuracy_low and accuracy_high.
        unlabelled: accuracies, by name.
        trained: accuracies of systems that were trained on `labels` labels, by name.
        labels: how many.
        unit: of the horizontal axis.
    """
    counts, accuracies, lows, highs = (table[name].astype(float).tolist() for name in table.columns)
    ends = min(counts[0], labels or counts[0]), max(counts[-1], labels)
    order = numpy.argsort([-accuracies[-1], *(-accuracy for accuracy in {**unlabelled, **trained}.values())])

    def draw(axes: Axes) -> None:
        axes.fill_between(counts, lows, highs, color=LIGHT["baseline"], alpha=0.25, lw=0)
        axes.plot(counts, accuracies, color=LIGHT["baseline"], lw=2.4, label=name_of("tfidf"))
        for style, (name, accuracy) in zip(DASHES, unlabelled.items(), strict=False):
            axes.plot(ends, (accuracy, accuracy), color=LIGHT["transfer"], lw=2, ls=style, label=name)
        for colour, (name, accuracy) in zip(("final", "baseline"), trained.items(), strict=False):
            axes.plot(labels, accuracy, "o", color=LIGHT[colour], ms=9, label=name)
        axes.set(xscale="log", xlim=ends, xlabel=unit)
        axes.set_xticks(counts, [number(count) for count in counts])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(PERCENT)
        handles = [axes.get_lines()[place] for place in order]  # as they end on the right
        axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.02, 0.5))

    values = "; ".join(f"{name} {percent(accuracy)}" for name, accuracy in {**unlabelled, **trained}.items())
    linear = " to ".join(f"{percent(accuracies[end])} with {number(counts[end])}" for end in (0, -1))
    return Chart(draw, f"Accuracy against {unit}: {name_of('tfidf')} from {linear}; {values}", 430, 310)


def coverage_chart(curves: Mapping[Role, Sequence[tuple[float, float]]], names: Names, wanted: float) -> Chart:
    """The accuracy of the surest answers against the share that is answered, with a line at the wanted accuracy."""

    def draw(axes: Axes) -> None:
        for dash, (role, curve) in zip(DASHES, curves.items(), strict=False):
            axes.plot(*zip(*curve, strict=True), color=COLOURS[role], ls=dash, lw=2, label=names[role])
        axes.axhline(wanted, color=LIGHT["quiet"], lw=1)
        axes.set(xlim=(0, 1), ylim=(None, 1.005), xlabel="answered, the surest first", ylabel="accuracy")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PERCENT)
        axes.legend(loc="lower left")

    ends = (f"{names[role]} {percent(curve[-1][1])} of all" for role, curve in curves.items())
    return Chart(draw, f"Accuracy against coverage, the surest answers first: {', '.join(ends)}", 420, 260)


def map_chart(things: pandas.DataFrame, languages: Mapping[Role, str]) -> Chart:
    """Things as points, one for each language, that are joined, each beside its word.

    No word covers another word or a point. A thing without room for its words is left out.

    Args:
        things: see `word_map`.
        languages: their codes.
    """

    def draw(axes: Axes) -> None:
        axes.set_axis_off()
        axes.set(position=(0, 0, 1, 1), xlim=(-0.06, 1.06), ylim=(-0.06, 1.06))
        x, y, words = things["x"].tolist(), things["y"].tolist(), things["word"].map(stand_in).tolist()
        outlines = [pandas.concat([corners, corners[:1]]) for _, corners in things.groupby("thing", sort=False)]
        with redirect_stdout(None):  # it prints where nothing has room
            texts = textalloc.allocate(
                axes, x, y, words, x_scatter=x, y_scatter=y, scatter_sizes=[4] * len(x), textsize=12,
                x_lines=[corners["x"].tolist() for corners in outlines],
                y_lines=[corners["y"].tolist() for corners in outlines],
                margin=0.004, min_distance=0.012, max_distance=0.05, draw_lines=False, draw_all=False,
            )[2]  # fmt: skip
        placed = things.assign(text=texts)
        room = placed["text"].notna().groupby(placed["thing"]).transform("all")
        for text in placed["text"][~room].dropna():
            text.remove()
        chosen = placed[room]
        for _, corners in chosen.groupby("thing"):
            axes.add_patch(Polygon(corners[["x", "y"]], fc=(LIGHT["ink"], 0.06), ec=LIGHT["quiet"], lw=0.7))
        for place in records(chosen):
            role, text = place["role"], place["text"]
            axes.plot(place["x"], place["y"], MARKERS[role], color=COLOURS[role], ms=7, mew=0)
            text.set(text=place["word"], color=COLOURS[role], gid=f"lang={languages[role]}")

    words = things.groupby("thing", sort=False)["word"].agg(", ".join)
    return Chart(draw, f"Map of aligned words: {'; '.join(words)}", 720, 560)


def _two_lines(topic: str) -> str:
    width = 17 if stand_in(topic) == topic else 9  # letters of East Asia are twice as wide
    return "\n".join(wrap(topic, width, max_lines=2, placeholder="…"))
