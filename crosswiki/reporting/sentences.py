"""The main results in sentences."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import pandas

from crosswiki.evaluation.scores import FINAL, Difference, Scores
from crosswiki.reporting.systems import Names, name_of
from crosswiki.reporting.wording import interval, number, percent


def headline(evaluation: Mapping[str, Any], names: Names, labels: int) -> str:
    """The main result in one sentence: metrics/evaluation.json, the roles' languages, and the target's labels."""
    scores = evaluation.get("target", {})
    unlabelled, labelled, linear = (scores.get(system) for system in ("transplanted", "finetuned", "tfidf"))
    parts = []
    if unlabelled:
        parts.append(
            f"Without a single {names['target']} label, the transplanted model is right on "
            f"{_rounded(unlabelled)} of {number(unlabelled['n'])} unseen articles"
        )
    if labelled and labels:
        compared = f", where TF-IDF on the same labels reaches {percent(linear['accuracy'], 0)}" if linear else ""
        parts.append(f"with {number(labels)} labels the final model is right on {_rounded(labelled)}{compared}")
    sentence = "; ".join(parts) or "no system has been scored on the target"
    return sentence[0].upper() + sentence[1:] + "."


def remarks(evaluation: Mapping[str, Any], names: Names) -> list[str]:
    """Results beside the main one: of the test language and the source, and what is known of roles without labels."""
    teacher, test = (evaluation.get(role, {}).get(FINAL[role]) for role in ("source", "test"))
    sentences = []
    if test:
        used = f"In {names['test']}, whose labels were used for this score alone, "
        sentences.append(f"{used}the same transplant is right on {_rounded(test)}.")
    if teacher:
        sentences.append(f"The teacher is right on {_rounded(teacher)} in {names['source']} itself.")
    for role, topics in evaluation.get("named_topics", {}).items():
        scores = (evaluation[role].get(FINAL[role]) or {}).get("among_named_topics")
        if scores:
            named = f"The corpus names {topics['named']} of the {topics['all']} topics in {names[role]}"
            sentences.append(f"{named}; among these alone, the final model is right on {_rounded(scores)}.")
    for role, reason in evaluation.get("unmeasured", {}).items():
        sentences.append(f"{names[role]} has not been measured: {reason}.")
        estimate = evaluation.get("estimated_accuracy", {}).get(role, {}).get(FINAL[role])
        if estimate is not None:
            by = "From the source's labels alone, the final model is estimated to be right on"
            sentences.append(f"{by} {percent(estimate, 0)}.")
    scored = [scores for role in names for scores in evaluation.get(role, {}).values() if scores]
    errors = [abs(s["estimated_accuracy"] - s["accuracy"]) for s in scored if "estimated_accuracy" in s]
    if errors:
        mean, most = 100 * sum(errors) / len(errors), 100 * max(errors)
        start = "Where labels are there, estimates from the source's labels alone"
        sentences.append(f"{start} were {mean:.1f} points off on average, and {most:.1f} at most.")
    return sentences


def compared(evaluation: Mapping[str, Any], names: Names, peers: Iterable[str]) -> list[str]:
    """A sentence for each peer and language: how far it is ahead or behind, and whether that is more than chance.

    Args:
        evaluation: metrics/evaluation.json.
        names: the roles' languages.
        peers: the peers' systems.
    """
    sentences = []
    for role, peer in product(names, peers):
        scores = evaluation.get(role, {}).get(peer)
        if scores and scores["ahead_of"]:
            start = f"In {names[role]}, {name_of(peer)} is right on {percent(scores['accuracy'])}"
            sentences.append(f"{start}: {', and '.join(_ahead(*pair) for pair in scores['ahead_of'].items())}.")
    return sentences


def _ahead(system: str, difference: Difference) -> str:
    by, low, high = (difference[f"accuracy{end}"] for end in ("", "_low", "_high"))  # type: ignore[literal-required]
    if by < 0:
        by, low, high = -by, -high, -low
        where = "behind"
    else:
        where = "ahead of"
    chance = "more than chance" if low > 0 else "which may be chance"
    points = f"{100 * by:.1f} points {where} {name_of(system)}"
    return f"{points} ({100 * low:.1f} to {100 * high:.1f}, {chance})"


def labels_needed(table: pandas.DataFrame, accuracy: float, language: str) -> str:
    """How many labels TF-IDF, whose table has labels and accuracy, needs to be as right as the student without one."""
    counts, reached = table["labels"].astype(int).tolist(), table["accuracy"].astype(float) >= accuracy
    start = f"Without one {language} label the distilled student is right on {percent(accuracy)}; "
    if not reached.any():
        return start + f"TF-IDF does not reach that with all {number(counts[-1])} labels."
    enough = int(reached.to_numpy().argmax())
    if enough == 0:
        return start + f"TF-IDF does better with {number(counts[0])} already."
    return start + f"TF-IDF reaches that between {number(counts[enough - 1])} and {number(counts[enough])} labels."


def _rounded(scores: Scores) -> str:
    return f"{percent(scores['accuracy'], 0)} ({interval(scores['accuracy_low'], scores['accuracy_high'], 0)})"
