"""The label curve: accuracy of the supervised baseline against the number of labels that it learns from."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas

from crosswiki.corpora.pairs import texts_of
from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.linear import PENALTY, can_be_learnt, tfidf
from crosswiki.evaluation.scores import score
from crosswiki.pipeline.parameter_values import FOLDS, ClassWeights
from crosswiki.pipeline.parameters_of_measuring import Evaluate
from crosswiki.pipeline.progress import progress

HALVINGS = 6


def label_counts(available: int) -> list[int]:
    """Numbers of labels from a few to all available ones, each about twice the one before."""
    counts = {available >> halvings for halvings in range(HALVINGS + 1)}
    return sorted(count for count in counts if count >= FOLDS)


def label_curve(
    articles: pandas.DataFrame,
    penalties: Sequence[float],
    params: Evaluate,
    seed: int,
    words: Callable[[str], list[str]],
    class_weights: ClassWeights = "none",
) -> pandas.DataFrame:
    """Train TF-IDF on increasing numbers of labels, and score it on the test split.

    Args:
        articles: the target's articles.
        penalties: values of C to choose from.
        params: the section `evaluate` of params.yaml.
        seed: of the choice of labels (a smaller set is always part of a larger one), and of the resampling.
        words: from a text to its words.
        class_weights: of the topics in the loss.

    Returns:
        A row for each number of labels: labels, accuracy, accuracy_low and accuracy_high.
    """

    def train(count: int, penalties: Sequence[float]) -> Any:
        table = labelled(articles, "train", count, seed)
        return tfidf(texts_of(table), table["topic"].tolist(), penalties, words, class_weights)

    test, train_topics = labelled(articles, "test"), labelled(articles, "train")["topic"]
    counts = [
        count
        for count in (label_counts(len(train_topics)) if len(test) else [])
        if can_be_learnt(labelled(articles, "train", count, seed)["topic"].tolist())
    ]
    rows: list[Sequence[float]] = []
    if counts:  # the penalty is chosen once, at the middle count, as cross-validation fits 25 models
        tuned = train(counts[len(counts) // 2], penalties)
        chosen = tuned.get_params()[PENALTY]
    for count in progress(counts, "TF-IDF on more labels"):
        predicted = train(count, [chosen]).predict(texts_of(test)).tolist()
        concepts = test["concept"].tolist()
        scores = score(test["topic"].tolist(), predicted, concepts, params.bootstrap_resamples, params.confidence, seed)
        rows.append((count, scores["accuracy"], scores["accuracy_low"], scores["accuracy_high"]))
    return pandas.DataFrame(rows, columns=["labels", "accuracy", "accuracy_low", "accuracy_high"])
