"""Fitting a transplanted encoder to its language without labels.

The parallel texts need no translator. They are the task's own texts and their glosses (`embeddings/glossing.py`), which
the teacher reads; linked articles on the same concept; sequences of dictionary entries; and source articles translated
word by word the other way (`embeddings/glossary.py`).

Representation distillation on short parallel text, after Reimers and Gurevych 2020 ("Making Monolingual Sentence
Embeddings Multilingual using Knowledge Distillation", equation 1): the teacher reads the source side, the transplanted
model the other side, and their mean hidden states are to agree.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy
import pandas
import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from crosswiki.bert.classification import TYPES, encode, mean_hidden, pad_rows, predict_logits, types_in
from crosswiki.bert.loss_trainer import Loss
from crosswiki.bert.memory import WHOLE_BATCHES, Memory
from crosswiki.bert.models import Classifier, with_embeddings
from crosswiki.bert.schedules import one_epoch
from crosswiki.bert.shares import of_the_batch
from crosswiki.bert.training import History, Measure, Report, train
from crosswiki.corpora.articles import of_the_task
from crosswiki.corpora.pairs import Text, each_side, first_of_concepts, texts_of
from crosswiki.embeddings.glossary import close_up, gloss
from crosswiki.pipeline.parameters_of_models import RepresentationDistillation

Item = TypeVar("Item")
Glosser = Callable[[list[str]], Sequence[str]]
Parallel = tuple[Text, Text]  # what the teacher reads, and what the transplanted model reads


def dictionary_texts(entries: list[tuple[str, str]], count: int, max_entries: int, seed: int) -> list[tuple[str, str]]:
    """Make short parallel texts of random dictionary entries, the same ones on both sides.

    Args:
        entries: (source, other).
        count: how many texts are made.
        max_entries: each text has from 1 to so many entries.
        seed: of the choice.
    """
    generator = numpy.random.default_rng(seed)
    texts = []
    for length in generator.integers(1, max_entries + 1, count):
        chosen = [entries[place] for place in generator.integers(0, len(entries), length)]
        texts.append((" ".join(source for source, _ in chosen), close_up(" ".join(other for _, other in chosen))))
    return texts


def linked_articles(source: pandas.DataFrame, other: pandas.DataFrame) -> list[Parallel]:
    """Pairs of texts on the same concept, (source, other), of the train split only; they are no translations."""
    tables = [first_of_concepts(table[table["split"] == "train"]) for table in (source, other)]
    texts = [pandas.Series(texts_of(table), table["concept"], dtype=object) for table in tables]
    pairs = texts[0].to_frame("source").join(texts[1].rename("other"), how="inner").sort_index()
    return list(zip(pairs["source"], pairs["other"], strict=True))


def texts_of_the_task(articles: pandas.DataFrame, load_glosser: Callable[[], Glosser]) -> list[Parallel]:
    """The task's own texts of the train split with their glosses, (gloss, text): the kind of text that counts.

    Args:
        articles: in the new language, as `prepare` made them.
        load_glosser: gives what translates its texts word by word; not called where no text is the task's.
    """
    texts = texts_of(of_the_task(articles[articles["split"] == "train"]))
    return list(zip(each_side(texts, load_glosser()), texts, strict=True)) if texts else []


def parallel_texts(
    articles: list[Parallel],
    source_texts: list[Text],
    glosses: dict[str, str],
    entries: list[tuple[str, str]],
    settings: RepresentationDistillation,
    seed: int,
    language: str,
    task: Sequence[Parallel] = (),
) -> list[Parallel]:
    """Choose the texts of representation distillation: the task's, linked articles, glossed source texts, entries.

    Args:
        articles: linked articles, (source, other); if there are none, glossed texts take their place.
        source_texts: the source's articles, which are glossed.
        glosses: see `gloss`.
        entries: see `dictionary_texts`.
        settings: the section `adapt.representation_distillation` of params.yaml.
        seed: of the choice.
        language: the source's.
        task: the task's own texts, (gloss, text), each read once at most; they go before articles of any kind.

    Returns:
        (source, other), as many as the steps read.
    """
    count = settings.steps * settings.batch_size
    from_dictionary = dictionary_texts(entries, round(count * settings.dictionary_share), settings.max_entries, seed)
    room = count - len(from_dictionary)
    first = _balanced_sample(task, min(len(task), room), seed)
    room -= len(first)
    linked = max(0, min(room, count - len(from_dictionary) - round(count * settings.glossed_share))) if articles else 0
    sample = _balanced_sample(source_texts, room - linked, seed)
    other = each_side(sample, lambda sides: [gloss(side, glosses, language) for side in sides])
    glossed = list(zip(sample, other, strict=True))
    return [*first, *_balanced_sample(articles, linked, seed), *glossed, *from_dictionary]


def _balanced_sample(items: Sequence[Item], count: int, seed: int) -> list[Item]:
    """Draw `count` items in random order, each equally often (but for the last round)."""
    generator = numpy.random.default_rng(seed)
    orders = [generator.permutation(len(items)) for _ in range(-(-count // max(len(items), 1)))]
    return [items[place] for order in orders for place in order][:count]


def encode_parallel(
    texts: Sequence[Parallel], teacher: PreTrainedTokenizerFast, student: PreTrainedTokenizerFast, tokens: int
) -> Dataset:
    """Token ids of both sides: columns source_ids, input_ids and length, and types as `encode` has them."""
    source, other = (
        encode(side, reader, tokens).to_dict()
        for side, reader in (([one for one, _ in texts], teacher), ([one for _, one in texts], student))
    )
    columns = {f"source_{name}": source[name] for name in (TYPES,) if name in source}
    columns |= {name: other[name] for name in (TYPES,) if name in other}
    lengths = [a + b for a, b in zip(source["length"], other["length"], strict=True)]
    return Dataset.from_dict(
        {"source_ids": source["input_ids"], "input_ids": other["input_ids"], "length": lengths, **columns}
    )


def parallel_padding(
    teacher: PreTrainedTokenizerFast, student: PreTrainedTokenizerFast
) -> Callable[[list[dict[str, Any]]], dict[str, Tensor]]:
    """A collate function for `encode_parallel`: the teacher's inputs get the prefix `source_`."""

    def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        source = pad_rows(teacher, [row["source_ids"] for row in rows], types_in(rows, f"source_{TYPES}"))
        other = pad_rows(student, [row["input_ids"] for row in rows], types_in(rows))
        return {**{f"source_{name}": value for name, value in source.items()}, **other}

    return collate


