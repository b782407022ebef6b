"""evaluate: every system on every role's test split, which nothing before this stage has read."""

import csv
import time
from functools import partial
from pathlib import Path

import numpy
import pandas
from numpy.typing import NDArray

from stages.bert.classification import predict_logits
from stages.bert.models import load_classifier
from stages.command import command, stage
from stages.corpora.articles import load_articles
from stages.corpora.splits import labelled
from stages.corpora.text import segment
from stages.devices import choose_device
from stages.embeddings.lookup import load_aligned
from stages.evaluation.baselines import average_vectors, linear_classifier, tfidf
from stages.evaluation.labels import label_curve
from stages.evaluation.scores import FINAL, Scores, score
from stages.evaluation.sizes import Size, size_of
from stages.outputs import read_json, replacing, write_json
from stages.parameters import ROLES, Parameters, Role, load_parameters

BASELINES: dict[Role, tuple[str, ...]] = {
    "source": ("tfidf",),
    "target": ("tfidf", "word_vectors"),
    "test": ("tfidf", "word_vectors"),
}
MODELS: dict[Role, dict[str, str]] = {
    "source": {"teacher": "models/source"},
    "target": {
        "copied": "models/source",
        "transplanted": "models/transplanted/target",
        "adapted": "models/adapted",
        "scratch": "models/scratch",
        "distilled": "models/distilled",
        "finetuned": "models/target",
    },
    "test": {"copied": "models/source", "transplanted": "models/transplanted/test"},
}
# The models on the way from the teacher to the student.
SIZED: dict[Role, tuple[str, ...]] = {"source": ("teacher",), "target": ("transplanted", "finetuned"), "test": ()}


def baselines(
    params: Parameters, articles: dict[Role, pandas.DataFrame], labels: dict[Role, int]
) -> dict[Role, dict[str, list[str]]]:
    """Predictions of the linear classifiers on the test splits, where there are labels to learn from.

    Args:
        params: penalties and seed.
        articles: each role's.
        labels: how many of its labels the source's and the target's model saw; the baselines see the same ones.
    """
    penalties = params.evaluate.baseline_penalties
    language = {role: str(table["language"].iloc[0]) for role, table in articles.items()}
    tests = {role: labelled(table, "test")["text"].tolist() for role, table in articles.items()}
    vectors = load_aligned()

    def averages(role: Role, texts: list[str]) -> NDArray[numpy.float32]:
        return average_vectors([segment(text, language[role]) for text in texts], vectors[role])

    taught = labelled(articles["source"], "train", labels["source"], params.seed)
    linear = linear_classifier(averages("source", taught["text"].tolist()), taught["topic"].tolist(), penalties)
    predictions: dict[Role, dict[str, list[str]]] = {role: {} for role in ROLES}
    for role, limit in labels.items():
        known = labelled(articles[role], "train", limit, params.seed)
        if known.empty:
            continue
        machine = tfidf(
            known["text"].tolist(),
            known["topic"].tolist(),
            penalties,
            partial(segment, language=language[role]),
        )
        predictions[role]["tfidf"] = machine.predict(tests[role]).tolist()
    for role in ("target", "test"):
        predictions[role]["word_vectors"] = linear.predict(averages(role, tests[role])).tolist()
    return predictions


def main() -> None:
    """Write metrics/evaluation.json, metrics/sizes.json, metrics/predictions/ and the plots' data."""
    params = load_parameters()
    with stage("evaluate", params, params.evaluate) as run:
        articles = {role: load_articles(Path("data/prepared") / role / "articles.parquet") for role in ROLES}
        labels: dict[Role, int] = {
            role: read_json(Path(f"metrics/finetune_{role}.json"))["labels"] for role in ("source", "target")
        }
        predictions = baselines(params, articles, labels)
        device = choose_device(params.device)
        evaluation: dict[Role, dict[str, Scores | None]] = {}
        sizes: dict[str, Size] = {}
        for role in ROLES:
            test, said = labelled(articles[role], "test"), predictions[role]
            actual, concepts = test["topic"].tolist(), test["concept"].tolist()
            for system, folder in MODELS[role].items():
                if system == "scratch" and labels["target"] == 0:
                    continue
                model = load_classifier(Path(folder))
                if system in SIZED[role]:
                    sizes[system] = size_of(model)
                started, tokens = time.perf_counter(), model.tokenizer.model_max_length
                logits = predict_logits(model, test["text"].tolist(), tokens, device, f"{role} {system}")
                # How fast it was goes to MLflow alone: another run takes another time.
                speed = len(test) / (time.perf_counter() - started)
                run.metrics({f"{role}_{system}_texts_per_second": speed})
                said[system] = [model.topics[int(place)] for place in logits.argmax(1)]
            own = params.evaluate
            evaluation[role] = {
                system: score(actual, said[system], concepts, own.resamples, own.confidence, params.seed)
                if system in said
                else None
                for system in (*BASELINES[role], *MODELS[role])
            }
            with replacing(Path("metrics/predictions") / f"{role}.csv") as partial_file:
                pandas.DataFrame({"id": test["id"], "actual": actual, **said}).to_csv(partial_file, index=False)
            plot = Path("metrics/plots/confusion") / f"{role}.csv"
            with replacing(plot) as partial_file, partial_file.open("w", encoding="utf-8") as file:
                pairs = zip(actual, said[FINAL[role]], strict=True)
                csv.writer(file, lineterminator="\n").writerows([("actual", "predicted"), *pairs])
        words = partial(segment, language=str(articles["target"]["language"].iloc[0]))
        with replacing(Path("metrics/plots/labels.csv")) as partial_file:
            curve = label_curve(articles["target"], params.evaluate, params.seed, words)
            curve.to_csv(partial_file, index=False, lineterminator="\n")
        write_json(Path("metrics/evaluation.json"), evaluation)
        write_json(Path("metrics/sizes.json"), sizes)
        run.metrics(
            {
                f"{role}_{system}_accuracy": scores["accuracy"]
                for role, systems in evaluation.items()
                for system, scores in systems.items()
                if scores
            }
        )


if __name__ == "__main__":
    command(main)
