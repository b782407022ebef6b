"""Texts encoded and padded to batches, classified to logits, and the loss on labels."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from crosswiki.bert.models import Classifier, token_types
from crosswiki.bert.precision import fast_attention, half_precision
from crosswiki.bert.shares import of_the_batch
from crosswiki.corpora.pairs import Text
from crosswiki.pipeline.parameter_values import ClassWeights
from crosswiki.pipeline.progress import progress
from crosswiki.pipeline.ranks import rank, sum_over_ranks, world

TYPES = "token_type_ids"  # which text of a pair a token belongs to


def encode(texts: Sequence[Text], tokenizer: PreTrainedTokenizerFast, tokens: int, **columns: Any) -> Dataset:
    """Turn texts into token ids. Of a pair that is too long, the longer text is cut first.

    Args:
        texts: any number.
        tokenizer: gives the ids.
        tokens: maximum length of a text in tokens, special tokens included; of both texts of a pair together.
        columns: further columns, a value for each text.

    Returns:
        A dataset with input_ids, length and the further columns; with token_type_ids too where there are pairs and the
        model tells their texts apart by types.
    """
    paired = any(isinstance(text, tuple) for text in texts)
    options: dict[str, Any] = {"truncation": "longest_first", "max_length": tokens, "return_attention_mask": False}
    encoded = tokenizer(list(texts), **options, return_token_type_ids=paired)
    if paired and "token_type_ids" in tokenizer.model_input_names:
        columns = {TYPES: encoded["token_type_ids"], **columns}
    ids = encoded["input_ids"]
    return Dataset.from_dict({"input_ids": ids, "length": [len(row) for row in ids], **columns})


def pad_rows(
    tokenizer: PreTrainedTokenizerFast, rows: list[list[int]], types: list[list[int]] | None = None
) -> dict[str, Tensor]:
    """Pad token ids to a batch, on the side that the tokenizer is configured for.

    Args:
        tokenizer: says how.
        rows: token ids.
        types: the tokens' types, where there are pairs and the model reads them.

    Returns:
        input_ids and attention_mask, and token_type_ids where there are types, and for a model whose single texts have
        types other than 0 (XLNet gives <cls> the type 2), each [texts, tokens].
    """
    if types is not None:
        both = [{"input_ids": row, TYPES: its} for row, its in zip(rows, types, strict=True)]
        return dict(tokenizer.pad(both, return_tensors="pt"))
    batch = dict(tokenizer.pad([{"input_ids": row} for row in rows], return_tensors="pt"))
    if kinds := token_types(tokenizer):
        batch["token_type_ids"] = torch.zeros_like(batch["input_ids"])
        for token, kind in kinds.items():
            batch["token_type_ids"][batch["input_ids"] == token] = kind
    return batch


def padding(tokenizer: PreTrainedTokenizerFast) -> Callable[[list[dict[str, Any]]], dict[str, Tensor]]:
    """A collate function: pads input_ids as `pad_rows` does, and stacks every other column."""

    def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        batch = pad_rows(tokenizer, [row["input_ids"] for row in rows], types_in(rows))
        for column in rows[0].keys() - {"input_ids", "length", TYPES}:
            batch[column] = torch.tensor([row[column] for row in rows])
        return batch

    return collate


def types_in(rows: list[dict[str, Any]], column: str = TYPES) -> list[list[int]] | None:
    """The tokens' types of a dataset's rows; None where it has none."""
    return [row[column] for row in rows] if column in rows[0] else None


def label_loss(model: PreTrainedModel, batch: dict[str, Tensor], weights: Tensor | None = None) -> Tensor:
    """Cross-entropy with the column `labels`, a mean weighted by each topic's weight, [topics], where there is one."""
    labels = batch.pop("labels")
    here = None if weights is None else weights.to(labels.device)
    loss = cross_entropy(model(**batch).logits.float(), labels, here)
    return of_the_batch(loss, None if weights is None else lambda whole: weights[whole["labels"]])


def label_weights(labels: Sequence[int], topics: int, kind: ClassWeights) -> Tensor | None:
    """What each topic weighs in a loss, [topics]; None: all the same.

    `balanced` is texts / (topics · texts of the topic), as scikit-learn has it, over the topics that have a text
    (after King and Zeng 2001); a topic that has none weighs nothing.

    Args:
        labels: topics' numbers; numbers below 0 are no labels.
        topics: how many there are.
        kind: none or balanced.
    """
    known = torch.tensor([label for label in labels if label >= 0], dtype=torch.int64)
    if kind == "none" or not len(known):
        return None
    counts = torch.bincount(known, minlength=topics).float()
    return torch.where(counts > 0, len(known) / ((counts > 0).sum() * counts.clamp(min=1)), 0.0)


def mean_hidden(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    """The mean of a text's hidden states over its real tokens.

    Args:
        hidden: [texts, tokens, hidden].
        attention_mask: 1 for real tokens, [texts, tokens].

    Returns:
        [texts, hidden].
    """
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)


@torch.inference_mode()
def read_texts(
    classifier: Classifier,
    texts: Sequence[Text],
    tokens: int,
    device: torch.device,
    what: str,
    batch: int = 64,
    hidden: bool = True,
) -> tuple[Tensor, Tensor]:
    """Logits and hidden states of texts, in the texts' order, float32.

    Args:
        classifier: model and tokenizer.
        texts: any number.
        tokens: maximum length of a text in tokens.
        device: where.
        what: label of the progress bar.
        batch: texts in a batch; they are sorted by length.
        hidden: whether hidden states are computed.

    Returns:
        Logits, [texts, topics], and the mean hidden states of the last layer, [texts, hidden], zeros unless `hidden`.
    """
    logits = torch.zeros(len(texts), len(classifier.topics))
    states = torch.zeros(len(texts), classifier.model.config.hidden_size)
    if not texts:
        return logits, states
    model = classifier.model.eval().to(device)
    rows = encode(texts, classifier.tokenizer, tokens)
    lengths = rows["length"]
    order = sorted(range(len(rows)), key=lambda place: (lengths[place], place))
    collate = padding(classifier.tokenizer)
    groups = [order[start : start + batch] for start in range(0, len(order), batch)]
    autocast = torch.autocast(device.type, dtype=torch.bfloat16, enabled=half_precision(device))
    with fast_attention(model, device), autocast:
        for group in progress(groups[rank() :: world()], what):
            inputs = {name: value.to(device) for name, value in collate([rows[place] for place in group]).items()}
            outputs = model(**inputs, output_hidden_states=hidden)
            logits[group] = outputs.logits.float().cpu()
            if hidden:
                states[group] = mean_hidden(outputs.hidden_states[-1].float(), inputs["attention_mask"]).cpu()
    # A row that another rank has read is zeros here.
    return sum_over_ranks(logits), sum_over_ranks(states)


def predict_logits(
    classifier: Classifier, texts: Sequence[Text], tokens: int, device: torch.device, what: str, batch: int = 64
) -> Tensor:
    """The logits of `read_texts`, without hidden states."""
    return read_texts(classifier, texts, tokens, device, what, batch, hidden=False)[0]


def predict_topics(classifier: Classifier, texts: Sequence[Text], device: torch.device, what: str) -> list[str]:
    """The most probable topic of each text, cut to the length that the classifier was trained on."""
    logits = predict_logits(classifier, texts, classifier.tokenizer.model_max_length, device, what)
    return [classifier.topics[int(place)] for place in logits.argmax(1)]
