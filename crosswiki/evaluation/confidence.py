"""What classifiers answer to a test split, and how far their confidence can be trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
import pandas
import torch
from numpy.typing import NDArray
from torch import Tensor

from crosswiki.bert.classification import predict_logits
from crosswiki.bert.models import Classifier
from crosswiki.corpora.pairs import Text, texts_of
from crosswiki.evaluation.calibration import (
    WANTED_ACCURACY,
    average_thresholded_confidence,
    calibrate,
    confidences,
    coverage_at,
    expected_calibration_error,
)
from crosswiki.evaluation.scores import validation_scores
from crosswiki.pipeline.outputs import replacing

OTHER_SCALE = (
    "scratch",
    "neighbours",
    "pooled",
)  # systems whose probabilities do not come from the teacher's output layer
LEAST_LABELS = 50  # with fewer validation labels, nothing is fitted or chosen by them


@dataclass(frozen=True)
class Answers:
    """A classifier's answers to some texts.

    Attributes:
        topics: the likeliest one of each text.
        logits: [texts, topics].
        temperature: of the classifier's calibration.
    """

    topics: list[str]
    logits: NDArray[numpy.float64]
    temperature: float

    def confidence(self, temperature: float | None = None) -> NDArray[numpy.float64]:
        """The probability of each answer, at the classifier's own temperature or at another one, [texts]."""
        return confidences(self.logits, self.temperature if temperature is None else temperature)

    def right(self, actual: Sequence[str]) -> NDArray[numpy.bool_]:
        """Whether each answer is the actual topic, [texts]."""
        return numpy.array([answer == topic for answer, topic in zip(self.topics, actual, strict=True)], dtype=bool)


def answer(classifier: Classifier, texts: Sequence[Text], device: torch.device, what: str) -> Answers:
    """Have a classifier read texts, of which it reads as many tokens as it has learnt to read."""
    tokens = classifier.tokenizer.model_max_length
    return answers_in(classifier, predict_logits(classifier, texts, tokens, device, what))


def answers_in(classifier: Classifier, logits: Tensor) -> Answers:
    """What a classifier's logits, [texts, topics], say."""
    numbers = logits.double().numpy()
    return Answers([classifier.topics[place] for place in numbers.argmax(1)], numbers, classifier.temperature)


def calibrate_on(classifier: Classifier, texts: pandas.DataFrame, device: torch.device) -> dict[str, float]:
    """Fit a classifier's temperature on labelled validation texts, and score it there.

    With too few of them it keeps the temperature that it has: where ten of ten answers are right, the likeliest one is
    the least that is tried, and every answer is certain.

    Returns:
        validation_accuracy, _macro_f1, _n, and the calibration errors before and after if there was a fit; nothing
        where there is no text.
    """
    if texts.empty:
        return {}
    actual = texts["topic"].tolist()
    answers = answer(classifier, texts_of(texts), device, "validation")
    if len(actual) < LEAST_LABELS:
        return validation_scores(actual, answers.topics)
    calibration = calibrate(answers.logits, actual, classifier.topics)
    classifier.calibrate(calibration.temperature)
    errors = {f"validation_{name}": round(value, 6) for name, value in calibration.metrics.items()}
    return {**errors, **validation_scores(actual, answers.topics)}


def judge_confidence(actual: Sequence[str], answers: Answers) -> dict[str, float]:
    """How far a classifier's probabilities can be trusted: its calibration errors and its coverage, see `Scores`."""
    right, scaled = answers.right(actual), answers.confidence()
    judged = {
        "calibration_error": expected_calibration_error(scaled, right),
        "calibration_error_unscaled": expected_calibration_error(answers.confidence(1.0), right),
        "coverage_at_95": coverage_at(scaled, right, WANTED_ACCURACY),
    }
    return {name: round(value, 6) for name, value in judged.items()}


def estimate_accuracies(reference: Answers, actual: Sequence[str], answers: Mapping[str, Answers]) -> dict[str, float]:
    """Estimate accuracies without a label of the language, by average thresholded confidence (Garg et al. 2022).

    All confidences are taken at the teacher's temperature, as the classifiers have its output layer; those of
    `OTHER_SCALE` have not, and the teacher's threshold says nothing of them.

    Args:
        reference: the teacher's answers to labelled texts of the source that it has not learnt from.
        actual: their topics; where there are none, nothing can be estimated.
        answers: by system, to texts of any language.
    """
    if not actual:
        return {}
    confidence, right, temperature = reference.confidence(), reference.right(actual), reference.temperature
    return {
        system: round(average_thresholded_confidence(confidence, right, given.confidence(temperature)), 6)
        for system, given in answers.items()
        if system not in OTHER_SCALE
    }


def save_confidences(ids: Sequence[str], answers: Mapping[str, Answers], path: Path) -> None:
    """Write a table with a row for each article: id, and the probability of each classifier's answer."""
    columns = {system: given.confidence().round(4).tolist() for system, given in answers.items()}
    with replacing(path) as partial:
        pandas.DataFrame({"id": list(ids), **columns}).to_csv(partial, index=False)
