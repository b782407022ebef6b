"""Knowledge distillation (Hinton, Vinyals and Dean 2015), within a language and across languages."""

from dataclasses import dataclass

import pandas
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax, mse_loss, softmax
from transformers import PreTrainedModel

from crosswiki.bert.classification import mean_hidden, read_texts
from crosswiki.bert.models import Classifier
from crosswiki.bert.shares import of_the_batch
from crosswiki.bert.training import Loss
from crosswiki.corpora.pairs import PAIR, Text, first_of_concepts, texts_of

UNKNOWN = -100  # the label of a text without a known topic


def distillation_loss(
    student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, soft: float, weights: Tensor | None = None
) -> Tensor:
    """Mix soft · T² · KL(teacher/T ‖ student/T) + (1 − soft) · cross-entropy where there is a label.

    Args:
        student: logits, [texts, topics].
        teacher: logits, [texts, topics].
        labels: topics' numbers, `UNKNOWN` where there is none, [texts].
        temperature: T; the factor T² keeps the gradients' size (section 2 of the paper).
        soft: weight of the first term.
        weights: of the topics in the second term, [topics]; None: all equal.

    Returns:
        A scalar: either term is a mean over the batch's texts; a text without a label adds nothing to the second.
    """
    divergence = kl_div(
        log_softmax(student / temperature, dim=-1), softmax(teacher / temperature, dim=-1), reduction="batchmean"
    )
    hard = cross_entropy(student, labels, weights, ignore_index=UNKNOWN, reduction="sum") / len(labels)
    return soft * temperature**2 * divergence + (1 - soft) * hard


def batch_loss(temperature: float, soft: float, hidden: float, weights: Tensor | None = None) -> Loss:
    """`distillation_loss` for `train`: batches have the columns teacher_logits and labels.

    If they have the column teacher_states too, the loss adds `hidden` times the mean squared error between the
    student's and the teacher's mean hidden states of the last layer.
    """

    def loss(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
        teacher, labels, states = batch.pop("teacher_logits"), batch.pop("labels"), batch.pop("teacher_states", None)
        outputs = model(**batch, output_hidden_states=states is not None)
        topic_weights = None if weights is None else weights.to(labels.device)
        logits_loss = distillation_loss(outputs.logits.float(), teacher, labels, temperature, soft, topic_weights)
        if states is None:
            return of_the_batch(logits_loss, len(labels))
        hidden_loss = mse_loss(mean_hidden(outputs.hidden_states[-1].float(), batch["attention_mask"]), states)
        return of_the_batch(logits_loss + hidden * hidden_loss, len(labels))

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


def teacher_outputs(
    teacher: Classifier, adapted: Classifier, paired: PairedTexts, device: torch.device, hidden: bool
) -> tuple[Tensor, Tensor]:
    """What the student is to reproduce: the teacher reads the source texts, the adapted teacher the texts without one.

    Args:
        teacher: of the source's language.
        adapted: of the target's language.
        paired: the texts.
        device: where.
        hidden: whether hidden states are wanted.

    Returns:
        As `read_texts`, in the order of the texts.
    """
    tokens = teacher.tokenizer.model_max_length
    source_texts = [text for text in paired.source_texts if text is not None]
    others = [text for text, linked in zip(paired.texts, paired.linked, strict=True) if not linked]
    by_teacher = read_texts(teacher, source_texts, tokens, device, "teacher reads source", hidden=hidden)
    by_adapted = read_texts(adapted, others, tokens, device, "teacher reads target", hidden=hidden)
    logits, states = (merge(paired.linked, *outputs) for outputs in zip(by_teacher, by_adapted, strict=True))
    return logits, states


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
