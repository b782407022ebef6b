"""Whether a step has made a classifier better: by target validation labels; where there are none, by other signs."""

from dataclasses import dataclass
from pathlib import Path

import pandas
import torch

from crosswiki.bert.distillation import carry_labels
from crosswiki.bert.models import Classifier
from crosswiki.corpora.articles import pick
from crosswiki.corpora.pairs import texts_of
from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.confidence import LEAST_LABELS, answer, estimate_accuracies
from crosswiki.evaluation.scores import accuracy

TEXTS = 400  # that a step is judged on, at most: so many show a difference of a few points
COPIES = 4  # of each source text in the target's words


@dataclass(frozen=True)
class Choice:
    """The classifier that a step ends with.

    Attributes:
        classifier: the one after the step, or the one before it if the step has made it worse.
        metrics: validation_accuracy_before and _after, or carried_accuracy or estimated_accuracy in its place, and
            `kept`: 1 if the step counts.
    """

    classifier: Classifier
    metrics: dict[str, float]


@dataclass(frozen=True)
class Judge:
    """What steps are judged by.

    With a lexicon and without labels of the target it is the source's validation labels: their texts in the target's
    words. An estimate compares confidences, and a student of several teachers, who differ, has another confidence than
    they.

    Attributes:
        target: the target's articles, as `prepare` made them; the test split is not read.
        source: the source's, whose validation labels are what an estimate starts from.
        teacher: the source's classifier.
        device: where classifiers read.
        seed: of the choice of texts.
        lexicon: the folder of the target's, of a dictionary; None: there is none that is relied on.
    """

    target: pandas.DataFrame
    source: pandas.DataFrame
    teacher: Classifier
    device: torch.device
    seed: int
    lexicon: Path | None = None

    def choose(self, before: Classifier, after: Classifier, tolerance: float = 0.0) -> Choice:
        """Keep a step only if it has not cost accuracy: measured on the target's validation labels, else estimated.

        Args:
            before: the classifier before the step.
            after: the classifier after it.
            tolerance: the accuracy that a step may cost, as it may have another use.

        Returns:
            The step's result where nothing can be judged.
        """
        known = labelled(self.target, "validation", TEXTS, self.seed)
        measured = len(known) >= LEAST_LABELS
        labels = labelled(self.source, "validation", TEXTS, self.seed)
        carried = carry_labels(labels, self.lexicon, COPIES, self.seed) if self.lexicon and not measured else None
        if measured:
            measure, texts, topics = "validation_accuracy", texts_of(known), known["topic"].tolist()
        elif carried and carried.texts:
            measure, texts, topics = "carried_accuracy", carried.texts, labels["topic"].tolist() * COPIES
        else:
            unread = self.target[self.target["split"] == "validation"].reset_index(drop=True)
            measure, texts, topics = "estimated_accuracy", texts_of(pick(unread, TEXTS, self.seed)), []
        answers = {
            name: answer(classifier, texts, self.device, name)
            for name, classifier in (("before", before), ("after", after))
        }
        if topics:
            scores = {name: accuracy(topics, given.topics) for name, given in answers.items()}
        else:
            reference = answer(self.teacher, texts_of(labels), self.device, "source validation")
            scores = estimate_accuracies(reference, labels["topic"].tolist(), answers) if len(texts) else {}
        kept = not scores or scores["after"] >= scores["before"] - tolerance
        metrics = {f"{measure}_{name}": round(value, 6) for name, value in scores.items()}
        return Choice(after if kept else before, {**metrics, "kept": int(kept)})
