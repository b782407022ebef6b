"""The systems that `evaluate` compares: the name, a description and the scores of each."""

from collections.abc import Mapping
from typing import Any

import pandas

from crosswiki.evaluation.scores import FINAL, Scores
from crosswiki.pipeline.parameter_values import Role
from crosswiki.reporting.wording import UNKNOWN

Names = Mapping[Role, str]  # the roles' languages, in English

# In the order of the page. {source} and {language} are the source's language and that of the role.
DESCRIPTIONS = {
    "word_vectors": ("Word vectors", "A linear classifier on averaged word vectors, trained on {source} labels alone."),
    "copied": ("Copied", "The {source} teacher as it is, with its {source} tokenizer."),
    "glossed": ("Glossed", "The {source} teacher on each text's gloss; nothing is trained on {language}."),
    "transplanted": ("Transplanted", "The teacher with a {language} tokenizer; its embeddings come from word vectors."),
    "adapted": ("Adapted", "The transplanted model, fitted to {language} without labels."),
    "neighbours": (
        "Neighbours",
        "The vote of each text's nearest labelled {source} articles, mixed with the {language} model's answer.",
    ),
    "distilled": ("Distilled", "A smaller student of the teacher, before any {language} label."),
    "pooled": (
        "Pooled",
        "Gloss, neighbours and the {language} model before any {language} label, whose probabilities are multiplied.",
    ),
    "tfidf": ("TF-IDF", "A linear support-vector machine on words and pairs, trained on the same {language} labels."),
    "scratch": (
        "From scratch",
        "The student's architecture with random weights, trained on the same {language} labels.",
    ),
    "finetuned": ("Fine-tuned", "The student, fine-tuned on {language} labels."),
    "teacher": ("Teacher", "The pretrained {source} model, fine-tuned on {source} labels."),
}
PEER = "A frozen multilingual encoder ({model}) and a logistic regression on the same {source} labels as the teacher."
NUMBERS = [name for name in Scores.__annotations__ if name not in ("ahead_of", "among_named_topics")]
AMONG = "accuracy_among_named_topics"
LABELLED = {"teacher", "tfidf", "scratch", "finetuned"}  # these are trained on labels of the role's language
BASELINES = {"tfidf", "word_vectors", "copied", "scratch"}
MEANING = {"baseline": "a baseline", "transfer": "a step of the transfer", "final": "the main system"}


def name_of(system: str) -> str:
    """The name of a system on the page; a peer has the name that the reader gave it."""
    return DESCRIPTIONS.get(system, (system, ""))[0]


def systems_of(
    role: Role, evaluation: Mapping[str, Any], names: Names, labels: int, peers: Mapping[str, str]
) -> pandas.DataFrame:
    """A role's systems in the order of the page: those without labels of its language come first.

    Args:
        role: which role.
        evaluation: metrics/evaluation.json; it gives the reason why a role has no scores, and estimates.
        names: the roles' languages.
        labels: how many labels of the role's language were used.
        peers: the peers' encoders, by system.

    Returns:
        A row for each: name, what (it is), kind, labels (that it was trained on), reason (why it has no scores; empty
        where it has), and those of `Scores`, which may be missing, the accuracy among the named topics as `AMONG`.
    """
    scores, estimates = evaluation[role], evaluation.get("estimated_accuracy", {}).get(role, {})
    reason = evaluation.get("unmeasured", {}).get(role, UNKNOWN)
    others = BASELINES | set(peers)
    numbers = [*NUMBERS, AMONG]
    columns = ["name", "what", "kind", "labels", "reason", *numbers]
    rows = [
        {
            "name": name_of(system),
            "what": (PEER if system in peers else DESCRIPTIONS.get(system, ("", ""))[1]).format(
                source=names["source"], language=names[role], model=peers.get(system)
            ),
            "kind": "final" if system == FINAL.get(role) else "baseline" if system in others else "transfer",
            "labels": labels if system in LABELLED or (role == "source" and system in peers) else 0,
            "reason": "" if scores[system] else reason,
            "estimated_accuracy": estimates.get(system),
            **(scores[system] or {}),
            AMONG: ((scores[system] or {}).get("among_named_topics") or {}).get("accuracy"),
        }
        for system in [*DESCRIPTIONS, *sorted(set(scores) - set(DESCRIPTIONS))]
        if system in scores
    ]
    table = pandas.DataFrame(rows, columns=columns).sort_values("labels", kind="stable", ignore_index=True)
    return table.astype(dict.fromkeys(numbers, float))
