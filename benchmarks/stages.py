"""Seconds and floating-point operations of each stage, of finished runs.

`python -m benchmarks.stages FOLDER …` after the pipeline has run in each folder: a Markdown table with each folder's
seconds (those of its newest run that has all stages, from its mlflow.db), the seconds between the stages, which are
imports and DVC, and the operations of the last folder. Those are counted by formula, as torch counts them (a
multiplication and an addition are two; padding, softmax and the optimiser are left out), from the lengths of the texts.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy
from mlflow import MlflowClient
from numpy.typing import NDArray
from transformers import AutoConfig, AutoTokenizer

from crosswiki.bert.distillation import carry_labels
from crosswiki.bert.schedules import schedule_of
from crosswiki.corpora.articles import load_articles, pick
from crosswiki.corpora.pairs import Text
from crosswiki.corpora.splits import labelled
from crosswiki.corpora.vocabulary import Vocabulary, load_vocabulary
from crosswiki.evaluation.comparison import MODELS, split_for_testing
from crosswiki.evaluation.estimates import ADJUSTED, TAUGHT
from crosswiki.evaluation.nearest_articles import REFERENCE
from crosswiki.evaluation.scores import FINAL
from crosswiki.evaluation.selection import TEXTS
from crosswiki.pipeline.outputs import read_json
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import Parameters, load_parameters
from crosswiki.pipeline.parameters_of_words import Align, SkipGram
from stages.adapt import DRIFT_TEXTS

TRAINING = 3  # operations of a forward and a backward pass, in those of a forward pass
Lengths = NDArray[numpy.int64]


@dataclass(frozen=True)
class Encoder:
    """The sizes that a BERT's operations depend on."""

    layers: int
    hidden: int
    inner: int
    topics: int

    def operations(self, lengths: Lengths) -> float:
        """Of a forward pass over texts of so many tokens."""
        weights = self.layers * (4 * self.hidden**2 + 2 * self.hidden * self.inner)
        attention = 2 * self.layers * self.hidden * lengths
        head = self.hidden**2 + self.hidden * self.topics
        return float(2 * (lengths * (weights + attention) + head).sum())


def encoder_of(folder: Path) -> Encoder:
    """The sizes of a model that a stage has made."""
    config = AutoConfig.from_pretrained(folder)
    return Encoder(config.num_hidden_layers, config.hidden_size, config.intermediate_size, config.num_labels)


def skipgram_operations(vocabulary: Vocabulary, settings: SkipGram) -> float:
    """A dot product and two updates for each pair, and for each noise word, which several contexts share."""
    counts = numpy.asarray(vocabulary.counts, dtype=float)
    keep = numpy.minimum(1.0, (settings.subsample / (counts / counts.sum())) ** 0.5) if settings.subsample else 1.0
    pairs = float((counts * keep).sum()) * (settings.window + 1 if settings.dynamic_window else 2 * settings.window)
    rows = 1 + settings.negatives / settings.shared_negatives
    return pairs * rows * 6 * settings.dim * settings.epochs * settings.ensemble


def alignment_operations(source: int, other: int, dim: int, rounds: int, settings: Align) -> float:
    """The products of all vectors of both languages: twice for each direction, and for the scores.

    Args:
        source: words of the source.
        other: words of the other language.
        dim: of a vector.
        rounds: of refinement that counted; one more was tried, unless it was the last one allowed.
        settings: the section `align`.
    """
    tried = min(rounds + 1, settings.refinement_rounds)
    words = min(source, settings.refinement_words) * min(other, settings.refinement_words)
    return 2.0 * dim * (6 * source * other + (2 + 6 * tried) * words)


