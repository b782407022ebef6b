"""Which texts to label next: some at random, the others where classifiers that never saw a label of them disagree."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy
import pandas
from numpy.typing import NDArray
from scipy.special import entr, softmax

from crosswiki.bert.models import load_classifier
from crosswiki.corpora.articles import load_articles, of_the_task, unit_hash
from crosswiki.corpora.pairs import texts_of
from crosswiki.corpora.splits import labelled
from crosswiki.corpora.text import segment
from crosswiki.embeddings.lookup import load_aligned
from crosswiki.evaluation.comparison import MODELS
from crosswiki.evaluation.confidence import answer
from crosswiki.evaluation.linear import linear_classifier, text_vectors
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.parameters import Parameters

COMMITTEE = ("transplanted", "distilled")  # beside the word vectors
SHORTLIST = 4  # of the texts with the most disagreement, this many times as many as are wanted are spread over

Floats = NDArray[numpy.floating]


@dataclass(frozen=True)
class Suggestions:
    """Rows of a table of candidates.

    Attributes:
        random: drawn evenly, in the order of the draw.
        disputed: those on which classifiers disagree, in the order of choice.
    """

    random: list[int]
    disputed: list[int]


@dataclass(frozen=True)
class Opinions:
    """What systems say of texts.

    Attributes:
        distributions: calibrated, [systems, texts, topics]: the committee's, and the word vectors' as the last.
        vectors: the texts' averaged aligned word vectors, [texts, dim].
        topics: in the order of the distributions.
    """

    distributions: Floats
    vectors: Floats
    topics: list[str]


def opinions(table: pandas.DataFrame, params: Parameters) -> Opinions:
    """Have the systems of a finished run read texts of the target. None of them has learnt from a label of theirs.

    Args:
        table: the texts, as `prepare` made them.
        params: of the run.

    Raises:
        UserError: a stage that makes one of the systems has not run.
    """
    classifiers = {name: load_classifier(Path(MODELS["target"][name])) for name in COMMITTEE}
    words = load_aligned(("source", "target"))
    source = load_articles(Path("data/prepared/source/articles.parquet"))
    known = labelled(source, "train", params.finetune_source.labels, params.seed)
    features, vectors = (
        text_vectors(one, partial(segment, language=str(one["language"].iloc[0])), its_words)
        for one, its_words in ((known, words["source"]), (table, words["target"]))
    )
    device, topics = choose_device(params.device), classifiers[COMMITTEE[0]].topics
    distributions = []
    for name, classifier in classifiers.items():
        given = answer(classifier, texts_of(table), device, name)
        probabilities = softmax(given.logits / given.temperature, axis=1)
        distributions.append(in_order(probabilities, classifier.topics, topics))
    settings = (params.baselines.c_values, params.class_weights)
    linear = linear_classifier(features, known["topic"].tolist(), *settings)
    distributions.append(in_order(linear.predict_proba(vectors), linear.classes_.tolist(), topics))
    return Opinions(numpy.stack(distributions), vectors, topics)


def candidates(articles: pandas.DataFrame, labels: int, seed: int) -> pandas.DataFrame:
    """The target's texts that may be labelled next: of the train split, each concept once, without a label.

    Where there are texts of the task, nothing else is asked for. Where all texts have labels, those are left that
    fine-tuning does not read.

    Args:
        articles: the target's, as `prepare` made them.
        labels: how many labels fine-tuning reads, at most.
        seed: of its choice.
    """
    train = articles[articles["split"] == "train"]
    known = set(train.loc[train["topic"].notna(), "concept"])
    found = train[train["topic"].isna() & ~train["concept"].isin(known)]
    if train["topic"].notna().all():
        read = set(labelled(articles, "train", labels, seed)["concept"])
        found = train[~train["concept"].isin(read)]
    found = task if len(task := of_the_task(found)) else found
    return found.drop_duplicates("concept").reset_index(drop=True)


def disagreement(distributions: Floats) -> Floats:
    """How far classifiers disagree about each text: the generalised Jensen-Shannon divergence (Lin 1991, equation 5.1).

    It is the entropy of the mean distribution less the mean entropy, in nats: 0 where all say the same, at most
    log(classifiers). As a measure of disagreement in a committee: McCallum and Nigam 1998.

    Args:
        distributions: [classifiers, texts, topics].

    Returns:
        [texts].
    """
    divergence: Floats = entr(distributions.mean(0)).sum(-1) - entr(distributions).sum(-1).mean(0)
    return numpy.maximum(divergence, 0.0)


def spread(vectors: Floats, count: int, centres: Floats | None = None) -> list[int]:
    """Choose points that are far apart: greedy k-centre (Gonzalez 1985), as core-sets are (Sener and Savarese 2018).

    Each choice is the point farthest from all centres before it; of equally far ones the first.

    Args:
        vectors: points, [points, dim], the preferred first.
        count: at most so many are chosen.
        centres: points that are there already, [centres, dim]; without one, the first point is the first choice.

    Returns:
        Rows of `vectors`, in the order of choice.
    """
    nearest = numpy.full(len(vectors), numpy.inf)
    for centre in centres if centres is not None else ():
        nearest = numpy.minimum(nearest, numpy.linalg.norm(vectors - centre, axis=1))
    chosen: list[int] = []
    for _ in range(min(count, len(vectors))):
        chosen.append(int(nearest.argmax()))
        nearest = numpy.minimum(nearest, numpy.linalg.norm(vectors - vectors[chosen[-1]], axis=1))
        nearest[chosen] = -1.0  # below any distance, so that repetitions come last and nothing comes twice
    return chosen


def draw(table: pandas.DataFrame, count: int, seed: int) -> list[int]:
    """Rows drawn evenly, by a seeded hash of what each is called, so that fewer are always a part of more."""
    names = (table["concept"] + "\0" + table["id"]).tolist()
    ranks = numpy.array([unit_hash(f"{seed}:suggest:{name}") for name in names])
    rows: list[int] = numpy.argsort(ranks, kind="stable")[:count].tolist()
    return rows


def suggest(table: pandas.DataFrame, distributions: Floats, vectors: Floats, count: int, seed: int) -> Suggestions:
    """Choose texts to label: half at random, half with much disagreement, spread over the space.

    Args:
        table: the candidates, with concept and id.
        distributions: what each classifier says of them, [classifiers, candidates, topics].
        vectors: where they are, [candidates, dim].
        count: how many; of an odd number one more is drawn at random. If there are fewer candidates, all are taken.
        seed: of the draw.
    """
    count = min(count, len(table))
    random = draw(table, count - count // 2, seed)
    rest = numpy.setdiff1d(numpy.arange(len(table)), random)
    order = rest[numpy.argsort(-disagreement(distributions)[rest], kind="stable")][: SHORTLIST * (count // 2)]
    far = spread(vectors[order], count // 2, vectors[random])
    return Suggestions(random, [int(order[place]) for place in far])


def in_order(probabilities: Floats, classes: Sequence[str], topics: Sequence[str]) -> Floats:
    """Probabilities in another order of topics, [texts, topics]; a topic that is none of the classes has 0."""
    found = numpy.zeros((len(probabilities), len(topics)))
    for place, name in enumerate(classes):
        if name in topics:
            found[:, topics.index(name)] = probabilities[:, place]
    return found
