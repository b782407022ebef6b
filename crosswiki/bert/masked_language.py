"""Masked-language-model training (Devlin et al. 2019) on a new language's text, alone or together with the source's.

Joint training is that of Tran 2020 ("From English to Foreign Languages: Transferring Pre-trained Language Models"): one
encoder, and embeddings for each language.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy
import pandas
import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from crosswiki.bert.classification import pad_rows
from crosswiki.bert.memory import WHOLE_BATCHES, Memory
from crosswiki.bert.models import Classifier, seeded, with_embeddings
from crosswiki.bert.schedules import one_epoch
from crosswiki.bert.shares import of_the_batch
from crosswiki.bert.training import History, Measure, Report, train
from crosswiki.pipeline.parameters_of_models import MaskedLanguageModel


class MaskedLanguageHead(nn.Module):
    """Predicts hidden tokens: dense, GELU, layer norm, and the token embeddings themselves (tied)."""

    def __init__(self, hidden: int, width: int, vocabulary: int) -> None:
        """Make the head's parameters; the token embeddings are an argument of `forward`.

        Args:
            hidden: width of the hidden states.
            width: of the token embeddings, which ALBERT has narrower.
            vocabulary: number of tokens.
        """
        super().__init__()
        self.dense = nn.Linear(hidden, width)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        nn.init.eye_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, hidden: Tensor, embeddings: Tensor) -> Tensor:
        """Score every token of the vocabulary, [..., vocabulary]."""
        states = self.norm(nn.functional.gelu(self.dense(hidden)))
        return states @ embeddings[: len(self.bias)].mT / math.sqrt(states.shape[-1]) + self.bias


def mask_tokens(texts: list[str], tokenizer: PreTrainedTokenizerFast, tokens: int, share: float, seed: int) -> Dataset:
    """Hide tokens as BERT does: 80 % of the chosen tokens become the mask, 10 % a random token, 10 % stay.

    Args:
        texts: any number.
        tokenizer: gives the ids.
        tokens: maximum length of a text in tokens.
        share: of the tokens that are chosen; never special ones, and at least one in each text.
        seed: of the choice.

    Returns:
        A dataset with input_ids, labels (−100 where nothing is hidden) and length.
    """
    generator = numpy.random.default_rng(seed)
    special = set(tokenizer.all_special_ids)
    columns: dict[str, list[Any]] = {"input_ids": [], "labels": [], "length": []}
    for row in tokenizer(texts, truncation=True, max_length=tokens)["input_ids"]:
        free = [place for place, token in enumerate(row) if token not in special]
        if not free:
            continue
        hidden, labels = list(row), [-100] * len(row)
        for place in generator.choice(free, max(1, round(share * len(free))), replace=False):
            labels[place] = row[place]
            draw = generator.random()
            if draw < 0.8:
                hidden[place] = tokenizer.mask_token_id
            elif draw < 0.9:
                hidden[place] = int(generator.integers(len(tokenizer)))
        columns["input_ids"].append(hidden)
        columns["labels"].append(labels)
        columns["length"].append(len(row))
    return Dataset.from_dict(columns)


def both_languages(other: Dataset, source: Dataset) -> Dataset:
    """Rows of `mask_tokens` in two languages side by side: the source's columns get the prefix `source_`."""
    count = min(len(other), len(source))
    columns = {name: other[name][:count] for name in ("input_ids", "labels")}
    columns |= {f"source_{name}": source[name][:count] for name in ("input_ids", "labels")}
    lengths = [a + b for a, b in zip(other["length"][:count], source["length"][:count], strict=True)]
    return Dataset.from_dict({**columns, "length": lengths})


def masked_padding(
    tokenizer: PreTrainedTokenizerFast, source: PreTrainedTokenizerFast | None = None
) -> Callable[[list[dict[str, Any]]], dict[str, Tensor]]:
    """A collate function for `mask_tokens`; with the source's tokenizer, for `both_languages`."""

    def pad(padder: PreTrainedTokenizerFast, rows: list[dict[str, Any]], prefix: str) -> dict[str, Tensor]:
        batch = pad_rows(padder, [row[f"{prefix}input_ids"] for row in rows])
        batch["labels"] = torch.full_like(batch["input_ids"], -100)
        for place, row in enumerate(rows):
            labels = row[f"{prefix}labels"]
            start = batch["labels"].shape[1] - len(labels) if padder.padding_side == "left" else 0
            batch["labels"][place, start : start + len(labels)] = torch.tensor(labels)
        return {f"{prefix}{name}": value for name, value in batch.items()}

    def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        return pad(tokenizer, rows, "") | (pad(source, rows, "source_") if source else {})

    return collate


