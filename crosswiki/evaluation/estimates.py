"""How good classifiers are in a language, as far as it can be told without a label of that language."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas
import torch

from crosswiki.bert.distillation import PairedTexts, carry_labels
from crosswiki.bert.models import Classifier
from crosswiki.corpora.pairs import texts_of
from crosswiki.evaluation.confidence import Answers, answer, estimate_accuracies
from crosswiki.evaluation.scores import accuracy

# Systems that have learnt from texts of the target, so that their confidence has another scale than the teacher's.
TAUGHT = ("adapted", "distilled", "finetuned")


@dataclass(frozen=True)
class Estimator:
    """Estimates accuracies from the source's validation labels, which no model has learnt from.

    Attributes:
        reference: the teacher's answers to their texts.
        topics: their labels.
        carried: their texts in the target's words; none without a lexicon's words.
        device: where classifiers read.
    """

    reference: Answers
    topics: list[str]
    carried: PairedTexts
    device: torch.device

    def by_confidence(self, answers: Mapping[str, Answers]) -> dict[str, float]:
        """Estimate by how confident the answers are, see `estimate_accuracies`."""
        return estimate_accuracies(self.reference, self.topics, answers)

    def by_labels(self, system: str, classifier: Classifier) -> dict[str, float]:
        """Measure a system of `TAUGHT` on the texts in the target's words; nothing of others, and without texts.

        A confidence that a student has learnt from teachers who differ says little; a label says what is right, though
        such a text has the source's word order and a lexicon's choice of words.
        """
        if system not in TAUGHT or not self.carried.texts:
            return {}
        answers = answer(classifier, self.carried.texts, self.device, f"{system} reads carried labels")
        return {system: round(accuracy(self.topics, answers.topics), 6)}


def prepare_estimator(
    teacher: Classifier, known: pandas.DataFrame, lexicon: Path, seed: int, device: torch.device
) -> Estimator:
    """Have the teacher read the source's validation texts, and carry these over into the target's words.

    Args:
        teacher: the source's classifier.
        known: the source's labelled validation articles.
        lexicon: the folder of the target's.
        seed: of the words that are drawn.
        device: where classifiers read.
    """
    reference = answer(teacher, texts_of(known), device, "source validation")
    return Estimator(reference, known["topic"].tolist(), carry_labels(known, lexicon, 1, seed), device)
