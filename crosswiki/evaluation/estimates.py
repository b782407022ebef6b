"""How good classifiers are in a language, as far as it can be told without a label of that language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas
import torch

from crosswiki.bert.distillation import PairedTexts, carry_labels
from crosswiki.bert.models import Classifier
from crosswiki.corpora.pairs import texts_of
from crosswiki.evaluation.confidence import Answers, answer, estimate_accuracies
from crosswiki.evaluation.scores import accuracy
from crosswiki.evaluation.topic_shares import load_log_odds
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import Parameters

# Systems that have learnt from texts of the target, so that their confidence has another scale than the teacher's.
TAUGHT = ("adapted", "distilled", "finetuned")
ADJUSTED = ("transplanted", "adapted", "distilled", "finetuned")  # those whose output layer `source_shares` adjusts


@dataclass(frozen=True)
class Estimator:
    """Estimates accuracies from the source's validation labels, which no model has learnt from.

    Attributes:
        teacher: the source's classifier.
        reference: its answers to their texts.
        topics: their labels.
        carried: their texts in each role's words; none without a lexicon's words.
        by_these: the systems that are measured on those.
        device: where classifiers read.
    """

    teacher: Classifier
    reference: Answers
    topics: list[str]
    carried: Mapping[Role, PairedTexts]
    by_these: Sequence[str]
    device: torch.device

    def by_confidence(self, role: Role, answers: Mapping[str, Answers]) -> dict[str, float]:
        """Estimate by how confident answers are, see `estimate_accuracies`.

        Those to glosses are taken before they are adjusted to the topics' shares, of which the teacher's threshold
        knows nothing.
        """
        if given := answers.get("glossed"):
            before = given.logits - load_log_odds(role, self.teacher.topics).numpy()
            answers = {**answers, "glossed": replace(given, logits=before)}
        return estimate_accuracies(self.reference, self.topics, answers)

    def by_labels(self, role: Role, system: str, classifier: Classifier) -> dict[str, float]:
        """Measure a system of `by_these` on the texts in its language's words; nothing of others, and without texts.

        A confidence that a student has learnt from teachers who differ says little; a label says what is right, though
        such a text has the source's word order and a lexicon's choice of words.
        """
        if system not in self.by_these or not (carried := self.carried[role]).texts:
            return {}
        answers = answer(classifier, carried.texts, self.device, f"{system} reads carried labels")
        return {system: round(accuracy(self.topics, answers.topics), 6)}


def prepare_estimator(
    teacher: Classifier, known: pandas.DataFrame, params: Parameters, device: torch.device
) -> Estimator:
    """Have the teacher read the source's validation texts, and carry these over into the other languages' words.

    Args:
        teacher: the source's classifier.
        known: the source's labelled validation articles.
        params: all of them.
        device: where classifiers read.
    """
    reference = answer(teacher, texts_of(known), device, "source validation")
    carried = {role: carry_labels(known, Path("models/gloss") / role, 1, params.seed) for role in params.roles[1:]}
    by_these = ADJUSTED if params.source_shares else TAUGHT
    return Estimator(teacher, reference, known["topic"].tolist(), carried, by_these, device)
