"""Ablation: the default run with one change at a time, over several seeds.

`python -m benchmarks.ablation queue` puts the experiments into DVC's queue (`--seeds 1 2 3`, `--rows` for some of
them), `dvc queue start` runs them, and `python -m benchmarks.ablation write` puts what has run into docs/results.md,
between its marks, and draws docs/labels.png. `make ablation` does all three. Existing experiments are not queued
again, and DVC runs no stage again whose inputs an earlier experiment had.
"""

import argparse
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import matplotlib.style
import numpy
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from scipy.stats import t as student

LABELS = {"0": 0, "100": 100, "500": 500, "2,000": 2000, "all": 1_000_000}
ROWS: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "transplant: WECHSEL": ("transplant.method=wechsel",),
    "transplant: FOCUS": ("transplant.method=focus",),
    "transplant: random embeddings": ("transplant.method=random",),
    "transplant: one mean embedding": ("transplant.method=mean",),
    "transplant: without spelling": ("transplant.spelling_weight=0", "align.spelling_weight=0"),
    "transplant: without a dictionary": ("transplant.dictionary_weight=0",),
    "alignment: without refinement": ("align.refinement_rounds=0",),
    "teacher: without mixtures": ("finetune_source.mixture_noise.probability=0",),
    "without adaptation": ("adapt.representation_distillation.steps=0",),
    "adaptation: masked words of both languages first": (
        "adapt.masked_language_model.steps=200",
        "adapt.masked_language_model.joint=true",
    ),
    "without distillation": ("distill.epochs=0",),
    "distillation: hidden states too": ("distill.hidden_weight=1",),
    "output layer free": ("finetune_target.freeze_output=false",),
    "fine-tuning: all of it": ("finetune_target.prior_labels=0",),
    "fine-tuning: layer by layer": ("finetune_target.gradual_unfreezing=0.5",),
    "student: 1 layer": ("distill.layers=1",),
    "student: 2 layers": ("distill.layers=2",),
    "student: all layers": ("distill.layers=6",),
    **{f"labels: {name}": (f"finetune_target.labels={count}",) for name, count in LABELS.items()},
}
COLUMNS = {
    "transplanted": ("target", "transplanted"),
    "adapted": ("target", "adapted"),
    "distilled": ("target", "distilled"),
    "fine-tuned": ("target", "finetuned"),
    "from scratch": ("target", "scratch"),
    "TF-IDF": ("target", "tfidf"),
    "test language, transplanted": ("test", "transplanted"),
}
MARKS = "<!-- ablation -->", "<!-- /ablation -->"
PAGE, PICTURE = Path("docs/results.md"), Path("docs/labels.png")
Evaluation = Mapping[str, Mapping[str, Mapping[str, float] | None]]


@dataclass(frozen=True)
class Mean:
    """A mean over seeds."""

    mean: float
    half: float | None  # of the 95 % interval (Student's t); None with one seed
    seeds: int

    def __str__(self) -> str:
        """In percent."""
        return f"{100 * self.mean:.1f}" + (f" ± {100 * self.half:.1f}" if self.half is not None else "")


def mean_of(values: list[float]) -> Mean:
    """The mean of some seeds' values, with its interval."""
    if len(values) < 2:
        return Mean(values[0], None, 1)
    half = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return Mean(fmean(values), half, len(values))


def experiment(row: str, seed: int) -> str:
    """A row's experiment by name, say ablation-labels-2-000-seed-1."""
    return f"ablation-{re.sub('[^a-z0-9]+', '-', row.lower()).strip('-')}-seed-{seed}"


def shown() -> list[dict[str, Any]]:
    """DVC's experiments, of all commits."""
    command = ["dvc", "exp", "show", "--json", "--all-commits"]
    table = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return [one for base in table for one in base["experiments"] or []]


def evaluations(experiments: Iterable[Mapping[str, Any]]) -> dict[str, Evaluation]:
    """metrics/evaluation.json of each finished experiment, by the experiment's name."""
    found: dict[str, Evaluation] = {}
    for one in experiments:
        # Queued, running and failed experiments have the metrics of the commit that they start from.
        if (one.get("executor") or {}).get("state", "success") != "success":
            continue
        data = (one["revs"] or [{}])[0].get("data") or {}
        scores = (data.get("metrics") or {}).get("metrics/evaluation.json", {}).get("data")
        if one["name"] and scores:
            found[one["name"]] = scores
    return found


def gather(found: Mapping[str, Evaluation]) -> dict[str, dict[str, Mean]]:
    """Each column's mean accuracy in each row, over the available seeds; rows without a run are left out."""
    table: dict[str, dict[str, Mean]] = {}
    for row in ROWS:
        pattern = re.compile(re.escape(experiment(row, 0)[:-1]) + r"\d+")
        runs = [scores for name, scores in sorted(found.items()) if pattern.fullmatch(name)]
        values = {
            column: [float(scores[role][system]["accuracy"]) for scores in runs if scores[role].get(system)]  # type: ignore[index]
            for column, (role, system) in COLUMNS.items()
        }
        if runs:
            table[row] = {column: mean_of(accuracies) for column, accuracies in values.items() if accuracies}
    return table


