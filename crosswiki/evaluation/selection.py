"""Whether a step has made a classifier better: by target validation labels, or by confidence where there are none."""

from dataclasses import dataclass

import pandas
import torch

from crosswiki.bert.models import Classifier
from crosswiki.corpora.articles import pick
from crosswiki.corpora.pairs import texts_of
from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.confidence import answer, estimate_accuracies
from crosswiki.evaluation.scores import accuracy

TEXTS = 400  # that a step is judged on, at most: so many show a difference of a few points
LEAST_LABELS = 50  # with fewer validation labels, confidence says more


@dataclass(frozen=True)
class Choice:
    """The classifier that a step ends with.

    Attributes:
        classifier: the one after the step, or the one before it if the step has made it worse.
        metrics: validation_accuracy_before and _after, or estimated_accuracy_before and _after, and `kept`: 1 if the
            step counts.
    """

    classifier: Classifier
    metrics: dict[str, float]


def choose(
    before: Classifier,
    after: Classifier,
    target: pandas.DataFrame,
    source: pandas.DataFrame,
    teacher: Classifier,
    device: torch.device,
    seed: int,
    tolerance: float = 0.0,
) -> Choice:
    """Keep a step only if it has not cost accuracy: measured on the target's validation labels, else estimated.

    Args:
        before: the classifier before the step.
        after: the classifier after it.
        target: the target's articles, as `prepare` made them; the test split is not read.
        source: the source's, whose validation labels are what an estimate starts from.
        teacher: the source's classifier.
        device: where.
        seed: of the choice of texts.
        tolerance: the accuracy that a step may cost, as it may have another use.

    Returns:
        The step's result where nothing can be judged.
    """
    known = labelled(target, "validation", TEXTS, seed)
    measured = len(known) >= LEAST_LABELS
    texts = known if measured else pick(target[target["split"] == "validation"].reset_index(drop=True), TEXTS, seed)
    answers = {
        name: answer(classifier, texts_of(texts), device, name)
        for name, classifier in (("before", before), ("after", after))
    }
    if measured:
        measure, topics = "validation_accuracy", texts["topic"].tolist()
        scores = {name: accuracy(topics, given.topics) for name, given in answers.items()}
    else:
        measure, labels = "estimated_accuracy", labelled(source, "validation", TEXTS, seed)
        reference = answer(teacher, texts_of(labels), device, "source validation")
        scores = estimate_accuracies(reference, labels["topic"].tolist(), answers) if len(texts) else {}
    kept = not scores or scores["after"] >= scores["before"] - tolerance
    metrics = {f"{measure}_{name}": round(value, 6) for name, value in scores.items()}
    return Choice(after if kept else before, {**metrics, "kept": int(kept)})
