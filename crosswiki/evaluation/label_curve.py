"""What a label is worth: the accuracy of the supervised baseline against the number of labels that it learns from."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas

from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.linear import FOLDS, PENALTY, tfidf
from crosswiki.evaluation.scores import score
from crosswiki.pipeline.parameters import Evaluate
from crosswiki.pipeline.progress import progress

HALVINGS = 6


def label_counts(available: int) -> list[int]:
    """Numbers of labels from a few to all that there are, each about twice the one before."""
    counts = {available >> halvings for halvings in range(HALVINGS + 1)}
    return sorted(count for count in counts if count >= FOLDS)


def label_curve(
    articles: pandas.DataFrame,
    penalties: Sequence[float],
    params: Evaluate,
    seed: int,
    words: Callable[[str], list[str]],
) -> pandas.DataFrame:
    """Train TF-IDF on more and more labels, and score it on the test split.

    Args:
        articles: the target's; fewer labels are always a part of more.
        penalties: to choose from.
        params: how intervals are drawn.
        seed: which labels are taken, and of the resampling.
        words: from a text to its words.

    Returns:
        A row for each number: labels, accuracy, accuracy_low and accuracy_high.
    """

    def learn(count: int, penalties: Sequence[float]) -> Any:
        known = labelled(articles, "train", count, seed)
        return tfidf(known["text"].tolist(), known["topic"].tolist(), penalties, words)

    test, counts = labelled(articles, "test"), label_counts(len(labelled(articles, "train")))
    rows: list[Sequence[float]] = []
    if counts:  # the penalty is chosen once, half-way up: choosing fits 25 times
        tuned = learn(counts[len(counts) // 2], penalties)
        chosen = tuned.get_params()[PENALTY]
    for count in progress(counts, "TF-IDF on more labels"):
        predicted = learn(count, [chosen]).predict(test["text"].tolist()).tolist()
        concepts = test["concept"].tolist()
        found = score(test["topic"].tolist(), predicted, concepts, params.bootstrap_resamples, params.confidence, seed)
        rows.append((count, found["accuracy"], found["accuracy_low"], found["accuracy_high"]))
    return pandas.DataFrame(rows, columns=["labels", "accuracy", "accuracy_low", "accuracy_high"])
