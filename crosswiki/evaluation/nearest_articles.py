"""The labelled source articles that are nearest to a text of another language, and how their topics vote on it.

k nearest neighbours across languages: Cover and Hart 1967; votes weighted by a softmax over similarities: Wu et al.
2018 (section 3.4); the vote beside a model's probabilities: Khandelwal et al. 2020 (equation 3). Nothing is trained.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from crosswiki.bert.classification import read_texts
from crosswiki.bert.models import Classifier
from crosswiki.corpora.pairs import Text, in_one
from crosswiki.corpora.text import segment
from crosswiki.embeddings.search import Found, hubness, most_similar
from crosswiki.embeddings.vectors import WordVectors, unit
from crosswiki.evaluation.confidence import Answers
from crosswiki.evaluation.linear import average_vectors
from crosswiki.evaluation.topic_shares import LEAST
from crosswiki.pipeline.errors import UserError

HUBNESS_NEIGHBOURS = 10  # k of CSLS
REFERENCE = 2000  # texts of the language, at most, that say where its middle is and which articles are hubs


@dataclass(frozen=True)
class Voting:
    """What a vote depends on.

    Attributes:
        vectors_weight: of averaged word vectors beside hidden states, which both have unit length.
        neighbours: articles that vote.
        temperature: of the softmax over their similarity (CSLS).
        encoder_share: of the encoder's own probabilities in the answer; the vote has the rest.
    """

    vectors_weight: float
    neighbours: int
    temperature: float
    encoder_share: float


@dataclass(frozen=True)
class Reading:
    """Texts as an encoder and its language's aligned word vectors have them.

    Attributes:
        logits: [texts, topics].
        states: mean hidden states of the last layer, [texts, hidden].
        words: averaged word vectors, [texts, dim].
    """

    logits: Tensor
    states: Tensor
    words: Tensor


def read(
    classifier: Classifier, words: WordVectors, language: str, texts: Sequence[Text], device: torch.device, what: str
) -> Reading:
    """Have a classifier and word vectors read texts.

    Args:
        classifier: reads as many tokens of each text as it has learnt to read.
        words: of the texts' language, in the space of all.
        language: says how words are found.
        texts: any number.
        device: where the classifier reads.
        what: label of the progress bar.
    """
    logits, states = read_texts(classifier, texts, classifier.tokenizer.model_max_length, device, what)
    return Reading(logits, states, averages(words, language, texts))


def averages(words: WordVectors, language: str, texts: Sequence[Text]) -> Tensor:
    """Texts' averaged word vectors, [texts, dim]."""
    return torch.from_numpy(average_vectors([segment(in_one(text), language) for text in texts], words))


def places(actual: Iterable[str], topics: Sequence[str]) -> Tensor:
    """The topics' places, −1 for one that is not among them, int64, [texts]."""
    return torch.tensor([topics.index(topic) if topic in topics else -1 for topic in actual], dtype=torch.int64)


@dataclass(frozen=True)
class Middle:
    """Where a language's texts have their middle, in either space; each language has its own.

    Attributes:
        states: [hidden].
        words: [dim].
    """

    states: Tensor
    words: Tensor

    def join(self, reading: Reading, vectors_weight: float) -> Tensor:
        """States and weighted word vectors side by side, centred, of unit length, [texts, hidden + dim].

        The cosine of two rows is (cos of states + vectors_weight² · cos of words) / (1 + vectors_weight²).
        """
        states, words = unit(unit(reading.states) - self.states), unit(unit(reading.words) - self.words)
        return torch.cat([states, vectors_weight * words], dim=1) / (1 + vectors_weight**2) ** 0.5


def middle_of(reading: Reading) -> Middle:
    """The means of directions."""
    return Middle(unit(reading.states).mean(0), unit(reading.words).mean(0))