def worth(row: Mapping[str, Mean], curve: list[tuple[int, float]]) -> float | None:
    """The number of labels with which TF-IDF is as accurate as the fine-tuned student.

    It is interpolated on TF-IDF's curve (labels, accuracy) with logarithmic counts; None if no count is enough.
    """
    if not curve or row["fine-tuned"].mean > max(accuracy for _, accuracy in curve):
        return None
    # The best accuracy so far and its count: a curve may fall with more labels.
    best, first = numpy.unique(numpy.maximum.accumulate([accuracy for _, accuracy in curve]), return_index=True)
    counts = numpy.log([count for count, _ in curve])
    return float(numpy.exp(numpy.interp(row["fine-tuned"].mean, best, counts[first])))


def markdown(table: Mapping[str, Mapping[str, Mean]]) -> str:
    """The rows as a table, in percent."""
    lines = [f"| what is changed | seeds | {' | '.join(COLUMNS)} |", f"| --- | --- |{' --- |' * len(COLUMNS)}"]
    for row, means in table.items():
        cells = [str(means[column]) if column in means else "" for column in COLUMNS]
        lines.append(f"| {row} | {max(one.seeds for one in means.values())} | {' | '.join(cells)} |")
    return "\n".join(lines)


def labels_of(table: Mapping[str, Mapping[str, Mean]]) -> list[tuple[str, Mapping[str, Mean]]]:
    """The rows with another number of target labels, fewest first."""
    return [(name, table[f"labels: {name}"]) for name in LABELS if f"labels: {name}" in table]


def labels_text(table: Mapping[str, Mapping[str, Mean]], curve: list[tuple[int, float]]) -> str:
    """For each number of labels, how many TF-IDF needs, as a Markdown list."""
    lines = []
    for name, means in labels_of(table):
        needed = worth(means, curve)
        most = f"more than all {curve[-1][0]:,}" if needed is None else f"about {needed:,.0f}"
        lines.append(f"- With {name} target labels the student has {means['fine-tuned']} %; TF-IDF needs {most}.")
    return "\n".join(lines)


def draw_labels(table: Mapping[str, Mapping[str, Mean]], path: Path, available: int) -> None:
    """Draw accuracy against the number of target labels for the student, the control and TF-IDF, as a PNG file."""
    rows = [(min(LABELS[name], available), means) for name, means in labels_of(table)]
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(6.4, 4), layout="constrained")
        axis = figure.subplots()
        for column, colour in (("fine-tuned", "#1b6ca8"), ("TF-IDF", "#c2571a"), ("from scratch", "#777777")):
            points = [(count, means[column]) for count, means in rows if column in means]
            x, y = [count for count, _ in points], [one.mean for _, one in points]
            axis.errorbar(x, y, [one.half or 0 for _, one in points], marker="o", capsize=3, color=colour, label=column)
        axis.set_xscale("symlog", linthresh=100)
        axis.set_xticks([count for count, _ in rows], [f"{count:,}" for count, _ in rows])
        axis.minorticks_off()
        axis.set_xlabel("target labels")
        axis.set_ylabel("accuracy on the target's test split")
        axis.yaxis.set_major_formatter(PercentFormatter(1, 0))
        axis.grid(color="#d8dde4", linewidth=0.8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False)
        figure.savefig(path, format="png", dpi=150, metadata={"Software": None})


def queue(rows: Iterable[str], seeds: Iterable[int]) -> None:
    """Put experiments into DVC's queue, except existing ones."""
    existing = {one["name"] for one in shown()}
    for seed in seeds:
        for row in rows:
            if experiment(row, seed) not in existing:
                settings = [part for change in (*ROWS[row], f"seed={seed}") for part in ("--set-param", change)]
                command = ["dvc", "exp", "run", "--queue", "--name", experiment(row, seed), *settings]
                subprocess.run(command, check=True)


def write() -> None:
    """Replace the text between the marks of docs/results.md, and draw the picture."""
    table = gather(evaluations(shown()))
    if not table:
        sys.exit("no experiment of the ablation has ended: python -m benchmarks.ablation queue, then dvc queue start")
    lines = Path("metrics/plots/labels.csv").read_text(encoding="utf-8").splitlines()[1:]
    curve = [(int(labels), float(accuracy)) for labels, accuracy, *_ in (line.split(",") for line in lines)]
    parts = [markdown(table)]
    if labels_of(table):
        draw_labels(table, PICTURE, curve[-1][0])
        parts += [f"![Accuracy against the number of target labels]({PICTURE.name})", labels_text(table, curve)]
    text = f"{MARKS[0]}\n" + "\n\n".join(parts) + f"\n{MARKS[1]}"
    pattern = re.compile(f"{MARKS[0]}.*?{MARKS[1]}", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: text, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    """Queue, or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["queue", "write"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS), metavar="ROW")
    chosen = parser.parse_args()
    if chosen.what == "queue":
        queue(chosen.rows, chosen.seeds)
    else:
        write()


if __name__ == "__main__":
    main()
