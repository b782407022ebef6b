"""evaluate: every system on every role's test split, which nothing before this stage has read."""

import csv
import time
from pathlib import Path

import pandas

from crosswiki.bert.classification import predict_topics
from crosswiki.bert.models import load_classifier
from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.scores import FINAL, Scores, score
from crosswiki.evaluation.sizes import Size, size_of
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import read_json, replacing, write_json
from crosswiki.pipeline.parameters import ROLES, Role, load_parameters
from crosswiki.pipeline.stage import run_stage, stage

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


def main() -> None:
    """Write metrics/evaluation.json, metrics/sizes.json, metrics/predictions/ and the plots' data."""
    params = load_parameters()
    with stage("evaluate", params, params.evaluate) as run:
        articles = {role: load_articles(Path("data/prepared") / role / "articles.parquet") for role in ROLES}
        labels = read_json(Path("metrics/finetune_target.json"))["labels"]
        device = choose_device(params.device)
        evaluation: dict[Role, dict[str, Scores | None]] = {}
        sizes: dict[str, Size] = {}
        for role in ROLES:
            test = labelled(articles[role], "test")
            table = pandas.read_csv(f"metrics/baselines/{role}.csv", dtype=str, keep_default_na=False)
            said = table.drop(columns="id").to_dict("list")
            actual, concepts = test["topic"].tolist(), test["concept"].tolist()
            for system, folder in MODELS[role].items():
                if system == "scratch" and labels == 0:
                    continue
                model = load_classifier(Path(folder))
                if system in SIZED[role]:
                    sizes[system] = size_of(model)
                started = time.perf_counter()
                said[system] = predict_topics(model, test["text"].tolist(), device, f"{role} {system}")
                # How fast it was goes to MLflow alone: another run takes another time.
                speed = len(test) / (time.perf_counter() - started)
                run.metrics({f"{role}_{system}_texts_per_second": speed})
            own = params.evaluate
            evaluation[role] = {
                system: score(actual, said[system], concepts, own.bootstrap_resamples, own.confidence, params.seed)
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
    run_stage(main)