@dataclass(frozen=True)
class Neighbourhood:
    """Labelled source articles, in the joint space, as the texts of one other language see them.

    Attributes:
        articles: rows of unit length, [articles, hidden + dim].
        labels: the articles' topics as places in `topics`, [articles].
        hubness: the articles' mean similarity to the language's nearest texts, r of CSLS, [articles].
        middle: of the language's texts.
        topics: in the order of the encoder's logits.
        language: the texts'.
        voting: see `Voting`.
    """

    articles: Tensor
    labels: Tensor
    hubness: Tensor
    middle: Middle
    topics: list[str]
    language: str
    voting: Voting

    def nearest(self, reading: Reading) -> Found:
        """The articles nearest to each text under CSLS, the nearest first."""
        joined = self.middle.join(reading, self.voting.vectors_weight)
        return most_similar(joined, self.articles, self.voting.neighbours, self.hubness)

    def vote(self, reading: Reading) -> Tensor:
        """P(topic | text) ∝ Σ over the nearest articles of that topic of exp(CSLS / temperature), [texts, topics]."""
        return votes(self.nearest(reading), self.labels, len(self.topics), self.voting.temperature)

    def answer(self, reading: Reading) -> Tensor:
        """The vote and the encoder's probabilities, mixed by `encoder_share`, [texts, topics]."""
        share = self.voting.encoder_share
        return share * reading.logits.softmax(1) + (1 - share) * self.vote(reading)

    def answers(self, reading: Reading) -> Answers:
        """`answer` as other classifiers answer: with the logarithms of the probabilities for logits."""
        logits = self.answer(reading).clamp(min=LEAST).log().double().numpy()
        return Answers([self.topics[place] for place in logits.argmax(1)], logits, 1.0)


def weigh(found: Found, temperature: float) -> Tensor:
    """What the votes of each text's nearest articles count: softmax(similarity / temperature), [texts, nearest]."""
    return (found.similarity / temperature).softmax(1)


def votes(found: Found, labels: Tensor, topics: int, temperature: float) -> Tensor:
    """Sum the weights of each text's nearest articles by topic, [texts, topics]."""
    weights = weigh(found, temperature)
    return weights.new_zeros(len(weights), topics).scatter_add_(1, labels[found.rows], weights)


def gather(
    source: Reading, labels: Tensor, reference: Reading, topics: Sequence[str], language: str, voting: Voting
) -> Neighbourhood:
    """Put labelled source articles into the joint space.

    Args:
        source: the articles, as the source's teacher and word vectors have them.
        labels: places in `topics`, [articles].
        reference: texts of the other language, as its own encoder and aligned word vectors have them; no label.
        topics: in the order of the logits.
        language: of those texts.
        voting: see `Voting`.
    """
    middle = middle_of(reference)
    articles = middle_of(source).join(source, voting.vectors_weight)
    hubs = hubness(articles, middle.join(reference, voting.vectors_weight), HUBNESS_NEIGHBOURS)
    return Neighbourhood(articles, labels, hubs, middle, list(topics), language, voting)


def save_neighbourhood(neighbourhood: Neighbourhood, folder: Path) -> None:
    """Write neighbourhood.safetensors, and neighbourhood.json with the topics and the voting."""
    tensors = {
        "articles": neighbourhood.articles,
        "labels": neighbourhood.labels,
        "hubness": neighbourhood.hubness,
        "middle_states": neighbourhood.middle.states,
        "middle_words": neighbourhood.middle.words,
    }
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "neighbourhood.safetensors")
    rest = {"topics": neighbourhood.topics, "language": neighbourhood.language, "voting": asdict(neighbourhood.voting)}
    text = json.dumps(rest, ensure_ascii=False, indent=2) + "\n"
    (folder / "neighbourhood.json").write_text(text, encoding="utf-8")


def load_neighbourhood(folder: Path) -> Neighbourhood:
    """Read what `save_neighbourhood` wrote.

    Raises:
        UserError: there is no such folder.
    """
    if not (folder / "neighbourhood.json").is_file():
        raise UserError(f"{folder}: no neighbourhood there: run the stage that makes it first (dvc repro)")
    tensors = load_file(folder / "neighbourhood.safetensors")
    rest = json.loads((folder / "neighbourhood.json").read_text(encoding="utf-8"))
    return Neighbourhood(
        tensors["articles"],
        tensors["labels"],
        tensors["hubness"],
        Middle(tensors["middle_states"], tensors["middle_words"]),
        rest["topics"],
        rest["language"],
        Voting(**rest["voting"]),
    )