@contextmanager
def language_heads(classifier: Classifier, source: tuple[nn.Embedding, int] | None, seed: int) -> Iterator[None]:
    """Inside the block, a model has what it needs to predict hidden tokens.

    Args:
        classifier: the model, and the tokenizer of its language.
        source: for joint training: the source's embeddings, which are trained too, and its number of tokens.
        seed: of the heads' weights.
    """
    model, width = classifier.model, classifier.model.get_input_embeddings().embedding_dim
    parts: dict[str, nn.Module] = {}
    with seeded(seed):
        parts["masked_language_head"] = MaskedLanguageHead(model.config.hidden_size, width, len(classifier.tokenizer))
        if source:
            parts["source_language_head"] = MaskedLanguageHead(model.config.hidden_size, width, source[1])
            parts["source_embeddings"] = source[0]
    for name, part in parts.items():
        setattr(model, name, part)
    try:
        yield
    finally:
        for name in parts:
            delattr(model, name)


def all_but_embeddings(model: PreTrainedModel) -> list[nn.Parameter]:
    """The encoder's parameters without its token embeddings."""
    embeddings = model.get_input_embeddings().weight
    return [parameter for parameter in model.base_model.parameters() if parameter is not embeddings]


def masked_loss(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
    """Cross-entropy of the hidden tokens, for a model that has `language_heads`; summed over the batch's languages."""
    source = {name.removeprefix("source_"): value for name, value in batch.items() if name.startswith("source_")}
    other = {name: value for name, value in batch.items() if not name.startswith("source_")}
    loss = _hidden_tokens(model, other, model.masked_language_head, "labels")
    if source:
        with with_embeddings(model, model.source_embeddings):
            loss = loss + _hidden_tokens(model, source, model.source_language_head, "source_labels")
    return loss


def _hidden_tokens(model: PreTrainedModel, batch: dict[str, Tensor], head: nn.Module, column: str) -> Tensor:
    labels = batch.pop("labels")
    chosen, hidden = labels != -100, model(**batch, output_hidden_states=True).hidden_states[-1]
    scores = head(hidden[chosen], model.get_input_embeddings().weight)
    return of_the_batch(cross_entropy(scores.float(), labels[chosen]), lambda whole: (whole[column] != -100).sum(1))


def train_masked_language_model(
    adapted: Classifier,
    texts: list[str],
    source: Classifier,
    source_embeddings: nn.Embedding,
    source_texts: list[str],
    settings: MaskedLanguageModel,
    *,
    seed: int,
    device: torch.device,
    report: Report,
    measure: Measure | None,
    memory: Memory = WHOLE_BATCHES,
) -> History:
    """Train an encoder in place to predict hidden tokens of its language, and with `joint` of the source's too.

    Args:
        adapted: the encoder, and the tokenizer of its language.
        texts: in its language; as many are drawn as the steps read, with replacement.
        source: the teacher, whose tokenizer reads the source's texts.
        source_embeddings: of the source's tokens; joint training changes them.
        source_texts: the source's.
        settings: the section `adapt.masked_language_model` of params.yaml.
        seed: of the draws, the hidden tokens and the training.
        device: where.
        report: see `train`.
        measure: see `train`.
        memory: see `train`.
    """
    tokens = source.tokenizer.model_max_length

    def draw_masked(pool: list[str], tokenizer: PreTrainedTokenizerFast) -> Dataset:
        count = settings.steps * settings.batch_size
        drawn = pandas.Series(pool).sample(n=count, replace=True, random_state=seed).tolist()
        return mask_tokens(drawn, tokenizer, tokens, settings.mlm_probability, seed)

    masked = draw_masked(texts, adapted.tokenizer)
    if settings.joint:
        masked = both_languages(masked, draw_masked(source_texts, source.tokenizer))
    with language_heads(adapted, (source_embeddings, len(source.tokenizer)) if settings.joint else None, seed):
        return train(
            adapted.model,
            masked,
            masked_loss,
            masked_padding(adapted.tokenizer, source.tokenizer if settings.joint else None),
            one_epoch(settings),
            seed=seed,
            device=device,
            what="adapt masked",
            report=report,
            waiting=[(settings.embeddings_only, all_but_embeddings(adapted.model))],
            measure=measure,
            whole_table=True,
            memory=memory,
        )