def representation_loss(teacher: PreTrainedModel) -> Loss:
    """The loss of representation distillation: mean squared errors of the mean hidden state and of the logits.

    Both models have the same output layer, so equal logits mean that the pooled outputs agree in all that it reads.
    """
    teacher.eval().requires_grad_(False)

    def loss(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
        source = {name.removeprefix("source_"): value for name, value in batch.items() if name.startswith("source_")}
        other = {name: value for name, value in batch.items() if not name.startswith("source_")}
        teacher.to(other["input_ids"].device)
        with torch.no_grad():
            targets = teacher(**source, output_hidden_states=True)
        outputs = model(**other, output_hidden_states=True)
        states = mse_loss(
            mean_hidden(outputs.hidden_states[-1].float(), other["attention_mask"]),
            mean_hidden(targets.hidden_states[-1].float(), source["attention_mask"]),
        )
        logits = mse_loss(outputs.logits.float(), targets.logits.float())
        return of_the_batch(states + logits)

    return loss


def distil_representations(
    teacher: Classifier,
    adapted: Classifier,
    pairs: Sequence[Parallel],
    settings: RepresentationDistillation,
    *,
    seed: int,
    device: torch.device,
    report: Report,
    measure: Measure | None,
    memory: Memory = WHOLE_BATCHES,
) -> History:
    """Train the adapted encoder in place to represent the other side of each pair as the teacher does the source side.

    Args:
        teacher: reads the source side.
        adapted: reads the other side.
        pairs: parallel texts, (source, other).
        settings: the section `adapt.representation_distillation` of params.yaml.
        seed: of the training.
        device: where.
        report: see `train`.
        measure: see `train`.
        memory: see `train`.
    """
    return train(
        adapted.model,
        encode_parallel(pairs, teacher.tokenizer, adapted.tokenizer, teacher.tokenizer.model_max_length),
        representation_loss(teacher.model),
        parallel_padding(teacher.tokenizer, adapted.tokenizer),
        one_epoch(settings),
        seed=seed,
        device=device,
        what="adapt",
        report=report,
        measure=measure,
        memory=memory,
    )


def drift_from(
    teacher: Classifier, adapted: Classifier, embeddings: nn.Module, texts: Sequence[Text], device: torch.device
) -> Measure:
    """Measure how far an encoder has moved away from the output layer that it shares with the teacher.

    Args:
        teacher: of the source's language.
        adapted: a classifier whose encoder began as the teacher's.
        embeddings: of the source's tokens.
        texts: in the source's language, none that anything learns from.
        device: where.

    Returns:
        A function that gives `drift`: the share of the texts for which the adapted encoder, with the source's
        embeddings, predicts another topic than the teacher.
    """
    tokens, reader = teacher.tokenizer.model_max_length, Classifier(adapted.model, teacher.tokenizer)
    expected = predict_logits(teacher, texts, tokens, device, "teacher").argmax(1)

    def measure() -> dict[str, float]:
        with with_embeddings(adapted.model, embeddings.to(device)):
            predicted = predict_logits(reader, texts, tokens, device, "drift").argmax(1)
        return {"drift": float((predicted != expected).double().mean())}

    return measure
