"""The systems that `evaluate` compares: the name, a description and the scores of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from crosswiki.evaluation.scores import FINAL, Scores
from crosswiki.pipeline.parameters import Role
from crosswiki.reporting.wording import UNKNOWN, number

Evaluation = Mapping[Role, Mapping[str, Scores | None]]
Names = Mapping[Role, str]  # the roles' languages, in English

# In the order of the page. {source} and {language} are the source's language and that of the role.
DESCRIPTIONS = {
    "word_vectors": (
        "Word vectors",
        "A linear classifier on averaged word vectors in the shared space, trained on {source} labels alone.",
    ),
    "copied": ("Copied", "The {source} teacher as it is, with its {source} tokenizer."),
    "transplanted": (
        "Transplanted",
        "The teacher's parameters, with a {language} tokenizer and embeddings built from the aligned word vectors.",
    ),
    "adapted": ("Adapted", "The transplanted model, fitted to {language} without labels."),
    "distilled": ("Distilled", "A smaller student of the teacher, before any {language} label."),
    "tfidf": (
        "TF-IDF",
        "A linear support-vector machine on words and pairs of words, trained on the same {language} labels.",
    ),
    "scratch": (
        "From scratch",
        "The student's architecture with random weights, trained on the same {language} labels.",
    ),
    "finetuned": ("Fine-tuned", "The student, fine-tuned on {language} labels."),
    "teacher": ("Teacher", "The pretrained {source} model, fine-tuned on {source} labels."),
}
LABELLED = {"teacher", "tfidf", "scratch", "finetuned"}  # these are trained on labels of the role's language
BASELINES = {"tfidf", "word_vectors", "copied", "scratch"}

Kind = Literal["baseline", "transfer", "final"]
MEANING: dict[Kind, str] = {
    "baseline": "a baseline",
    "transfer": "a step of the transfer",
    "final": "the main system",
}


@dataclass(frozen=True)
class System:
    """One row of a table, one bar of a chart."""

    name: str
    what: str
    kind: Kind
    labels: int  # of the role's language, that it was trained on
    scores: Scores | None
    reason: str  # why there are no scores


def name_of(system: str) -> str:
    """The name of a system on the page; without a description here, it is the key in words."""
    return DESCRIPTIONS.get(system, (system.replace("_", " ").capitalize(), ""))[0]


def systems_of(role: Role, evaluation: Mapping[str, Any], names: Names, labels: int) -> list[System]:
    """A role's systems in the order of the page: those without labels of its language come first.

    Args:
        role: which role.
        evaluation: metrics/evaluation.json; under `unmeasured` it gives the reason why a role has no scores.
        names: the roles' languages.
        labels: how many labels of the role's language were used.
    """
    scores, reason = evaluation[role], evaluation.get("unmeasured", {}).get(role, UNKNOWN)
    order = [*DESCRIPTIONS, *sorted(set(scores) - set(DESCRIPTIONS))]
    systems = [
        System(
            name=name_of(system),
            what=DESCRIPTIONS.get(system, ("", ""))[1].format(source=names["source"], language=names[role]),
            kind="final" if system == FINAL.get(role) else "baseline" if system in BASELINES else "transfer",
            labels=labels if system in LABELLED else 0,
            scores=scores[system],
            reason=reason,
        )
        for system in order
        if system in scores
    ]
    return sorted(systems, key=lambda system: system.labels)


def by_labels(systems: Sequence[System], language: str) -> list[tuple[str, list[System]]]:
    """Systems by the number of labels that they were trained on, under a heading that gives it."""
    groups = groupby(systems, key=lambda system: system.labels)
    return [(f"{number(labels) if labels else 'No'} {language} labels", list(group)) for labels, group in groups]
