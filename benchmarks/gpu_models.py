"""How fast models are trained and read on a device, for `benchmarks.gpu`: random weights and random texts."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy
import torch
from datasets import Dataset
from torch import Tensor
from transformers import BertConfig, BertForSequenceClassification, PreTrainedModel

from benchmarks.gpu_words import settle
from crosswiki.bert.classification import label_loss
from crosswiki.bert.loss_trainer import Loss
from crosswiki.bert.precision import half_precision
from crosswiki.bert.schedules import Schedule
from crosswiki.bert.training import train

TOPICS = 11


@dataclass(frozen=True)
class Form:
    """Of a model, and its texts' length in tokens; as the default source model has them."""

    layers: int = 6
    hidden: int = 384
    vocabulary: int = 30_522
    length: int = 64


def random_model(form: Form, layers: int) -> PreTrainedModel:
    """A BERT of the default source model's form, with random weights."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=form.vocabulary,
        hidden_size=form.hidden,
        num_hidden_layers=layers,
        num_attention_heads=max(1, form.hidden // 32),
        intermediate_size=4 * form.hidden,
        num_labels=TOPICS,
    )
    return BertForSequenceClassification(config)


def random_rows(form: Form, texts: int) -> Dataset:
    """Texts of `length` tokens each, with labels and a teacher's logits."""
    generator = numpy.random.default_rng(0)
    columns = {
        "input_ids": generator.integers(0, form.vocabulary, (texts, form.length)).tolist(),
        "length": [form.length] * texts,
        "labels": generator.integers(0, TOPICS, texts).tolist(),
        "teacher_logits": generator.normal(size=(texts, TOPICS)).tolist(),
    }
    return Dataset.from_dict(columns)


def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
    """Rows of `random_rows` as tensors; nothing is to be padded."""
    names = ("input_ids", "labels", "teacher_logits")
    return {name: torch.tensor([row[name] for row in rows]) for name in names if name in rows[0]}


def train_steps(
    model: PreTrainedModel,
    form: Form,
    loss: Loss,
    batch: int,
    steps: int,
    device: torch.device,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Train, and note when each step began."""
    starts: list[float] = []

    def timed(model: PreTrainedModel, inputs: dict[str, Tensor]) -> Tensor:
        settle(device)
        starts.append(clock())
        return loss(model, inputs)

    schedule = Schedule(1, batch, 1e-4, warmup_ratio=0.1, weight_decay=0.01, dropout=0.0)
    common: dict[str, Any] = {"seed": 1, "device": device, "what": "gpu", "report": lambda values, step: None}
    train(model, random_rows(form, batch * steps), timed, collate, schedule, **common)
    return starts


def examples_a_second(
    form: Form, layers: int, loss: Loss, batch: int, device: torch.device, seconds: float, compiled: bool
) -> float:
    """Of a training, by the median step after the first five."""
    model = random_model(form, layers)
    if compiled:
        model.compile()
    steps = 8
    starts = train_steps(model, form, loss, batch, steps, device)
    pace = float(numpy.median(numpy.diff(starts)[5:]))
    if pace * steps < seconds:
        starts = train_steps(model, form, loss, batch, min(400, max(steps, int(seconds / pace))), device)
    return batch / float(numpy.median(numpy.diff(starts)[5:]))


@torch.inference_mode()
def predictions_a_second(
    form: Form, layers: int, batch: int, device: torch.device, seconds: float, compiled: bool
) -> float:
    """Of a model, without its tokenizer."""
    model = random_model(form, layers).eval().to(device)
    if compiled:
        model.compile()
    inputs = {"input_ids": collate(list(random_rows(form, batch)))["input_ids"].to(device)}
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half_precision(device)):
        for _ in range(5):
            model(**inputs)
        settle(device)
        started, count = time.perf_counter(), 0
        while time.perf_counter() - started < seconds:
            model(**inputs).logits.cpu()
            count += batch
    return count / (time.perf_counter() - started)


def label_step(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
    """The loss of `finetune_source`."""
    batch.pop("teacher_logits")
    return label_loss(model, batch)


def weights_after(form: Form, batch: int, device: torch.device) -> str:
    """A digest of a model's weights after 20 steps."""
    model = random_model(form, form.layers)
    train_steps(model, form, label_step, batch, 20, device)
    return sha256(b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values())).hexdigest()
