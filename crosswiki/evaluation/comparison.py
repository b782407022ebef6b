"""Which systems are compared on each role's test split, and the files that the comparison writes."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas

from crosswiki.corpora.articles import pick
from crosswiki.corpora.pairs import Text, each_side, in_one, texts_of
from crosswiki.corpora.splits import labelled
from crosswiki.embeddings.glossing import load_glosser
from crosswiki.evaluation.predictions import Predictions
from crosswiki.evaluation.scores import Scores, difference, score
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import replacing
from crosswiki.pipeline.parameter_values import ROLES, Role
from crosswiki.pipeline.parameters_of_measuring import Evaluate

# The systems that learn no transfer: their predictions come from the stage `baselines`.
BASELINES: dict[Role, tuple[str, ...]] = {
    "source": ("tfidf",),
    "target": ("tfidf", "word_vectors"),
    "test": ("tfidf", "word_vectors"),
}
# The classifiers, in the order of the method, and the folders that they are loaded from.
MODELS: dict[Role, dict[str, str]] = {
    "source": {"teacher": "models/source"},
    "target": {
        "copied": "models/source",
        "glossed": "models/source",
        "transplanted": "models/transplanted/target",
        "adapted": "models/adapted",
        "neighbours": "models/adapted",
        "scratch": "models/scratch",
        "distilled": "models/distilled",
        "finetuned": "models/target",
    },
    "test": {
        "copied": "models/source",
        "glossed": "models/source",
        "transplanted": "models/transplanted/test",
        "neighbours": "models/transplanted/test",
    },
}
# The system of several classifiers, one of each kind: what the teacher reads of a text's gloss, which labelled articles
# are near, and the language's own model before any label of the language.
POOLED = "pooled"
MEMBERS: dict[Role, tuple[str, ...]] = {
    "source": (),
    "target": ("glossed", "neighbours", "distilled"),
    "test": ("glossed", "neighbours", "transplanted"),
}
# The classifiers whose size is measured: those on the way from the teacher to the student.
SIZED: dict[Role, tuple[str, ...]] = {"source": ("teacher",), "target": ("transplanted", "finetuned"), "test": ()}
# What a peer is compared with: the last systems without labels, and with them.
RIVALS: dict[Role, tuple[str, ...]] = {
    "source": ("teacher",),
    "target": ("distilled", "finetuned"),
    "test": ("transplanted",),
}
GLOSSES = Path("metrics/glosses")  # tables of id and gloss, for those who want to see what the teacher has read
UNLABELLED = 2000  # texts that are read of a test split without labels


@dataclass(frozen=True)
class TestSplit:
    """The texts of a role that nothing learns from or chooses by.

    Attributes:
        texts: the labelled articles; where there are none, unlabelled ones, which are predicted all the same.
        unmeasured: why nothing can be scored; None where there are labels.
    """

    __test__ = False  # no test of pytest's

    texts: pandas.DataFrame
    unmeasured: str | None

    @property
    def topics(self) -> list[str]:
        """The right topics; empty strings where nobody knows them."""
        return self.texts["topic"].fillna("").tolist()


def split_for_testing(articles: pandas.DataFrame, seed: int) -> TestSplit:
    """The labelled articles of the test split; of a language without labels, at most `UNLABELLED` others."""
    texts = labelled(articles, "test")
    if not texts.empty:
        return TestSplit(texts, None)
    others = articles[articles["split"] == "test"].reset_index(drop=True)
    return TestSplit(pick(others, UNLABELLED, seed), "no text of the test split has a label")


def check_peers(names: Iterable[str]) -> None:
    """Check the names of peers.encoders.

    Raises:
        UserError: a system of the pipeline, or a column of the tables, has one of them.
    """
    taken = {system for table in (BASELINES, MODELS) for systems in table.values() for system in systems}
    if found := sorted({"id", "title", "text", "actual", *ROLES, POOLED, *taken} & set(names)):
        raise UserError(f"params.yaml: peers.encoders: found {found[0]!r}, which is taken: choose another name")


def texts_for(system: str, role: Role, test: TestSplit, context_weight: float) -> list[Text]:
    """What a system reads of a test split: the texts, or, if it is `glossed`, their glosses, which are written down.

    Args:
        system: which.
        role: the test split's, and the lexicon's.
        test: the test split.
        context_weight: see `Context` in glossing.py.
    """
    texts = texts_of(test.texts)
    if system == "glossed":
        glosser = load_glosser(Path("models/gloss") / role, Path("models/skipgram/source"), context_weight)
        texts = each_side(texts, glosser)
        with replacing(GLOSSES / f"{role}.csv") as partial:
            pandas.DataFrame({"id": test.texts["id"], "gloss": map(in_one, texts)}).to_csv(partial, index=False)
    return texts


def score_systems(
    role: Role, test: TestSplit, predictions: Predictions, peers: Iterable[str], settings: Evaluate, seed: int
) -> dict[str, Scores | None]:
    """Score each of a role's systems; None for those that made no predictions, and where there are no labels.

    Args:
        role: whose systems.
        test: its test split.
        predictions: on that split.
        peers: the systems that are compared with the role's `RIVALS`.
        settings: the section `evaluate` of params.yaml.
        seed: of the resampling.
    """
    answers = predictions.topics
    systems = dict.fromkeys((*BASELINES[role], *MODELS[role], *answers))
    if test.unmeasured is not None:
        return dict.fromkeys(systems)
    options = (test.texts["concept"].tolist(), settings.bootstrap_resamples, settings.confidence, seed)
    scores = {
        system: score(test.topics, answers[system], *options) if system in answers else None for system in systems
    }
    for system, given in predictions.among_named.items():
        among = score(test.topics, given, *options)
        scores[system] = Scores(**(scores[system] or {}), among_named_topics=among)  # type: ignore[typeddict-item]
    for peer in peers:
        ahead = {
            rival: difference(test.topics, answers[peer], answers[rival], *options)
            for rival in RIVALS[role]
            if rival in answers
        }
        scores[peer] = Scores(**(scores[peer] or {}), ahead_of=ahead)  # type: ignore[typeddict-item]
    return scores


def save_confusion(test: TestSplit, predicted: Sequence[str], path: Path) -> None:
    """Write actual and predicted topics as DVC's confusion template reads them: two columns, a row for each article.

    There is no row where nothing can be scored.
    """
    with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
        rows = zip(test.topics, predicted, strict=True) if test.unmeasured is None else ()
        csv.writer(file, lineterminator="\n").writerows([("actual", "predicted"), *rows])
