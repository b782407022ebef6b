"""Fitting a transplanted encoder to its language without labels.

Parallel text is what every Wikipedia has: articles that are linked as being on the same thing, their titles, and the
words that the alignment pairs, strung together or put in the place of a source article's words.

Representation distillation on short parallel text, after Reimers and Gurevych 2020 ("Making Monolingual Sentence
Embeddings Multilingual using Knowledge Distillation", equation 1): the teacher reads the source side, the transplanted
model the other side, and their mean hidden states are to agree.
Masked-language-model training as in Devlin et al. 2019; on both languages at once as in Tran 2020 ("From English to
Foreign Languages: Transferring Pre-trained Language Models"): one encoder, and embeddings for each language.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy
import pandas
import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from stages.bert.classification import mean_hidden, pad_rows, predict_logits
from stages.bert.models import Classifier, seeded
from stages.bert.training import Loss, Measure
from stages.embeddings.gloss import close_up, gloss
from stages.parameters import Representation

Item = TypeVar("Item")


def string_together(entries: list[tuple[str, str]], count: int, most: int, seed: int) -> list[tuple[str, str]]:
    """Make short parallel texts out of dictionary entries: one to `most` of them, the same ones on both sides.

    Args:
        entries: (source, other).
        count: how many texts are made.
        most: entries in a text at most.
        seed: which entries.
    """
    generator = numpy.random.default_rng(seed)
    texts = []
    for length in generator.integers(1, most + 1, count):
        chosen = [entries[place] for place in generator.integers(0, len(entries), length)]
        texts.append((" ".join(source for source, _ in chosen), close_up(" ".join(other for _, other in chosen))))
    return texts


def linked_articles(source: pandas.DataFrame, other: pandas.DataFrame) -> list[tuple[str, str]]:
    """Texts of articles on the same concept, of the train split only: not parallel, but on the same thing."""
    texts = [
        table[table["split"] == "train"].drop_duplicates("concept").set_index("concept")["text"]
        for table in (source, other)
    ]
    pairs = texts[0].to_frame("source").join(texts[1].rename("other"), how="inner").sort_index()
    return list(zip(pairs["source"], pairs["other"], strict=True))


def parallel_texts(
    articles: list[tuple[str, str]],
    originals: list[str],
    words: dict[str, str],
    entries: list[tuple[str, str]],
    own: Representation,
    seed: int,
) -> list[tuple[str, str]]:
    """Choose what is read: strings of entries, glossed originals, and linked articles.

    Args:
        articles: linked ones, (source, other); where there are none, glosses take their place.
        originals: the source's articles, which are glossed.
        words: see `gloss`.
        entries: see `string_together`.
        own: the steps and the shares.
        seed: of the choice.
    """
    count = own.steps * own.batch
    strings = string_together(entries, round(count * own.strings), own.strung, seed)
    read = max(0, count - len(strings) - round(count * own.glossed)) if articles else 0
    glossed = [(text, gloss(text, words)) for text in _rounds(originals, count - len(strings) - read, seed)]
    return _rounds(articles, read, seed) + glossed + strings


def _rounds(items: list[Item], count: int, seed: int) -> list[Item]:
    """So many items, in random order, each as often as the next one."""
    generator = numpy.random.default_rng(seed)
    orders = [generator.permutation(len(items)) for _ in range(-(-count // max(len(items), 1)))]
    return [items[place] for order in orders for place in order][:count]


def encode_parallel(
    texts: list[tuple[str, str]], teacher: PreTrainedTokenizerFast, student: PreTrainedTokenizerFast, tokens: int
) -> Dataset:
    """Token ids of both sides: columns source_ids, input_ids and length."""
    options: dict[str, Any] = {"truncation": True, "max_length": tokens, "return_attention_mask": False}
    source = teacher([source for source, _ in texts], **options)["input_ids"]
    other = student([other for _, other in texts], **options)["input_ids"]
    lengths = [len(a) + len(b) for a, b in zip(source, other, strict=True)]
    return Dataset.from_dict({"source_ids": source, "input_ids": other, "length": lengths})


def parallel_padding(
    teacher: PreTrainedTokenizerFast, student: PreTrainedTokenizerFast
) -> Callable[[list[dict[str, Any]]], dict[str, Tensor]]:
    """A collate function for `encode_parallel`: the teacher's inputs get the prefix `source_`."""

    def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        source = pad_rows(teacher, [row["source_ids"] for row in rows])
        other = pad_rows(student, [row["input_ids"] for row in rows])
        return {**{f"source_{name}": value for name, value in source.items()}, **other}

    return collate


