"""The systems that `evaluate` compares: what each of them is, in a sentence, and how it fared."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from crosswiki.evaluation.scores import FINAL, Scores
from crosswiki.pipeline.parameters import Role
from crosswiki.reporting.wording import interval, number, percent

Evaluation = Mapping[Role, Mapping[str, Scores | None]]
Names = Mapping[Role, str]  # the roles' languages, in English

# In the order of the story. {source} and {own} are the source's language and that of the role.
DESCRIPTIONS = {
    "word_vectors": (
        "Word vectors",
        "A linear classifier on averaged word vectors in the shared space, trained on {source} labels alone.",
    ),
    "copied": ("Copied", "The {source} teacher as it is, with its {source} tokenizer."),
    "transplanted": (
        "Transplanted",
        "The teacher's parameters, with a {own} tokenizer and embeddings built from the aligned word vectors.",
    ),
    "adapted": ("Adapted", "The transplanted model, fitted to {own} without labels."),
    "distilled": ("Distilled", "A smaller student of the teacher, before any {own} label."),
    "tfidf": (
        "TF-IDF",
        "A linear support-vector machine on words and pairs of words, trained on the same {own} labels.",
    ),
    "scratch": ("From scratch", "The student's architecture with random weights, trained on the same {own} labels."),
    "finetuned": ("Fine-tuned", "The student, fine-tuned on {own} labels."),
    "teacher": ("Teacher", "The pretrained {source} model, fine-tuned on {source} labels."),
}
TAUGHT = {"teacher", "tfidf", "scratch", "finetuned"}  # these learn from labels of the role's own language
BASELINES = {"tfidf", "word_vectors", "copied", "scratch"}

Kind = Literal["baseline", "transfer", "final"]
COLOURS: dict[Kind, str] = {"baseline": "#808998", "transfer": "#4a8cc7", "final": "#0b4a8f"}
MEANING: dict[Kind, str] = {
    "baseline": "to compare with",
    "transfer": "a step of the transfer",
    "final": "the system that matters",
}


@dataclass(frozen=True)
class System:
    """One row of a table, one bar of a chart."""

    name: str
    what: str
    kind: Kind
    labels: int  # of the role's own language, that it has learnt from
    scores: Scores | None


def name_of(system: str) -> str:
    """How people call a system; one that is not described here goes by its own name."""
    return DESCRIPTIONS.get(system, (system.replace("_", " ").capitalize(), ""))[0]


def systems_of(role: Role, scores: Mapping[str, Scores | None], names: Names, labels: int) -> list[System]:
    """A role's systems in the order of the story: those without labels of its language come first.

    Args:
        role: which role.
        scores: of each of its systems; None where there are none.
        names: the roles' languages.
        labels: how many of the role's own labels were used.
    """
    order = [*DESCRIPTIONS, *sorted(set(scores) - set(DESCRIPTIONS))]
    systems = [
        System(
            name=name_of(system),
            what=DESCRIPTIONS.get(system, ("", ""))[1].format(source=names["source"], own=names[role]),
            kind="final" if system == FINAL[role] else "baseline" if system in BASELINES else "transfer",
            labels=labels if system in TAUGHT else 0,
            scores=scores[system],
        )
        for system in order
        if system in scores
    ]
    return sorted(systems, key=lambda system: system.labels)


def by_labels(systems: list[System], language: str) -> list[tuple[str, list[System]]]:
    """Systems that learnt from equally many labels, under a heading that says how many."""
    groups = groupby(systems, key=lambda system: system.labels)
    return [(f"{number(labels) if labels else 'No'} {language} labels", list(group)) for labels, group in groups]


def headline(evaluation: Evaluation, names: Names, labels: int) -> str:
    """The main result in one sentence.

    Args:
        evaluation: all scores.
        names: the roles' languages.
        labels: how many target labels were used.
    """
    scores = evaluation["target"]
    bare, tuned, linear = (scores.get(system) for system in ("transplanted", "finetuned", "tfidf"))
    parts = []
    if bare:
        parts.append(
            f"Without a single {names['target']} label, the transplanted model is right on "
            f"{_rounded(bare)} of {number(bare['n'])} unseen articles"
        )
    if tuned and labels:
        compared = f", where TF-IDF on the same labels reaches {percent(linear['accuracy'], 0)}" if linear else ""
        parts.append(f"with {number(labels)} labels the final model is right on {_rounded(tuned)}{compared}")
    sentence = "; ".join(parts) or "no system has been scored on the target"
    return sentence[0].upper() + sentence[1:] + "."


def remarks(evaluation: Evaluation, names: Names) -> list[str]:
    """What stands beside the main result: the test language, and the teacher in its own."""
    teacher, unseen = (evaluation[role].get(FINAL[role]) for role in ("source", "test"))
    sentences = []
    if unseen:
        sentences.append(
            f"In {names['test']}, whose labels were used for this score alone, "
            f"the same transplant is right on {_rounded(unseen)}."
        )
    if teacher:
        sentences.append(f"The teacher is right on {_rounded(teacher)} in {names['source']} itself.")
    return sentences


def _rounded(scores: Scores) -> str:
    return f"{percent(scores['accuracy'], 0)} ({interval(scores['accuracy_low'], scores['accuracy_high'], 0)})"
