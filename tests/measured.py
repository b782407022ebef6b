"""What the stages before the report leave, of a small made-up project, and its report."""

import json
import shutil
from pathlib import Path

import numpy
import pandas
import pytest
import torch

from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.vectors import WordVectors, save_vectors
from crosswiki.pipeline.parameter_values import ROLES
from stages import report

PROJECT = Path(__file__).parents[1]
EVIL = '<script>alert(1)</script> & "Arts"'
TOPICS = [EVIL, "History", "None"]  # the last one is what careless reading takes for a missing value
LANGUAGES = {"source": "en", "target": "fr", "test": "xx"}
SCORES = {
    "source": {"teacher": 0.9111, "tfidf": 0.8612},
    "target": {"tfidf": 0.8109, "word_vectors": 0.6123, "copied": 0.5261, "transplanted": 0.7941}
    | {"adapted": 0.8224, "scratch": 0.3971, "distilled": 0.8333, "finetuned": 0.8706},
    "test": {"tfidf": None, "word_vectors": 0.5517, "copied": 0.6352, "transplanted": 0.8308},
}


CLASSIFIERS = {"teacher", "copied", "transplanted", "adapted", "scratch", "distilled", "finetuned"}


def scores_of(accuracy: float) -> dict[str, float]:
    intervals = {"accuracy": (accuracy, 0.0204, 0.0196), "macro_f1": (accuracy - 0.05, 0.03, 0.03)}
    scores = {name: value for name, (value, _, _) in intervals.items()}
    lows = {f"{name}_low": value - down for name, (value, down, _) in intervals.items()}
    highs = {f"{name}_high": value + up for name, (value, _, up) in intervals.items()}
    return {**scores, **lows, **highs, "n": 1943}


def judged_of(accuracy: float) -> dict[str, float]:
    """What `evaluate` adds for a system that gives probabilities."""
    judged = {"calibration_error": 0.0213, "calibration_error_unscaled": 0.0687, "coverage_at_95": 0.7342}
    return {**judged, "estimated_accuracy": round(accuracy + 0.0111, 6)}


def write_table(path: str, table: dict[str, list[object]]) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pandas.DataFrame(table).to_csv(path, index=False)


def write_json(path: str, value: object) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(value), encoding="utf-8")


def save_words(folder: str, words: list[str], vectors: torch.Tensor) -> None:
    Path(folder).mkdir(parents=True)
    counts = numpy.arange(len(words), 0, -1) * 10
    save_vectors(WordVectors(Vocabulary(tuple(words), counts), vectors), Path(folder))


def write_project() -> None:
    """Write what the report reads into the current folder."""
    shutil.copy(PROJECT / "params.yaml", "params.yaml")
    generator = torch.Generator().manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(40, 8, generator=generator))
    save_words("models/skipgram/source", [f"english{chr(97 + i % 26) * (1 + i // 26)}" for i in range(40)], vectors)
    for role in ("target", "test"):
        words = [f"autre{chr(97 + i % 26) * (1 + i // 26)}" for i in range(40)]
        save_words(f"models/aligned/{role}", words, vectors)
        aligned = {
            "precision_at_1": 0.2571,
            "precision_at_5": 0.4143,
            "n": 70,
            "dictionary_size": 2202,
            "induced": 6755,
        }
        write_json(f"metrics/alignment/{role}.json", aligned)
        write_json(f"metrics/transplant/{role}.json", {"tokens": 30000, "copied": 643, "mixed": 22538, "drawn": 6819})
    for role in ROLES:
        Path(f"data/prepared/{role}").mkdir(parents=True)
        ids = [f"{i:03}" for i in range(30)]
        actual = [TOPICS[i % 3] for i in range(30)]
        articles = pandas.DataFrame({"id": ids, "topic": actual, "concept": ids})
        articles["title"] = [None, *(f"Title {i}" for i in range(1, 30))]
        articles["text"] = [f"Opening {i}, <b>été</b>. " + "long " * 100 for i in range(30)]
        articles["language"], articles["split"] = LANGUAGES[role], "test"
        articles.to_parquet(f"data/prepared/{role}/articles.parquet", index=False)
        predicted = {
            system: [TOPICS[(i + (i % 4 == 0)) % 3] for i in range(30)]  # every fourth one is wrong
            for system, accuracy in SCORES[role].items()
            if accuracy is not None
        }
        write_table(f"metrics/predictions/{role}.csv", {"id": ids, "actual": actual, **predicted})
        confidence = {system: [0.999 - i / 100 for i in range(30)] for system in predicted if system in CLASSIFIERS}
        write_table(f"metrics/predictions/confidence-{role}.csv", {"id": ids, **confidence})
        final = predicted["teacher" if role == "source" else "finetuned" if role == "target" else "transplanted"]
        write_table(f"metrics/plots/confusion/{role}.csv", {"actual": actual, "predicted": final})
        write_table(f"metrics/plots/skipgram/{role}.csv", {"words": [10**5, 2 * 10**5, 10**6], "loss": [3.5, 2.5, 2.0]})
        corpus = {"articles": 9955, "labelled": 9000, "words": 479528, "vocabulary": 13255, "out_of_vocabulary": 0.0664}
        splits = {"train": {EVIL: 7041}, "validation": {"History": 971}, "test": {"None": 1943}}
        write_json(f"metrics/corpus/{role}.json", {**corpus, "labels": splits})
        write_json(f"metrics/skipgram/{role}.json", {"loss": 2.002351, "vocabulary": 13255, "tokens": 447709})
    for name in ("finetune_source", "distill", "finetune_target"):
        write_table(f"metrics/plots/loss/{name}.csv", {"step": [5, 10, 15], "loss": [2.4, 1.2, 0.8]})
    write_table("metrics/plots/loss/adapt.csv", {"step": [], "loss": []})
    write_table("metrics/plots/drift.csv", {"step": [5, 10, 15], "drift": [0.06, 0.045, 0.025]})
    scores = {
        role: {
            system: accuracy and scores_of(accuracy) | (judged_of(accuracy) if system in CLASSIFIERS else {})
            for system, accuracy in systems.items()
        }
        for role, systems in SCORES.items()
    }
    write_json("metrics/evaluation.json", scores)
    sizes = {"layers": 3, "parameters": 17193739, "embedding_parameters": 11520000, "vocabulary": 30000}
    size = {**sizes, "gigaflops": 0.679629}
    write_json("metrics/sizes.json", {"teacher": size, "finetuned": size})
    curve = {"labels": [110, 440, 1760], "accuracy": [0.565, 0.795, 0.88]}
    curve |= {"accuracy_low": [0.54, 0.78, 0.86], "accuracy_high": [0.59, 0.81, 0.9]}
    write_table("metrics/plots/labels.csv", {key: list(values) for key, values in curve.items()})
    write_json("metrics/finetune_source.json", {"labels": 4000})
    write_json("metrics/finetune_target.json", {"labels": 2000})


def write_report(folder: Path) -> Path:
    """Write the project and its report into a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CROSSWIKI_TRACKING", "off")
        write_project()
        report.main()
    return folder / "metrics/report.html"
