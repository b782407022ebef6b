"""Batches that do not fit: read in parts, or with hidden states computed twice, they teach what they teach at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, dropout, mse_loss
from transformers import BertConfig, BertForSequenceClassification, PreTrainedModel, XLNetConfig
from transformers import XLNetForSequenceClassification as XLNet

from crosswiki.bert import classification, training
from crosswiki.bert.memory import Memory, forgetting_states
from crosswiki.bert.schedules import Schedule
from crosswiki.bert.shares import of_the_batch
from crosswiki.pipeline.errors import UserError
from tests import ranked

CPU = torch.device("cpu")
TOPICS, WIDTH, TOKENS, VOCABULARY = 3, 16, 12, 40


@pytest.fixture(autouse=True)
def exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    for module in (classification, training):
        monkeypatch.setattr(module, "half_precision", lambda device: False)


def random_model(kind: str = "bert") -> PreTrainedModel:
    """A classifier in float64 with random weights."""
    sizes: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "num_labels": TOPICS,
        "pad_token_id": 0,
        "initializer_range": 0.2,
    }
    with torch.random.fork_rng():
        torch.manual_seed(7)
        if kind == "xlnet":
            model: Any = XLNet(XLNetConfig(**sizes, d_model=WIDTH, n_layer=2, n_head=2, d_inner=32))
        else:
            both = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
            model = BertForSequenceClassification(BertConfig(**sizes, **both, max_position_embeddings=TOKENS))
    return model.double()


def random_rows(count: int) -> Dataset:
    """Texts of random tokens, with a topic and states to learn."""
    generator = numpy.random.default_rng(3)
    lengths = generator.integers(2, TOKENS + 1, count)
    return Dataset.from_dict(
        {
            "input_ids": [generator.integers(1, VOCABULARY, length).tolist() for length in lengths],
            "length": lengths.tolist(),
            "labels": generator.integers(0, TOPICS, count).tolist(),
            "states": generator.normal(size=(count, WIDTH)).tolist(),
        }
    )


def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
    longest = max(row["length"] for row in rows)
    ids = torch.tensor([[*row["input_ids"], *[0] * (longest - row["length"])] for row in rows])
    columns = {"labels": torch.tensor([row["labels"] for row in rows])}
    states = torch.tensor([row["states"] for row in rows], dtype=torch.float64)
    return {"input_ids": ids, "attention_mask": (ids != 0).long(), **columns, "states": states}


def both_kinds_of_mean(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
    """A mean that topics weigh and a mean over texts, all in float64, behind a dropout of its own."""
    weights = torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64)
    labels, states = batch.pop("labels"), batch.pop("states")
    outputs = model(**batch, output_hidden_states=True)
    hidden = dropout(classification.mean_hidden(outputs.hidden_states[-1], batch["attention_mask"]), 0.2)
    topics = of_the_batch(cross_entropy(outputs.logits, labels, weights), lambda whole: weights[whole["labels"]])
    return topics + of_the_batch(mse_loss(hidden, states))


@contextmanager
def watched(model: PreTrainedModel, layer: nn.Module) -> Iterator[list[int]]:
    """The number of texts of each reading by a layer, those for gradients included."""
    seen: list[int] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    try:
        yield seen
    finally:
        hook.remove()


def learn(memory: Memory, kind: str = "bert") -> tuple[list[dict[str, float]], dict[str, Tensor]]:
    """Train on 29 texts in batches of 8, so that the last batch has 5, with dropout everywhere."""
    model = random_model(kind)
    schedule = Schedule(2, 8, 0.003, warmup_ratio=0.1, weight_decay=0.01, dropout=0.1)
    options = {"seed": 5, "device": CPU, "what": "memory", "report": lambda values, step: None}
    with torch.random.fork_rng():
        history = training.train(
            model, random_rows(29), both_kinds_of_mean, collate, schedule, memory=memory, **options
        )
    assert not model.is_activation_checkpointing
    return history, model.state_dict()


def assert_same(found: Any, expected: Any) -> None:
    assert [row["step"] for row in found[0]] == [row["step"] for row in expected[0]]
    assert [row["loss"] for row in found[0]] == pytest.approx(
        [row["loss"] for row in expected[0]], abs=1e-6
    )  # the Trainer adds in float32
    for name, tensor in expected[1].items():
        torch.testing.assert_close(found[1][name], tensor, atol=1e-9, rtol=0)


@pytest.mark.parametrize("memory", [Memory(1), Memory(3), Memory(None, True), Memory(3, True)], ids=str)
def test_weights_and_losses_in_float64_are_those_of_whole_batches(memory: Memory) -> None:
    expected = learn(Memory())
    assert expected[0][0]["loss"] - expected[0][-1]["loss"] > 0.05  # it has learnt
    assert_same(learn(memory), expected)


def test_dropout_in_the_layout_of_xlnet() -> None:
    assert_same(learn(Memory(3), "xlnet"), learn(Memory(), "xlnet"))


@pytest.mark.parametrize("size", [8, 100])
def test_a_limit_that_no_batch_reaches_changes_no_byte(size: int) -> None:
    expected, found = learn(Memory()), learn(Memory(size))
    assert found[0] == expected[0]
    assert all(torch.equal(found[1][name], tensor) for name, tensor in expected[1].items())


@pytest.mark.parametrize(("memory", "largest", "readings"), [(Memory(3), 3, 1), (Memory(None, True), 8, 2)], ids=str)
def test_no_more_is_read_at_once(memory: Memory, largest: int, readings: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model()
    monkeypatch.setattr(f"{__name__}.random_model", lambda kind: model)
    with watched(model, model.bert.encoder.layer[0].attention) as seen:
        learn(memory)
    assert max(seen) == largest
    assert sum(seen) == readings * (29 + 24)  # seven steps


@pytest.mark.parametrize("name", ranked.TRAININGS)
@pytest.mark.parametrize("memory", [Memory(3), Memory(None, True)], ids=str)
def test_every_training_has_the_losses_and_predictions_of_whole_batches(
    name: str, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = ranked.TRAININGS[name]()
    common = ranked.options
    monkeypatch.setattr(ranked, "options", lambda what: {**common(what), "memory": memory})
    history, logits = ranked.TRAININGS[name]()
    assert [row["loss"] for row in history] == pytest.approx([row["loss"] for row in expected[0]], abs=1e-5)
    assert torch.equal(logits.argmax(1), expected[1].argmax(1))


def test_an_architecture_without_gradient_checkpointing_is_one_line() -> None:
    with (
        pytest.raises(UserError, match=r"^params.yaml: gradient_checkpointing: transformers has none for xlnet: set"),
        forgetting_states(random_model("xlnet"), True),
    ):
        raise AssertionError