def representation_loss(teacher: PreTrainedModel) -> Loss:
    """The loss of representation distillation: mean squared errors of the mean hidden state and of the logits.

    Both models have the same output layer, so that agreeing logits are agreeing pooled outputs, as far as they matter.
    """
    teacher.eval().requires_grad_(False)

    def loss(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
        source = {name.removeprefix("source_"): value for name, value in batch.items() if name.startswith("source_")}
        other = {name: value for name, value in batch.items() if not name.startswith("source_")}
        teacher.to(other["input_ids"].device)
        with torch.no_grad():
            wanted = teacher(**source, output_hidden_states=True)
        given = model(**other, output_hidden_states=True)
        states = mse_loss(
            mean_hidden(given.hidden_states[-1].float(), other["attention_mask"]),
            mean_hidden(wanted.hidden_states[-1].float(), source["attention_mask"]),
        )
        return states + mse_loss(given.logits.float(), wanted.logits.float())

    return loss


class MaskedLanguageHead(nn.Module):
    """Predicts hidden tokens: dense, GELU, layer norm, and the token embeddings themselves (tied)."""

    def __init__(self, hidden: int, width: int, vocabulary: int) -> None:
        """Make the head's own parameters; the embeddings, which ALBERT has narrower, come with each call."""
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
    """Hide tokens as BERT does: of the chosen ones 80 % become the mask, 10 % another token, 10 % stay.

    Args:
        texts: any number.
        tokenizer: whose ids.
        tokens: at most so many of each text.
        share: of the tokens that are chosen; special ones never are, and every text has at least one.
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
            fate = generator.random()
            if fate < 0.8:
                hidden[place] = tokenizer.mask_token_id
            elif fate < 0.9:
                hidden[place] = int(generator.integers(len(tokenizer)))
        columns["input_ids"].append(hidden)
        columns["labels"].append(labels)
        columns["length"].append(len(row))
    return Dataset.from_dict(columns)


def both_sides(other: Dataset, source: Dataset) -> Dataset:
    """Rows of `mask_tokens` in two languages side by side: the source's columns get the prefix `source_`."""
    count = min(len(other), len(source))
    columns = {name: other[name][:count] for name in ("input_ids", "labels")}
    columns |= {f"source_{name}": source[name][:count] for name in ("input_ids", "labels")}
    lengths = [a + b for a, b in zip(other["length"][:count], source["length"][:count], strict=True)]
    return Dataset.from_dict({**columns, "length": lengths})


def masked_padding(
    tokenizer: PreTrainedTokenizerFast, source: PreTrainedTokenizerFast | None = None
) -> Callable[[list[dict[str, Any]]], dict[str, Tensor]]:
    """A collate function for `mask_tokens`; with the source's tokenizer, for `both_sides`."""

    def side(reader: PreTrainedTokenizerFast, rows: list[dict[str, Any]], prefix: str) -> dict[str, Tensor]:
        batch = pad_rows(reader, [row[f"{prefix}input_ids"] for row in rows])
        batch["labels"] = torch.full_like(batch["input_ids"], -100)
        for place, row in enumerate(rows):
            labels = row[f"{prefix}labels"]
            start = batch["labels"].shape[1] - len(labels) if reader.padding_side == "left" else 0
            batch["labels"][place, start : start + len(labels)] = torch.tensor(labels)
        return {f"{prefix}{name}": value for name, value in batch.items()}

    def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        return side(tokenizer, rows, "") | (side(source, rows, "source_") if source else {})

    return collate


@contextmanager
def language_heads(classifier: Classifier, source: tuple[nn.Embedding, int] | None, seed: int) -> Iterator[None]:
    """For the time being, give a model what it needs to predict hidden tokens.

    Args:
        classifier: whose model it is.
        source: for joint training, the source's embeddings, which learn too, and its number of tokens.
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


@contextmanager
def with_embeddings(model: PreTrainedModel, embeddings: nn.Module) -> Iterator[None]:
    """For the time being, read with other token embeddings."""
    own = model.get_input_embeddings()
    model.set_input_embeddings(embeddings)
    try:
        yield
    finally:
        model.set_input_embeddings(own)


def all_but_embeddings(model: PreTrainedModel) -> list[nn.Parameter]:
    """The encoder's parameters without its token embeddings."""
    embeddings = model.get_input_embeddings().weight
    return [parameter for parameter in model.base_model.parameters() if parameter is not embeddings]


def masked_loss(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
    """Cross-entropy of the hidden tokens, for a model that has `language_heads`; of both languages where both are."""
    source = {name.removeprefix("source_"): value for name, value in batch.items() if name.startswith("source_")}
    other = {name: value for name, value in batch.items() if not name.startswith("source_")}
    loss = _hidden_tokens(model, other, model.masked_language_head)
    if source:
        with with_embeddings(model, model.source_embeddings):
            loss = loss + _hidden_tokens(model, source, model.source_language_head)
    return loss


def _hidden_tokens(model: PreTrainedModel, batch: dict[str, Tensor], head: nn.Module) -> Tensor:
    labels = batch.pop("labels")
    chosen, hidden = labels != -100, model(**batch, output_hidden_states=True).hidden_states[-1]
    scores = head(hidden[chosen], model.get_input_embeddings().weight)
    return cross_entropy(scores.float(), labels[chosen])


def drift_from(
    teacher: Classifier, adapted: Classifier, embeddings: nn.Module, texts: list[str], device: torch.device
) -> Measure:
    """Measure how far an encoder has moved from what its output layer was made for.

    Args:
        teacher: of the source's language.
        adapted: whose encoder began as the teacher's.
        embeddings: of the source's tokens.
        texts: of the source's, none that anything learns from.
        device: where.

    Returns:
        Gives `drift`: the share of texts of which the adapted encoder, reading with the source's embeddings, does not
        say what the teacher says.
    """
    tokens, reader = teacher.tokenizer.model_max_length, Classifier(adapted.model, teacher.tokenizer)
    said = predict_logits(teacher, texts, tokens, device, "teacher").argmax(1)

    def measure() -> dict[str, float]:
        with with_embeddings(adapted.model, embeddings.to(device)):
            now = predict_logits(reader, texts, tokens, device, "drift").argmax(1)
        return {"drift": float((now != said).double().mean())}

    return measure
