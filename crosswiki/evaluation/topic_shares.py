"""How often a classifier answers each topic, and how often it would if the topics were as frequent as is known.

A classifier that is unsure of a language calls too many of its texts by one topic. Where the texts have each topic as
often as the source's labels do, its answers can be adjusted to that without a label of the language (Saerens, Latinne
and Decaestecker 2002, "Adjusting the Outputs of a Classifier to New a Priori Probabilities").
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas
import torch
from torch import Tensor

from crosswiki.bert.classification import predict_logits
from crosswiki.bert.models import Classifier, add_to_logits
from crosswiki.corpora.articles import load_articles, of_the_task, pick
from crosswiki.corpora.pairs import Text, each_side, texts_of
from crosswiki.corpora.splits import labelled
from crosswiki.embeddings.glossing import load_glosser
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import read_json
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import Parameters

LEAST = 1e-6  # a probability whose logarithm is taken
ROUNDS = 100  # of scaling; the shares agree to many digits after twenty
TEXTS = 2000  # that stand for a language, at most
GLOSSED = Path("models/shares")  # for each role a JSON file: by topic, what is added to the logits of its glosses


def shares_of(labels: Iterable[str], topics: Sequence[str]) -> Tensor:
    """How frequent each topic is among labels, all of which are known, [topics]."""
    counted = Counter(labels)
    counts = torch.tensor([counted[topic] for topic in topics], dtype=torch.float64)
    return counts / counts.sum()


def odds_of_shares(probabilities: Tensor, shares: Tensor) -> Tensor:
    """The factors w by which p'(topic | x) ∝ w(topic) · p(topic | x) has each topic's share for its mean, [topics].

    Saerens, Latinne and Decaestecker 2002, equation 2.4, by iterated scaling.

    Args:
        probabilities: of texts that stand for the language, [texts, topics].
        shares: of the topics, all above 0, of sum 1, [topics].
    """
    logarithms, wanted = probabilities.double().clamp(min=LEAST).log(), shares.double().log()
    factors = torch.zeros_like(wanted)
    for _ in range(ROUNDS):
        factors += wanted - (logarithms + factors).softmax(1).mean(0).log()
    return factors.exp()


def representative_texts(articles: pandas.DataFrame, seed: int) -> list[Text]:
    """Texts that stand for a language: the task's own of the train split, or all of it if none is the task's."""
    train = articles[articles["split"] == "train"].reset_index(drop=True)
    own = of_the_task(train).reset_index(drop=True)
    return texts_of(pick(train if own.empty else own, TEXTS, seed))


def log_odds(
    classifier: Classifier, texts: Sequence[Text], labels: Iterable[str], device: torch.device, what: str
) -> Tensor:
    """What is added to a classifier's logits so that its answers have the shares of labels, [topics].

    Args:
        classifier: that reads.
        texts: that stand for the language; where there are none, nothing is added.
        labels: of the source, each topic among them.
        device: where it reads.
        what: the progress bar's name.
    """
    if not texts:
        return torch.zeros(len(classifier.topics))
    said = predict_logits(classifier, texts, classifier.tokenizer.model_max_length, device, what).softmax(1)
    return odds_of_shares(said, shares_of(labels, classifier.topics)).log().float()


def load_log_odds(role: Role, topics: Sequence[str]) -> Tensor:
    """What is added to the teacher's logits where it reads a role's glosses, [topics]; zeros where nothing is assumed.

    Raises:
        UserError: the stage that says so has not run.
    """
    path = GLOSSED / f"{role}.json"
    if not path.is_file():
        raise UserError(f"{path}: not there: run the stage that makes it first (dvc repro transplant)")
    found = read_json(path)
    return torch.tensor([found.get(topic, 0.0) for topic in topics])


def adjust_to_shares(
    teacher: Classifier, transplanted: Classifier, role: Role, articles: pandas.DataFrame, params: Parameters
) -> dict[str, float]:
    """Have a transplanted model answer each topic as often as the source's labels have it.

    Args:
        teacher: the source's classifier.
        transplanted: its copy for a language; the bias of its output layer changes.
        role: of the language, which has a lexicon.
        articles: of the language.
        params: all of them.

    Returns:
        By topic, what does the same for the teacher where it reads glosses.
    """
    source = load_articles(Path("data/prepared/source/articles.parquet"))
    labels = labelled(source, "train", params.finetune_source.labels, params.seed)["topic"]
    texts, device = representative_texts(articles, params.seed), choose_device(params.device)
    add_to_logits(transplanted.model, log_odds(transplanted, texts, labels, device, f"{role} shares"))
    gloss = load_glosser(Path("models/gloss") / role, Path("models/skipgram/source"), params.gloss.context_weight)
    glossed = log_odds(teacher, each_side(texts, gloss), labels, device, f"{role} shares of glosses")
    return {topic: round(value, 6) for topic, value in zip(teacher.topics, glossed.tolist(), strict=True)}
