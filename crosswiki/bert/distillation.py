"""Knowledge distillation (Hinton, Vinyals and Dean 2015), within a language and across languages."""

from dataclasses import dataclass

import pandas
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax, mse_loss, softmax
from transformers import PreTrainedModel

from crosswiki.bert.classification import mean_hidden
from crosswiki.bert.training import Loss

UNKNOWN = -100  # the label of a text whose topic nobody told


def distillation_loss(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, soft: float) -> Tensor:
    """Mix soft · T² · KL(teacher/T ‖ student/T) + (1 − soft) · cross-entropy where there is a label.

    Args:
        student: logits, [texts, topics].
        teacher: logits, [texts, topics].
        labels: topics' numbers, `UNKNOWN` where there is none, [texts].
        temperature: T; the factor T² keeps the gradients' size (section 2 of the paper).
        soft: weight of the first term.

    Returns:
        A scalar: either term is a mean over the batch's texts; a text without a label adds nothing to the second.
    """
    divergence = kl_div(
        log_softmax(student / temperature, dim=-1), softmax(teacher / temperature, dim=-1), reduction="batchmean"
    )
    hard = cross_entropy(student, labels, ignore_index=UNKNOWN, reduction="sum") / len(labels)
    return soft * temperature**2 * divergence + (1 - soft) * hard


def batch_loss(temperature: float, soft: float, hidden: float) -> Loss:
    """`distillation_loss` for a training: the batch's columns teacher_logits and labels go beside the texts.

    With `hidden` above 0, so many times the mean squared error between the last layers' mean hidden states is added;
    the teacher's are the column teacher_states.
    """

    def loss(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
        teacher, labels, states = batch.pop("teacher_logits"), batch.pop("labels"), batch.pop("teacher_states", None)
        said = model(**batch, output_hidden_states=states is not None)
        found = distillation_loss(said.logits.float(), teacher, labels, temperature, soft)
        if states is None:
            return found
        return found + hidden * mse_loss(mean_hidden(said.hidden_states[-1].float(), batch["attention_mask"]), states)

    return loss


@dataclass(frozen=True)
class Lessons:
    """What the student reads, and who teaches it."""

    texts: pandas.DataFrame  # the target's articles
    source_texts: list[str | None]  # the source's article on the same concept, where there is one
    topics: list[str | None]  # and that article's topic, where it is labelled


def pair_articles(target: pandas.DataFrame, source: pandas.DataFrame) -> Lessons:
    """Find for each of the target's articles the source's on the same concept.

    Args:
        target: articles to read, none of the test or validation split.
        source: the source's articles of the train split: neither text nor label of another split is looked at.
    """
    known = source[source["split"] == "train"].drop_duplicates("concept").set_index("concept")
    linked = target[["concept"]].join(known[["text", "topic"]], on="concept")
    present = linked.astype(object).where(linked.notna(), None)
    return Lessons(target, present["text"].tolist(), present["topic"].tolist())


def merge(linked: list[bool], source: Tensor, other: Tensor) -> Tensor:
    """What the source's teacher makes of linked texts, and the target's of the rest.

    Args:
        linked: of each text, whether it is.
        source: [linked texts, numbers].
        other: [other texts, numbers].

    Returns:
        [texts, numbers].
    """
    chosen = torch.tensor(linked, dtype=torch.bool)
    merged = source.new_empty(len(linked), source.shape[1])
    merged[chosen], merged[~chosen] = source, other
    return merged
