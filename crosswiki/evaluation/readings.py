"""What the systems answer to a test split, of which no model reads the same texts twice."""

import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from crosswiki.bert.classification import read_texts
from crosswiki.bert.models import Classifier
from crosswiki.corpora.pairs import Text
from crosswiki.embeddings.lookup import FOLDERS
from crosswiki.embeddings.vectors import load_vectors
from crosswiki.evaluation.confidence import Answers, answers_in
from crosswiki.evaluation.nearest_articles import Reading, averages, load_neighbourhood
from crosswiki.evaluation.topic_shares import load_log_odds
from crosswiki.pipeline.parameter_values import Role

# By the model's folder and the texts: logits, mean hidden states, and the seconds that the reading took.
Readings = dict[tuple[str, tuple[Text, ...]], tuple[Tensor, Tensor, float]]


def answers_of(
    system: str, role: Role, classifier: Classifier, texts: Sequence[Text], device: torch.device, readings: Readings
) -> tuple[Answers, float]:
    """What a system answers: its classifier alone, or, if it is `neighbours`, beside the vote of the nearest articles.

    Args:
        system: which.
        role: of the texts' language.
        classifier: the system's, as it was loaded.
        texts: any number.
        device: where the classifier reads.
        readings: what has been read, to which this is added; nothing is read twice.

    Returns:
        The answers, and the seconds that they take, the reading's among them.
    """
    started, key = time.perf_counter(), (classifier.model.name_or_path, tuple(texts))
    if key not in readings:
        limit = classifier.tokenizer.model_max_length
        logits, states = read_texts(classifier, texts, limit, device, f"{role} {system}")
        readings[key] = logits, states, time.perf_counter() - started
        started = time.perf_counter()
    logits, states, seconds = readings[key]
    if system == "neighbours":
        neighbourhood = load_neighbourhood(Path("models/neighbourhood") / role)
        words = averages(load_vectors(FOLDERS[role]), neighbourhood.language, texts)
        answers = neighbourhood.answers(Reading(logits, states, words))
    else:
        shift = load_log_odds(role, classifier.topics) if system == "glossed" else 0.0
        answers = answers_in(classifier, logits + shift)
    return answers, seconds + time.perf_counter() - started
