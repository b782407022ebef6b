"""Source models of other kinds: taken by every stage, or refused before any training."""

from pathlib import Path
from typing import Any

import pandas
import pytest
import torch
from datasets import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    BartConfig,
    DebertaV2Config,
    FunnelConfig,
    LongformerConfig,
    ModernBertConfig,
    PreTrainedModel,
    Trainer,
    TrainingArguments,
)

from crosswiki.bert.classification import predict_logits
from crosswiki.bert.finetuning import finetune
from crosswiki.bert.folders import check_folder
from crosswiki.bert.loss_trainer import OneProcess
from crosswiki.bert.mixtures import reading_mixtures
from crosswiki.bert.models import (
    Classifier,
    encoder_layers,
    fewer_layers,
    freeze_output_layer,
    load_classifier,
    output_layer,
    save_classifier,
    seeded,
)
from crosswiki.bert.pretrained import load_pretrained
from crosswiki.bert.schedules import Schedule
from crosswiki.bert.translations import Translations
from crosswiki.bert.transplantation import transplant
from crosswiki.evaluation.sizes import rehearse, size_of
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters import load_parameters
from tests.tiny import ROOT, make_tiny_model, tiny_tokenizer, trio_texts

TOKENS = 24
SIZE: dict[str, Any] = {"vocab_size": 600, "pad_token_id": 0, "num_labels": 3, "max_position_embeddings": 64}
LONG: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64}
CONFIGS: dict[str, Any] = {
    "modernbert": lambda: ModernBertConfig(**SIZE, **LONG, global_attn_every_n_layers=3, local_attention=8),
    "deberta-v2": lambda: DebertaV2Config(
        **SIZE, **LONG, relative_attention=True, position_buckets=8, pos_att_type=["p2c", "c2p"]
    ),
    "longformer": lambda: LongformerConfig(**SIZE, **LONG, attention_window=[8, 4, 16, 8]),
    "funnel": lambda: FunnelConfig(
        vocab_size=600, block_sizes=[2, 2], d_model=32, n_head=4, d_head=8, d_inner=64, num_labels=3
    ),
    "bart": lambda: BartConfig(
        **SIZE,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
    ),
}


def model_of(kind: str) -> PreTrainedModel:
    with seeded(1):
        return AutoModelForSequenceClassification.from_config(CONFIGS[kind]()).eval()


def classifier_of(kind: str) -> Classifier:
    tokenizer = tiny_tokenizer(trio_texts("en"))
    tokenizer.model_max_length = TOKENS
    return Classifier(model_of(kind), tokenizer)


@pytest.mark.parametrize("kind", ["modernbert", "deberta-v2", "longformer"])
def test_a_student_of_any_kind_keeps_the_layers_and_what_the_configuration_says_of_each(kind: str) -> None:
    teacher = model_of(kind)
    student = fewer_layers(teacher, [1, 4]).eval()
    for key in ("layer_types", "attention_window"):
        if isinstance(values := getattr(teacher.config, key, None), list):
            assert getattr(student.config, key) == [values[0], values[3]]
    before, after = encoder_layers(teacher), encoder_layers(student)
    assert before and after and before[0] == after[0]
    assert len(after[1]) == student.config.num_hidden_layers == 2
    for new, old in ((0, 0), (1, 3)):
        for key, value in before[1][old].state_dict().items():
            assert torch.equal(after[1][new].state_dict()[key], value), key
    rest = {key for key in student.state_dict() if not key.startswith(after[0])}
    assert rest == {key for key in teacher.state_dict() if not key.startswith(before[0])}
    # What is above and below the layers is the teacher's: without layers 2 and 3, it gives the same logits.
    batch = {"input_ids": torch.arange(5, 17)[None], "attention_mask": torch.ones(1, 12, dtype=torch.int64)}
    for gone in (1, 2):
        before[1][gone].register_forward_hook(
            lambda module, inputs, output: (inputs[0], *output[1:]) if isinstance(output, tuple) else inputs[0]
        )
    with torch.inference_mode():
        torch.testing.assert_close(student(**batch).logits, teacher(**batch).logits)


