"""Several teachers of one student: what each of them says of a text, how they are mixed, and where they agree.

Distillation from several teachers: Hinton, Vinyals and Dean 2015 (section 2: an ensemble's mean); You et al. 2017.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas
import torch
from torch import Tensor

from crosswiki.bert.classification import predict_logits, read_texts
from crosswiki.bert.distillation import PairedTexts, merge
from crosswiki.bert.models import Classifier
from crosswiki.corpora.articles import of_the_task
from crosswiki.corpora.pairs import Text, each_side, texts_of
from crosswiki.corpora.splits import labelled
from crosswiki.embeddings.glossing import load_glosser
from crosswiki.embeddings.lookup import FOLDERS
from crosswiki.embeddings.vectors import load_vectors
from crosswiki.evaluation.confidence import LEAST_LABELS
from crosswiki.evaluation.nearest_articles import load_neighbourhood, places, read
from crosswiki.evaluation.topic_shares import LEAST, odds_of_shares, shares_of
from crosswiki.evaluation.voting import negative_log_likelihood
from crosswiki.pipeline.parameter_values import Teacher

STEPS = 10  # weights are chosen among multiples of a tenth

Probabilities = Mapping[str, Tensor]  # of each teacher, [texts, topics]


def mix(probabilities: Probabilities, weights: Mapping[str, float]) -> Tensor:
    """The weighted mean of the teachers' probabilities, [texts, topics]; the weights' sum is 1."""
    return torch.stack([weights[name] * given for name, given in probabilities.items()]).sum(0)


def agreement(probabilities: Probabilities, weights: Mapping[str, float]) -> Tensor:
    """How far teachers agree on each text: 1 − JSD / H(weights), from 0 to 1, [texts].

    JSD = H(Σ weight · p) − Σ weight · H(p) is the generalised Jensen-Shannon divergence, and the entropy of the weights
    is its upper bound (Lin 1991, equations 4.1 and 5.1). A teacher alone agrees with itself.
    """
    bound = _entropy(torch.tensor(list(weights.values()), dtype=torch.float64)[None])[0]
    mixed = mix(probabilities, weights).double()
    if bound <= 0:
        return torch.ones(len(mixed))
    apart = _entropy(mixed) - sum(weights[name] * _entropy(given.double()) for name, given in probabilities.items())
    return (1 - apart / bound).clamp(0, 1).float()


def _entropy(probabilities: Tensor) -> Tensor:
    return -torch.special.xlogy(probabilities, probabilities).sum(1)


def adjust(probabilities: Probabilities, factors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each teacher's probabilities times its factors, normalised."""
    scaled = {name: given.double().clamp(min=LEAST) * factors[name] for name, given in probabilities.items()}
    return {name: (given / given.sum(1, keepdim=True)).float() for name, given in scaled.items()}


def equal_weights(names: Sequence[str]) -> dict[str, float]:
    """The same weight for each teacher."""
    return {name: 1 / len(names) for name in names}


def choose_weights(probabilities: Probabilities, actual: Tensor) -> tuple[dict[str, float], float]:
    """Choose the weights, multiples of a tenth, whose mixture makes the right topics of validation texts likeliest.

    Args:
        probabilities: of validation texts.
        actual: their topics' places; negative ones are topics that the teachers do not know, [texts].

    Returns:
        The weights, and the share of the texts that are answered rightly.
    """
    names = list(probabilities)
    grid = [
        {name: part / STEPS for name, part in zip(names, parts, strict=True)}
        for parts in product(range(STEPS + 1), repeat=len(names))
        if sum(parts) == STEPS
    ]
    best = min(grid, key=lambda weights: negative_log_likelihood(mix(probabilities, weights), actual))
    return best, float((mix(probabilities, best).argmax(1) == actual).double().mean())