def operations(params: Parameters) -> dict[str, float]:
    """Of each stage of the run in the current folder, by its name; of those that hardly calculate, nothing."""
    tables = {role: load_articles(Path("data/prepared") / role / "articles.parquet") for role in params.roles}
    teacher, student = encoder_of(Path("models/source")), encoder_of(Path("models/distilled"))
    length_of = {role: _length_of(Path(MODELS[role][name]), params) for role, name in FINAL.items() if role in tables}
    found: dict[str, float] = defaultdict(float)
    words = {role: load_vocabulary(Path("data/prepared") / role / "vocabulary.tsv") for role in params.roles}
    for role in params.roles:
        found[f"skipgram@{role}"] = skipgram_operations(words[role], params.skipgram)
        if role != "source":
            rounds = read_json(Path("metrics/alignment") / f"{role}.json")["rounds"]
            sizes = len(words["source"].words), len(words[role].words), params.skipgram.dim * params.skipgram.ensemble
            found[f"align@{role}"] = alignment_operations(*sizes, rounds, params.align)
            found[f"gloss@{role}"] = 4.0 * sizes[0] * sizes[1] * sizes[2]

    def texts(role: Role, split: Literal["train", "validation"], most: int | None = None) -> Lengths:
        return length_of[role](labelled(tables[role], split, most, params.seed)["text"].tolist())

    def trained(encoder: Encoder, lengths: Lengths, steps: int, batch: int) -> float:
        return TRAINING * encoder.operations(lengths) * steps * batch / max(len(lengths), 1)

    validation, chosen = texts("target", "validation"), texts("target", "validation", TEXTS)
    lengths = texts("source", "train", params.finetune_source.labels)
    schedule = schedule_of(params.finetune_source)
    found["finetune_source"] = trained(teacher, lengths, schedule.steps(len(lengths)), schedule.batch_size)
    found["finetune_source"] += teacher.operations(texts("source", "validation"))

    parallel = params.adapt.representation_distillation
    drift = length_of["source"](tables["source"].query("split == 'validation'")["text"].tolist()[:DRIFT_TEXTS])
    train = tables["target"].query("split == 'train'").reset_index(drop=True)
    read = length_of["target"](pick(train, params.distill.max_texts, params.seed)["text"].tolist())
    found["adapt@target"] = trained(teacher, read, parallel.steps, parallel.batch_size) * (1 + 1 / TRAINING)
    found["adapt@target"] += 6 * teacher.operations(drift) + 2 * teacher.operations(chosen)

    found["neighbourhood"] = teacher.operations(texts("source", "train", params.finetune_source.labels))
    for role in params.roles[1:]:
        for other in dict.fromkeys(("target", role)):  # the target's texts choose for the test language too
            articles = tables[other].query("split == 'train'").reset_index(drop=True)
            reference = pick(articles, REFERENCE, params.seed)["text"].tolist()
            found["neighbourhood"] += teacher.operations(length_of[other](reference))
        found["neighbourhood"] += teacher.operations(validation)

    schedule = schedule_of(params.distill)
    found["distill"] = teacher.operations(read) + trained(student, read, schedule.steps(len(read)), schedule.batch_size)
    found["distill"] += teacher.operations(chosen) + student.operations(chosen)
    if len(params.distill.teachers) > 1:
        found["distill"] += teacher.operations(validation)

    lengths, schedule = texts("target", "train", params.finetune_target.labels), schedule_of(params.finetune_target)
    scratch = schedule.__class__(**{**vars(schedule), **params.finetune_target.scratch.model_dump()})
    steps = schedule.steps(len(lengths)) + scratch.steps(len(lengths))
    found["finetune_target"] = trained(student, lengths, steps, schedule.batch_size) + student.operations(validation)

    found["evaluate"] = teacher.operations(texts("source", "validation"))
    for role, table in tables.items():
        lengths = length_of[role](split_for_testing(table, params.seed).texts["text"].tolist())
        readings = {(place, system == "glossed") for system, place in MODELS[role].items()}  # no model reads twice
        found["evaluate"] += sum(encoder_of(Path(place)).operations(lengths) for place, _ in sorted(readings))
        if role != "source":  # the estimates by the source's labels in this language's words
            known, estimated = labelled(tables["source"], "validation"), ADJUSTED if params.source_shares else TAUGHT
            lengths = length_of[role](carry_labels(known, Path("models/gloss") / role, 1, params.seed).texts)
            places = [MODELS[role][system] for system in estimated if system in MODELS[role]]
            found["evaluate"] += sum(encoder_of(Path(place)).operations(lengths) for place in places)
    return dict(found)


def _length_of(folder: Path, params: Parameters) -> Callable[[Sequence[Text]], Lengths]:
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def length_of(texts: Sequence[Text]) -> Lengths:
        if not texts:
            return numpy.zeros(0, dtype=numpy.int64)
        ids = tokenizer(list(texts), truncation=True, max_length=params.finetune_source.max_length)["input_ids"]
        return numpy.array([len(row) for row in ids])

    return length_of


def seconds(folder: Path) -> dict[str, float]:
    """Of each stage, and `between stages`, of the newest run in a folder that has as many stages as any.

    Raises:
        SystemExit: nothing has run there.
    """
    client = MlflowClient(f"sqlite:///{(folder / 'mlflow.db').as_posix()}")
    experiment = client.get_experiment_by_name("crosswiki")
    runs = client.search_runs([experiment.experiment_id], max_results=10_000) if experiment else []
    below = defaultdict(list)
    for one in runs:
        if (parent := one.data.tags.get("mlflow.parentRunId")) and "seconds" in one.data.metrics:
            below[parent].append(one)
    if not below:
        raise SystemExit(f"{folder}: no run in its mlflow.db")
    newest = max(below.values(), key=lambda found: (len(found), found[0].info.start_time))
    stages = sorted(newest, key=lambda one: one.info.start_time)
    taken = {one.info.run_name: one.data.metrics["seconds"] for one in stages}
    whole = max(one.info.end_time for one in stages) - min(one.info.start_time for one in stages)
    return {**taken, "between stages": whole / 1000 - sum(taken.values())}


def markdown(columns: Mapping[str, Mapping[str, float]], counted: Mapping[str, float]) -> str:
    """The table: a row for each stage in the order of the last column, and one for the whole.

    Args:
        columns: seconds by stage, by folder.
        counted: operations by stage.
    """
    last = list(columns.values())[-1]
    names = [*(name for name in last if name != "between stages"), "between stages"]
    header = "".join(f" seconds, {name} |" for name in columns)
    lines = [f"| stage |{header} TFLOP |", f"|{' --- |' * (len(columns) + 2)}"]
    for name in names:
        cells = [f"{found[name]:.0f}" if name in found else "" for found in columns.values()]
        tera = f"{counted[name] / 1e12:.2f}" if name in counted else ""
        lines.append(f"| {name} | {' | '.join(cells)} | {tera} |")
    cells = [f"{sum(found.values()):.0f}" for found in columns.values()]
    return "\n".join([*lines, f"| whole | {' | '.join(cells)} | {sum(counted.values()) / 1e12:.1f} |"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser("python -m benchmarks.stages", description=__doc__)
    parser.add_argument(
        "folders", type=Path, nargs="+", metavar="FOLDER", help="a project in which all stages have run"
    )
    folders = [folder.resolve() for folder in parser.parse_args().folders]
    columns = {str(place): seconds(folder) for place, folder in enumerate(folders, 1)}
    with chdir(folders[-1]):
        print(markdown(columns, operations(load_parameters())))


if __name__ == "__main__":
    main()
