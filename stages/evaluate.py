"""evaluate: every system on every role's test split, which nothing before this stage has read."""

import time
from pathlib import Path

from crosswiki.bert.classification import predict_topics
from crosswiki.bert.models import load_classifier
from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.comparison import (
    MODELS,
    SIZED,
    load_baselines,
    save_confusion,
    save_predictions,
    score_systems,
)
from crosswiki.evaluation.scores import FINAL, Scores
from crosswiki.evaluation.sizes import Size, size_of
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import read_json, write_json
from crosswiki.pipeline.parameters import ROLES, Role, load_parameters
from crosswiki.pipeline.stage import run_stage, stage


def main() -> None:
    """Write metrics/evaluation.json, metrics/sizes.json, metrics/predictions/ and the plots' data."""
    params = load_parameters()
    settings = params.evaluate
    with stage("evaluate", params, settings) as run:
        labels = read_json(Path("metrics/finetune_target.json"))["labels"]
        device = choose_device(params.device)
        evaluation: dict[Role, dict[str, Scores | None]] = {}
        sizes: dict[str, Size] = {}
        for role in ROLES:
            test = labelled(load_articles(Path("data/prepared") / role / "articles.parquet"), "test")
            predictions = load_baselines(role)
            for system, folder in MODELS[role].items():
                if system == "scratch" and labels == 0:
                    continue  # it has learnt nothing
                classifier = load_classifier(Path(folder))
                if system in SIZED[role]:
                    sizes[system] = size_of(classifier)
                started = time.perf_counter()
                predictions[system] = predict_topics(classifier, test["text"].tolist(), device, f"{role} {system}")
                # Speed differs from run to run, so it is recorded in MLflow and in no output.
                speed = len(test) / (time.perf_counter() - started)
                run.metrics({f"{role}_{system}_texts_per_second": speed})
            evaluation[role] = score_systems(role, test, predictions, settings, params.seed)
            save_predictions(test, predictions, Path("metrics/predictions") / f"{role}.csv")
            confusion = Path("metrics/plots/confusion") / f"{role}.csv"
            save_confusion(test["topic"].tolist(), predictions[FINAL[role]], confusion)
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
