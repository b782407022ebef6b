"""Fine-tuning of a classifier on labelled articles."""

from collections.abc import Sequence
from functools import partial

import pandas
import torch
from torch import Tensor
from transformers import PreTrainedModel

from crosswiki.bert.classification import encode, label_loss, label_weights, padding
from crosswiki.bert.memory import WHOLE_BATCHES, Memory
from crosswiki.bert.models import Classifier
from crosswiki.bert.schedules import Schedule
from crosswiki.bert.training import History, Report, Waiting, train
from crosswiki.corpora.pairs import texts_of
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameter_values import ClassWeights


def finetune(
    classifier: Classifier,
    articles: pandas.DataFrame,
    schedule: Schedule,
    *,
    seed: int,
    device: torch.device,
    what: str,
    report: Report,
    waiting: Waiting = (),
    class_weights: ClassWeights = "none",
    memory: Memory = WHOLE_BATCHES,
    depends: Sequence[str | Tensor] = (),
) -> History:
    """Train a classifier in place on articles' topics, with cross-entropy.

    Args:
        classifier: the model and its tokenizer, which reads `model_max_length` tokens of each text.
        articles: the columns text, topic and perhaps pair, at least one row.
        schedule: how long and how fast.
        seed: see `train`.
        device: see `train`.
        what: see `train`.
        report: see `train`.
        waiting: see `train`.
        class_weights: of the topics in the loss.
        memory: see `train`.
        depends: see `train`.

    Raises:
        UserError: the classifier does not know a topic.
    """
    unknown = sorted(set(articles["topic"]) - set(classifier.topics))
    if unknown:
        raise UserError(f"{what}: the target's topic {unknown[0]!r} is not the source's: map it in the preset")
    tokenizer = classifier.tokenizer
    labels = articles["topic"].map(classifier.topics.index).tolist()
    return train(
        classifier.model,
        encode(texts_of(articles), tokenizer, tokenizer.model_max_length, labels=labels),
        partial(label_loss, weights=label_weights(labels, len(classifier.topics), class_weights)),
        padding(tokenizer),
        schedule,
        seed=seed,
        device=device,
        what=what,
        report=report,
        waiting=waiting,
        memory=memory,
        depends=[class_weights, *depends],
    )


def interpolate(model: PreTrainedModel, before: dict[str, Tensor], share: float) -> None:
    """Interpolate between the weights before and after a fine-tuning (Wortsman et al. 2022, "Robust fine-tuning").

    Args:
        model: the fine-tuned model; changed in place, without its frozen parameters.
        before: the weights before fine-tuning.
        share: weight of `before` in the mean.
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.lerp_(before[name], share)