def test_pos_att_type_has_nothing_to_do_with_layers() -> None:
    """DeBERTa's list has two entries, as many as this model has layers."""
    config = DebertaV2Config(**SIZE, **{**LONG, "num_hidden_layers": 2}, pos_att_type=["p2c", "c2p"])
    teacher = AutoModelForSequenceClassification.from_config(config)
    assert fewer_layers(teacher, 1).config.pos_att_type == ["p2c", "c2p"]


def test_modernberts_first_layer_has_no_norm_wherever_it_was() -> None:
    """The layer that becomes the first reads embeddings that are normalised already."""
    teacher = model_of("modernbert")
    student = fewer_layers(teacher, 2)  # the second and the fourth layer
    assert not list(student.model.layers[0].attn_norm.parameters())
    for new, old in ((0, 1), (1, 3)):
        for key, value in student.model.layers[new].state_dict().items():
            assert torch.equal(value, teacher.model.layers[old].state_dict()[key]), key


def by_formula(tokens: int) -> float:
    """Gigaflops of DeBERTa: 2 for each weight and token in a linear layer; attention to contents and to positions."""
    hidden, inner, layers, buckets = 32, 64, 4, 8
    linear = tokens * (4 * hidden * hidden + 2 * hidden * inner)
    positions = 2 * 2 * buckets * hidden * hidden  # keys and queries of the relative positions
    contents = 2 * tokens * tokens * hidden
    relative = 2 * tokens * 2 * buckets * hidden
    head = hidden * hidden + 3 * hidden
    return 2 * (layers * (linear + positions + contents + relative) + head) / 1e9


def test_a_debertas_size_is_counted() -> None:
    size = size_of(classifier_of("deberta-v2"))
    assert size["gigaflops"] == pytest.approx(by_formula(TOKENS), abs=1e-6)
    assert size["layers"] == 4


@pytest.mark.parametrize("kind", ["modernbert", "deberta-v2", "longformer"])
def test_a_rehearsal_changes_nothing_that_a_training_reads(kind: str) -> None:
    classifier = classifier_of(kind)
    weights = {name: value.clone() for name, value in classifier.model.state_dict().items()}
    state = torch.random.get_rng_state()
    rehearse(classifier, None, "any")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(value, weights[name]) for name, value in classifier.model.state_dict().items())
    assert all(parameter.grad is None for parameter in classifier.model.parameters())


@pytest.mark.parametrize(("kind", "message"), [("bart", "has a decoder"), ("funnel", "cannot be made smaller")])
def test_what_a_later_stage_cannot_take_is_refused_before_any_training(kind: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"finetune_source\.model: 'any' \({kind}\) {message}"):
        rehearse(classifier_of(kind), None, "any")


def test_layers_and_lengths_that_the_model_has_not_are_refused_before_any_training(tmp_path: Path) -> None:
    make_tiny_model(tmp_path)
    classifier = load_pretrained(str(tmp_path), ["a", "b"], seed=1)
    classifier.tokenizer.model_max_length = 64
    rehearse(classifier, 4, "any")
    with pytest.raises(UserError, match=r"distill\.layers: found 5; the teacher has 4"):
        rehearse(classifier, 5, "any")
    classifier.tokenizer.model_max_length = 65
    with pytest.raises(UserError, match=r"finetune_source\.max_length: found 65; the model reads 64 tokens"):
        rehearse(classifier, 4, "any")


