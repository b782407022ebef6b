"""evaluate: every system on every role's test split, which nothing has learnt from or chosen by."""

from pathlib import Path
from typing import Any

from crosswiki.bert.models import load_classifier
from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.comparison import (
    MEMBERS,
    MODELS,
    POOLED,
    SIZED,
    save_confusion,
    score_systems,
    split_for_testing,
    texts_for,
)
from crosswiki.evaluation.confidence import Answers, judge_confidence, save_confidences
from crosswiki.evaluation.estimates import prepare_estimator
from crosswiki.evaluation.pooling import pool_answers
from crosswiki.evaluation.predictions import Predictions, fewer_topics
from crosswiki.evaluation.readings import Readings, answers_of
from crosswiki.evaluation.scores import FINAL
from crosswiki.evaluation.sizes import Size, size_of
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import read_json, replacing, write_json
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.presets import load_preset
from crosswiki.pipeline.stage import run_stage, stage


def main() -> None:
    """Write metrics/evaluation.json, metrics/sizes.json, predictions, glosses and the plots' data."""
    params = load_parameters()
    with stage("evaluate", params, params.evaluate) as run, replacing(Path("metrics/predictions"), True) as folder:
        labels, device = read_json(Path("metrics/finetune_target.json"))["labels"], choose_device(params.device)
        evaluation, sizes = dict[str, Any](), dict[str, Size]()
        beside: dict[str, Any] = {"unmeasured": {}, "estimated_accuracy": {}, "named_topics": {}}  # of some roles
        tables = {role: load_articles(Path("data/prepared") / role / "articles.parquet") for role in params.roles}
        known = labelled(tables["source"], "validation")
        teacher = load_classifier(Path(MODELS["source"]["teacher"]))
        estimator = prepare_estimator(teacher, known, params, device)
        named = fewer_topics(tables, load_preset(params.corpus))
        for role, articles in tables.items():
            test, answers, readings = split_for_testing(articles, params.seed), dict[str, Answers](), Readings()
            estimates = dict[str, float]()
            predictions = Predictions(test.texts["id"].tolist(), named[role])
            predictions.load(Path("metrics/baselines"), role)
            peers = predictions.load(Path("metrics/peers"), role)
            for system, place in MODELS[role].items():
                if system == "scratch" and labels == 0:
                    continue  # it has learnt nothing
                classifier = load_classifier(Path(place))
                if system in SIZED[role]:
                    sizes[system] = size_of(classifier)
                texts = texts_for(system, role, test, params.gloss.context_weight)
                answers[system], seconds = answers_of(system, role, classifier, texts, device, readings)
                # Speed differs from run to run, so it is recorded in MLflow and in no output.
                run.metrics({f"{role}_{system}_texts_per_second": len(test.texts) / seconds})
                predictions.add(system, classifier.topics, answers[system].logits)
                estimates |= estimator.by_labels(role, system, classifier)
            if members := [answers[system] for system in MEMBERS[role]]:
                answers[POOLED] = pool_answers(members, teacher.topics)
                predictions.add(POOLED, teacher.topics, answers[POOLED].logits)
            estimates = estimator.by_confidence(role, answers) | estimates
            scores: dict[str, Any] = {**score_systems(role, test, predictions, peers, params.evaluate, params.seed)}
            if test.unmeasured:
                beside["unmeasured"][role] = test.unmeasured
                beside["estimated_accuracy"][role] = estimates
            else:
                for system, given in answers.items():
                    scores[system] |= judge_confidence(test.topics, given)
                    scores[system] |= {"estimated_accuracy": estimates[system]} if system in estimates else {}
                run.metrics({f"{role}_{s}_accuracy": value["accuracy"] for s, value in scores.items() if value})
                among = {s: value["among_named_topics"] for s, value in scores.items() if s in predictions.among_named}
                run.metrics({f"{role}_{s}_accuracy_among_named_topics": of["accuracy"] for s, of in among.items()})
                if predictions.named:
                    beside["named_topics"][role] = {"named": len(predictions.named), "all": len(teacher.topics)}
            evaluation[role] = scores
            predictions.save(folder, role, actual=test.topics)
            save_confidences(test.texts["id"].tolist(), answers, folder / f"confidence-{role}.csv")
            save_confusion(test, predictions.topics[FINAL[role]], Path("metrics/plots/confusion") / f"{role}.csv")
        write_json(Path("metrics/evaluation.json"), evaluation | {key: of for key, of in beside.items() if of})
        write_json(Path("metrics/sizes.json"), {**sizes, **read_json(Path("metrics/peers/sizes.json"))})


if __name__ == "__main__":
    run_stage(main, ranks=True)
