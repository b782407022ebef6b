"""Fitting a transplanted encoder to its language without labels.

Parallel text is what every Wikipedia has: articles that are linked as being on the same thing, their titles, and the
words that the alignment pairs, strung together or put in the place of a source article's words.

Representation distillation on short parallel text, after Reimers and Gurevych 2020 ("Making Monolingual Sentence
Embeddings Multilingual using Knowledge Distillation", equation 1): the teacher reads the source side, the transplanted
model the other side, and their mean hidden states are to agree.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy
import pandas
import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from crosswiki.bert.classification import mean_hidden, pad_rows, predict_logits
from crosswiki.bert.models import Classifier, with_embeddings
from crosswiki.bert.training import Loss, Measure
from crosswiki.embeddings.glossary import close_up, gloss
from crosswiki.pipeline.parameters import RepresentationDistillation

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
    own: RepresentationDistillation,
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
    count = own.steps * own.batch_size
    strings = string_together(entries, round(count * own.dictionary_share), own.max_entries, seed)
    read = max(0, count - len(strings) - round(count * own.glossed_share)) if articles else 0
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