def test_one_process_takes_one_gpu_however_many_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With four, transformers by itself wraps the model and makes four batches of one."""
    model = model_of("longformer")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    settings: dict[str, Any] = {"output_dir": str(tmp_path), "per_device_train_batch_size": 8, "report_to": "none"}
    assert (TrainingArguments(**settings).n_gpu, TrainingArguments(**settings).train_batch_size) == (4, 32)
    arguments = OneProcess(**settings)
    assert (arguments.n_gpu, arguments.train_batch_size) == (1, 8)
    rows = Dataset.from_dict({"input_ids": [[5, 6, 7]] * 16, "labels": [0] * 16})
    trainer = Trainer(model=model, args=arguments, train_dataset=rows)
    assert next(iter(trainer.get_train_dataloader()))["input_ids"].shape[0] == 8
    assert trainer._wrap_model(trainer.model) is trainer.model


def test_every_training_is_one_processs(monkeypatch: pytest.MonkeyPatch) -> None:
    from crosswiki.bert import training

    given: list[Any] = []
    model = model_of("modernbert")

    def refuse(**arguments: Any) -> None:
        given.append(arguments["args"])
        raise InterruptedError

    monkeypatch.setattr(training, "LossTrainer", refuse)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    texts = Dataset.from_dict({"input_ids": [[5, 6, 7]] * 16, "length": [3] * 16})
    schedule = Schedule(epochs=1, batch_size=8, learning_rate=0.1, warmup_ratio=0, weight_decay=0, dropout=0)
    with pytest.raises(InterruptedError):
        training.train(
            model,
            texts,
            lambda model, batch: model(**batch).logits.sum(),
            lambda rows: {},
            schedule,
            seed=1,
            device=torch.device("meta"),  # no GPU is there
            what="any",
            report=lambda values, step: None,
        )
    assert (given[0].n_gpu, given[0].train_batch_size) == (1, 8)


@pytest.mark.parametrize("kind", ["modernbert", "deberta-v2", "longformer"])
def test_such_a_model_is_trained_transplanted_and_made_smaller(kind: str, tmp_path: Path) -> None:
    """With embeddings that change in the rows that are read, and in no other."""
    teacher = classifier_of(kind)
    labels, texts = ["a", "b", "c"], trio_texts("en")[:12]
    teacher.model.config.id2label = dict(enumerate(labels))
    before = {name: value.clone() for name, value in teacher.model.state_dict().items()}
    schedule = Schedule(epochs=12, batch_size=4, learning_rate=0.003, warmup_ratio=0, weight_decay=0, dropout=0)
    options: dict[str, Any] = {"device": torch.device("cpu"), "seed": 1, "report": lambda values, step: None}
    vectors = torch.randn(600, 5, generator=torch.Generator().manual_seed(1))
    articles = pandas.DataFrame({"text": texts, "topic": labels * 4})
    with (
        pytest.MonkeyPatch.context() as patch,
        reading_mixtures(teacher, vectors, probability=0.3, neighbours=3, temperature=0.1),
    ):
        patch.setenv("DVC_ROOT", str(tmp_path))
        history = finetune(teacher, articles, schedule, what="teacher", **options)
    assert history[-1]["loss"] < history[0]["loss"]
    name = next(
        key for key, value in teacher.model.named_parameters() if value is teacher.model.get_input_embeddings().weight
    )
    changed = (teacher.model.state_dict()[name] != before[name]).any(1)
    assert 0 < changed.sum() < 600

    tokenizer = tiny_tokenizer(trio_texts("ru"), 700)
    tokenizer.model_max_length = TOKENS
    other = torch.randn(len(tokenizer), 5, generator=torch.Generator().manual_seed(2))
    settings = load_parameters(ROOT / "params.yaml").transplant
    transplanted, _ = transplant(teacher, tokenizer, vectors, other, Translations(), settings, 1)
    kept = teacher.model.state_dict()
    for key, value in transplanted.model.state_dict().items():
        assert key == name or torch.equal(value, kept[key]), key
    student = Classifier(fewer_layers(transplanted.model, 2), tokenizer)
    freeze_output_layer(student.model)
    frozen = {key: value.clone() for key, value in output_layer(student.model).items()}
    russian = pandas.DataFrame({"text": trio_texts("ru")[:12], "topic": labels * 4})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(tmp_path))
        history = finetune(student, russian, schedule, what="student", **options)
    assert history[-1]["loss"] < history[0]["loss"]
    assert all(torch.equal(value, frozen[key]) for key, value in output_layer(student.model).items())
    save_classifier(student, tmp_path / "student")
    again = load_classifier(tmp_path / "student")
    logits = [predict_logits(one, texts, TOKENS, torch.device("cpu"), "any") for one in (student, again)]
    assert torch.equal(logits[0], logits[1])


@pytest.mark.parametrize("kind", ["bert", "roberta", "albert", "xlnet"])
def test_what_every_stage_takes_is_not_refused(kind: str, tmp_path: Path) -> None:
    make_tiny_model(tmp_path, kind)
    classifier = load_pretrained(str(tmp_path), ["a", "b"], seed=1)
    classifier.tokenizer.model_max_length = 64
    rehearse(classifier, None, "any")
    check_folder(str(tmp_path), 64, 4)
    with pytest.raises(UserError, match=r"distill\.layers: found 5; the teacher has 4"):
        check_folder(str(tmp_path), 64, 5)
