"""Knowledge distillation (Hinton, Vinyals and Dean 2015), within a language and across languages."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax, mse_loss, softmax
from transformers import PreTrainedModel

from crosswiki.bert.classification import mean_hidden
from crosswiki.bert.loss_trainer import Loss
from crosswiki.bert.shares import of_the_batch
from crosswiki.corpora.pairs import PAIR, Text, each_side, first_of_concepts, texts_of
from crosswiki.embeddings.lexicon import load_counts, load_lexicon
from crosswiki.embeddings.round_trip import carried_over

UNKNOWN = -100  # the label of a text without a known topic


def distillation_loss(
    student: Tensor,
    teacher: Tensor,
    labels: Tensor,
    temperature: float,
    soft: float,
    weights: Tensor | None = None,
    trust: Tensor | None = None,
) -> Tensor:
    """Mix soft · T² · KL(teacher/T ‖ student/T) + (1 − soft) · cross-entropy where there is a label.

    Args:
        student: logits, [texts, topics].
        teacher: logits, [texts, topics].
        labels: topics' numbers, `UNKNOWN` where there is none, [texts].
        temperature: T; the factor T² keeps the gradients' size (section 2 of the paper).
        soft: weight of the first term.
        weights: of the topics in the second term, [topics]; None: all equal.
        trust: what each text counts in the first term, [texts]; None: each 1.

    Returns:
        A scalar: either term is a mean over the batch's texts; a text without a label adds nothing to the second.
    """
    divergences = kl_div(
        log_softmax(student / temperature, dim=-1), softmax(teacher / temperature, dim=-1), reduction="none"
    ).sum(-1)
    divergence = (divergences if trust is None else trust * divergences).sum() / len(labels)
    hard = cross_entropy(student, labels, weights, ignore_index=UNKNOWN, reduction="sum") / len(labels)
    return soft * temperature**2 * divergence + (1 - soft) * hard


def batch_loss(temperature: float, soft: float, hidden: float, weights: Tensor | None = None) -> Loss:
    """`distillation_loss` for `train`: batches have the columns teacher_logits and labels, and may have trust.

    If they have the column teacher_states too, the loss adds `hidden` times the mean squared error between the
    student's and the teacher's mean hidden states of the last layer.
    """

    def loss(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
        teacher, labels, states = batch.pop("teacher_logits"), batch.pop("labels"), batch.pop("teacher_states", None)
        trust = batch.pop("trust", None)
        outputs = model(**batch, output_hidden_states=states is not None)
        topic_weights = None if weights is None else weights.to(labels.device)
        logits = outputs.logits.float()
        logits_loss = distillation_loss(logits, teacher, labels, temperature, soft, topic_weights, trust)
        if states is None:
            return of_the_batch(logits_loss)
        hidden_loss = mse_loss(mean_hidden(outputs.hidden_states[-1].float(), batch["attention_mask"]), states)
        return of_the_batch(logits_loss + hidden * hidden_loss)

    return loss


@dataclass(frozen=True)
class PairedTexts:
    """The target's texts, and the source's articles on the same concepts; None where there is no such article."""

    texts: list[Text]  # the student reads these
    source_texts: list[Text | None]
    topics: list[str | None]  # of the source's articles; None where they have no label

    @property
    def linked(self) -> list[bool]:
        """Whether each text has a source text."""
        return [text is not None for text in self.source_texts]

    def __add__(self, others: "PairedTexts") -> "PairedTexts":
        """These texts, and then others."""
        return PairedTexts(
            self.texts + others.texts, self.source_texts + others.source_texts, self.topics + others.topics
        )


def carry_labels(source: pandas.DataFrame, lexicon: Path | None, copies: int, seed: int) -> PairedTexts:
    """Labelled source articles in the target's words, each beside itself, see `carried_over`.

    Args:
        source: labelled articles of the train split.
        lexicon: the folder of the target's; None: there is none, and nothing is carried.
        copies: of each article; each draws its words anew.
        seed: of what is drawn.
    """
    texts, topics, carried = texts_of(source), source["topic"].tolist(), list[Text]()
    if lexicon and copies:
        read, counts = load_lexicon(lexicon), load_counts(lexicon / "words.tsv")
        for copy in range(copies):
            carried += each_side(texts, partial(carried_over, lexicon=read, other_counts=counts, seed=seed + copy))
    rounds = len(carried) // max(len(texts), 1)
    return PairedTexts(carried, [*texts] * rounds, topics * rounds)


def pair_articles(target: pandas.DataFrame, source: pandas.DataFrame) -> PairedTexts:
    """Find for each of the target's articles the source's article on the same concept.

    Args:
        target: articles to read, none of the test or validation split.
        source: the source's articles; only those of the train split are used.
    """
    train = first_of_concepts(source[source["split"] == "train"]).set_index("concept")
    train = train[["topic"]].assign(text=pandas.Series(texts_of(train), train.index, dtype=object))
    linked = target[["concept"]].join(train, on="concept")
    linked = linked.astype(object).where(linked.notna(), None)
    if PAIR in target:  # pairs of one concept, none of which stands for it
        alone = target["concept"].isin(first_of_concepts(target)["concept"])
        linked = linked.where(alone, None)
    return PairedTexts(texts_of(target), linked["text"].tolist(), linked["topic"].tolist())


def merge(linked: list[bool], source: Tensor, other: Tensor) -> Tensor:
    """Put the rows of linked texts and of the others into the texts' order.

    Args:
        linked: whether each text is linked, [texts].
        source: [linked texts, columns].
        other: [other texts, columns].

    Returns:
        [texts, columns].
    """
    chosen = torch.tensor(linked, dtype=torch.bool)
    merged = source.new_empty(len(linked), source.shape[1])
    merged[chosen], merged[~chosen] = source, other
    return merged
