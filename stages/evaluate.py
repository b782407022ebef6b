"""evaluate: every system on every role's test split, which nothing before this stage has read."""

import time
from pathlib import Path
from typing import Any

from crosswiki.bert.models import load_classifier
from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.pairs import texts_of
from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.comparison import (
    MODELS,
    SIZED,
    load_baselines,
    save_confusion,
    save_predictions,
    score_systems,
    split_for_testing,
    texts_for,
)
from crosswiki.evaluation.confidence import Answers, answer, estimate_accuracies, judge_confidence, save_confidences
from crosswiki.evaluation.nearest_articles import answers_of
from crosswiki.evaluation.scores import FINAL
from crosswiki.evaluation.sizes import Size, size_of
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import read_json, replacing, write_json
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.stage import run_stage, stage


def main() -> None:
    """Write metrics/evaluation.json, metrics/sizes.json, predictions, glosses and the plots' data."""
    params = load_parameters()
    with stage("evaluate", params, params.evaluate) as run, replacing(Path("metrics/predictions"), True) as folder:
        labels, device = read_json(Path("metrics/finetune_target.json"))["labels"], choose_device(params.device)
        evaluation: dict[str, Any] = {}
        unmeasured: dict[str, Any] = {"unmeasured": {}, "estimated_accuracy": {}}  # of roles without labels
        sizes: dict[str, Size] = {}
        tables = {role: load_articles(Path("data/prepared") / role / "articles.parquet") for role in params.roles}
        known = labelled(tables["source"], "validation")
        teacher = load_classifier(Path(MODELS["source"]["teacher"]))
        reference = answer(teacher, texts_of(known), device, "source validation")
        for role, articles in tables.items():
            test = split_for_testing(articles, params.seed)
            peers = load_baselines(role, Path("metrics/peers"))
            predictions, answers = load_baselines(role) | peers, dict[str, Answers]()
            for system, place in MODELS[role].items():
                if system == "scratch" and labels == 0:
                    continue  # it has learnt nothing
                classifier = load_classifier(Path(place))
                if system in SIZED[role]:
                    sizes[system] = size_of(classifier)
                texts, started = texts_for(system, role, test, params.gloss.context_weight), time.perf_counter()
                answers[system] = answers_of(system, role, classifier, texts, device)
                # Speed differs from run to run, so it is recorded in MLflow and in no output.
                speed = len(test.texts) / (time.perf_counter() - started)
                run.metrics({f"{role}_{system}_texts_per_second": speed})
                predictions[system] = answers[system].topics
            estimates = estimate_accuracies(reference, known["topic"].tolist(), answers)
            scores: dict[str, Any] = {**score_systems(role, test, predictions, peers, params.evaluate, params.seed)}
            if test.unmeasured:
                unmeasured["unmeasured"][role] = test.unmeasured
                unmeasured["estimated_accuracy"][role] = estimates
            else:
                for system, given in answers.items():
                    scores[system] |= judge_confidence(test.topics, given)
                    scores[system] |= {"estimated_accuracy": estimates[system]} if system in estimates else {}
                run.metrics({f"{role}_{s}_accuracy": value["accuracy"] for s, value in scores.items() if value})
            evaluation[role] = scores
            save_predictions(test, predictions, folder / f"{role}.csv")
            save_confidences(test.texts["id"].tolist(), answers, folder / f"confidence-{role}.csv")
            actual, final = (test.topics, predictions[FINAL[role]]) if not test.unmeasured else ([], [])
            save_confusion(actual, final, Path("metrics/plots/confusion") / f"{role}.csv")
        write_json(Path("metrics/evaluation.json"), evaluation | {key: of for key, of in unmeasured.items() if of})
        write_json(Path("metrics/sizes.json"), {**sizes, **read_json(Path("metrics/peers/sizes.json"))})


if __name__ == "__main__":
    run_stage(main, ranks=True)