@dataclass(frozen=True)
class Panel:
    """The teachers of a student, and what they read with.

    Attributes:
        names: which teachers there are.
        teacher: the source's classifier, which reads linked source articles, and glosses.
        adapted: the target's.
        context_weight: of the glosses, see `Context` in glossing.py.
        device: where classifiers read.
    """

    names: Sequence[Teacher]
    teacher: Classifier
    adapted: Classifier
    context_weight: float
    device: torch.device

    def ask(self, texts: Sequence[Text], what: str) -> tuple[dict[str, Tensor], Tensor]:
        """The probabilities of each teacher, [texts, topics], and the adapted model's mean states, [texts, hidden]."""
        said: dict[Teacher, Tensor] = {}
        if "neighbours" in self.names:
            neighbourhood = load_neighbourhood(Path("models/neighbourhood/target"))
            words = load_vectors(FOLDERS["target"])
            reading = read(self.adapted, words, neighbourhood.language, texts, self.device, what)
            logits, states, said["neighbours"] = reading.logits, reading.states, neighbourhood.vote(reading)
        else:
            logits, states = read_texts(self.adapted, texts, self.adapted.tokenizer.model_max_length, self.device, what)
        said["adapted"] = logits.softmax(1)
        if "glossed" in self.names:
            said["glossed"] = self._read_glosses(texts).softmax(1)
        return {name: said[name] for name in self.names}, states

    def _read_glosses(self, texts: Sequence[Text]) -> Tensor:
        gloss = load_glosser(Path("models/gloss/target"), Path("models/skipgram/source"), self.context_weight)
        tokens = self.teacher.tokenizer.model_max_length
        return predict_logits(self.teacher, each_side(texts, gloss), tokens, self.device, "teacher reads glosses")


@dataclass(frozen=True)
class Lessons:
    """What a student is to reproduce.

    Attributes:
        logits: of the source's teacher where a text is linked, else the logarithms of the mixture, [texts, topics].
        states: mean hidden states of the same reader, [texts, hidden].
        trust: what each text counts, [texts].
        metrics: the teachers' weights, their validation accuracy if there is one, and their mean agreement.
    """

    logits: Tensor
    states: Tensor
    trust: Tensor
    metrics: dict[str, float]

    def columns(self, hidden: bool) -> dict[str, list[Any]]:
        """The columns that `batch_loss` reads, with hidden states if they are wanted."""
        columns = {"teacher_logits": self.logits.tolist(), "trust": self.trust.tolist()}
        return {**columns, "teacher_states": self.states.tolist()} if hidden else columns


def prepare_lessons(panel: Panel, paired: PairedTexts, target: pandas.DataFrame, labels: Iterable[str] = ()) -> Lessons:
    """Have the teachers read: the source's teacher the linked source articles, the mixture all other texts.

    Validation labels of the target choose the mixture. Where there are too few, all weights are equal, and a text
    counts for what the teachers agree on it.

    Args:
        panel: the teachers.
        paired: the texts.
        target: the target's articles, of whose labels only the validation split's are read.
        labels: of the source; each teacher's answers to the task's texts of the train split, or to all if none is the
            task's, are adjusted to have each topic as often as these have. Without any they stay as they are.
    """
    known = labelled(target, "validation")
    weights, metrics, measured = equal_weights(panel.names), {}, len(known) >= LEAST_LABELS
    sources = [text for text in paired.source_texts if text is not None]
    others = [text for text, linked in zip(paired.texts, paired.linked, strict=True) if not linked]
    tokens = panel.teacher.tokenizer.model_max_length
    logits, states = read_texts(panel.teacher, sources, tokens, panel.device, "teacher reads source")
    said, other_states = panel.ask(others, "teachers read target")
    factors: dict[str, Tensor] = {}
    if (like := list(labels)) and others:
        task = set(texts_of(of_the_task(target[target["split"] == "train"])))
        chosen = [place for place, text in enumerate(others) if text in task] or range(len(others))
        shares = shares_of(like, panel.teacher.topics)
        factors = {name: odds_of_shares(given[chosen], shares) for name, given in said.items()}
        said = adjust(said, factors)
    if measured and len(panel.names) > 1:
        answers, _ = panel.ask(texts_of(known), "teachers read validation")
        answers = adjust(answers, factors) if factors else answers
        weights, right = choose_weights(answers, places(known["topic"], panel.teacher.topics))
        metrics["teachers_validation_accuracy"] = round(right, 6)
    agreed = agreement(said, weights)
    metrics |= {f"weight_{name}": round(weight, 6) for name, weight in weights.items()}
    metrics["agreement"] = round(float(agreed.mean()), 6) if len(agreed) else 1.0
    trust = agreed if not measured else torch.ones(len(others))
    mixed = mix(said, weights).clamp(min=LEAST).log()
    return Lessons(
        merge(paired.linked, logits, mixed),
        merge(paired.linked, states, other_states),
        merge(paired.linked, torch.ones(len(sources), 1), trust[:, None])[:, 0],
        metrics,
    )
