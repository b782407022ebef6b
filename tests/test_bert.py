"""The transformer side against independent statements of it, on tiny models with random weights."""

import copy
import shutil
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from crosswiki.bert import classification, training
from crosswiki.bert.adaptation import (
    Parallel,
    dictionary_texts,
    drift_from,
    encode_parallel,
    linked_articles,
    parallel_padding,
    parallel_texts,
    representation_loss,
    texts_of_the_task,
)
from crosswiki.bert.batches import LengthBuckets
from crosswiki.bert.classification import encode, label_loss, mean_hidden, padding, predict_logits, read_texts
from crosswiki.bert.distillation import UNKNOWN, batch_loss, distillation_loss, merge, pair_articles
from crosswiki.bert.finetuning import interpolate
from crosswiki.bert.loss_trainer import Loss, LossTrainer
from crosswiki.bert.masked_language import (
    all_but_embeddings,
    both_languages,
    language_heads,
    mask_tokens,
    masked_loss,
    masked_padding,
)
from crosswiki.bert.mixtures import mix_embeddings, piece_vectors, reading_mixtures, token_vectors
from crosswiki.bert.models import (
    Classifier,
    fewer_layers,
    freeze_output_layer,
    from_random_weights,
    layers_from_the_top,
    output_layer,
    save_classifier,
    seeded,
    with_embeddings,
)
from crosswiki.bert.pretrained import load_pretrained
from crosswiki.bert.rows import only_rows_read
from crosswiki.bert.schedules import Schedule
from crosswiki.bert.tokenization import extend_tokenizer, train_tokenizer
from crosswiki.bert.training import History, curve, gradually, train
from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.vectors import WordVectors
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.parameters_of_models import RepresentationDistillation
from tests.tiny import ROOT, tiny_tokenizer, trio_texts

CPU = torch.device("cpu")
TOPICS = ["Biology", "Geography", "History"]


def tiny_classifier(seed: int = 0, layers: int = 4) -> Classifier:
    tokenizer = tiny_tokenizer(trio_texts("en"), 400)
    tokenizer.model_max_length = 32
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=24,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        pad_token_id=tokenizer.pad_token_id,
        id2label=dict(enumerate(TOPICS)),
        label2id={topic: place for place, topic in enumerate(TOPICS)},
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Classifier(BertForSequenceClassification(config).eval(), tokenizer)


@pytest.fixture
def in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classification, "half_precision", lambda device: False)


# Distillation


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), temperature=st.floats(0.5, 8), soft=st.floats(0, 1))
def test_distillation_loss_is_hintons_formula_in_float64(seed: int, temperature: float, soft: float) -> None:
    draw = numpy.random.default_rng(seed)
    student, teacher = draw.normal(size=(2, 5, 4)) * 3
    labels = draw.integers(-1, 4, 5)

    def softmax(logits: Any) -> Any:
        powers = numpy.exp(logits - logits.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)

    p, q = softmax(teacher / temperature), softmax(student / temperature)
    divergence = (p * (numpy.log(p) - numpy.log(q))).sum(1).mean()
    hard = sum(-numpy.log(softmax(student)[i, label]) for i, label in enumerate(labels) if label >= 0) / 5
    expected = soft * temperature**2 * divergence + (1 - soft) * hard
    given_labels = torch.tensor([UNKNOWN if label < 0 else label for label in labels])
    loss = distillation_loss(torch.tensor(student), torch.tensor(teacher), given_labels, temperature, soft)
    assert loss.item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_hidden_states_are_matched_beside_the_logits() -> None:
    classifier, texts = tiny_classifier(), trio_texts("en")[:3]
    logits, states = read_texts(classifier, texts, 16, CPU, "test")
    wanted = states + 0.5  # off by a half everywhere
    rows = encode(texts, classifier.tokenizer, 16, teacher_logits=logits.tolist(), labels=[UNKNOWN] * 3)
    plain = padding(classifier.tokenizer)(list(rows))
    assert batch_loss(2.0, 1.0, 0.0)(classifier.model, plain).item() == pytest.approx(0, abs=1e-3)
    batch = padding(classifier.tokenizer)(list(rows)) | {"teacher_states": wanted}
    assert batch_loss(2.0, 1.0, 3.0)(classifier.model, batch).item() == pytest.approx(3 * 0.25, rel=1e-2)


def articles(rows: list[tuple[str, str, str | None, str]]) -> pandas.DataFrame:
    return pandas.DataFrame(rows, columns=["concept", "text", "topic", "split"])


def test_students_read_what_their_teacher_reads_about_and_no_other_split() -> None:
    source = articles(
        [
            ("sun", "the sun", "Physics", "train"),
            ("moon", "the moon", "Physics", "test"),
            ("sea", "a sea", None, "train"),
        ]
    )
    target = articles(
        [("sea", "la mer", "x", "train"), ("sun", "le soleil", "x", "train"), ("moon", "la lune", "x", "train")]
    )
    paired = pair_articles(target, source)
    assert paired.source_texts == ["a sea", "the sun", None]
    assert paired.topics == [None, "Physics", None]
    merged = merge([True, False, True], torch.tensor([[1.0], [2.0]]), torch.tensor([[8.0]]))
    assert merged.flatten().tolist() == [1.0, 8.0, 2.0]


# Transplant


def planted_words(words: list[str], dim: int = 8, seed: int = 0) -> WordVectors:
    draw = numpy.random.default_rng(seed)
    counts = numpy.arange(len(words), 0, -1)
    vectors = torch.from_numpy(draw.normal(size=(len(words), dim)).astype("f4"))
    return WordVectors(Vocabulary(tuple(words), counts), vectors)


def test_a_mixture_is_that_of_the_formula() -> None:
    draw = numpy.random.default_rng(3)
    embeddings, source, other = draw.normal(size=(6, 5)), draw.normal(size=(6, 4)), draw.normal(size=(3, 4))
    source /= numpy.linalg.norm(source, axis=1, keepdims=True)
    other /= numpy.linalg.norm(other, axis=1, keepdims=True)
    cosine = other @ source.T
    hubness = cosine.mean(0)  # fewer new tokens than CSLS has neighbours
    expected = []
    for row in 2 * cosine - hubness:
        best = numpy.argsort(-row)[:2]
        weights = numpy.exp(row[best] / 0.3) / numpy.exp(row[best] / 0.3).sum()
        mixture = weights @ embeddings[best]
        length = weights @ numpy.linalg.norm(embeddings[best], axis=1)
        expected.append(mixture / numpy.linalg.norm(mixture) * length)
    mixed = mix_embeddings(*map(torch.from_numpy, (embeddings, source, other)), neighbours=2, temperature=0.3)
    numpy.testing.assert_allclose(mixed.numpy(), numpy.array(expected), rtol=1e-9)


def test_a_tokens_vector_is_the_weighted_mean_of_its_words() -> None:
    source = tiny_classifier()
    words = planted_words(["river", "rivers", "city"])
    vectors = token_vectors(source.tokenizer, words, words.vectors)
    expected = numpy.zeros((len(source.tokenizer), 8))
    for word, count, vector in zip(words.vocabulary.words, words.vocabulary.counts, words.vectors.numpy(), strict=True):
        for form in (word, word.capitalize()):
            for token in source.tokenizer.encode(form, add_special_tokens=False):
                if token not in source.tokenizer.all_special_ids:
                    expected[token] += count * vector
    lengths = numpy.linalg.norm(expected, axis=1, keepdims=True)
    expected = numpy.divide(expected, lengths, where=lengths > 0, out=numpy.zeros_like(expected))
    numpy.testing.assert_allclose(vectors.numpy(), expected, atol=1e-6)


def test_a_tokenizer_is_the_same_each_time() -> None:
    like = tiny_classifier().tokenizer
    first, second = (train_tokenizer(like, trio_texts("ru"), 500) for _ in range(2))
    assert first.get_vocab() == second.get_vocab()
    assert first.special_tokens_map == like.special_tokens_map
    assert len(first) == 500


def extended(words: list[str], texts: list[str], most: int = 1000) -> tuple[PreTrainedTokenizerFast, ...]:
    like = tiny_classifier().tokenizer
    pieces = train_tokenizer(like, texts, 300)
    return like, pieces, extend_tokenizer(like, pieces, texts, planted_words(words).vocabulary.words, most)


def test_an_extended_tokenizer_has_the_sources_tokens_under_their_ids_and_new_words_whole(tmp_path: Path) -> None:
    like, pieces, tokenizer = extended(["революция", "theorie", "city"], trio_texts("ru"))
    vocabulary = tokenizer.get_vocab()
    assert all(vocabulary[token] == place for token, place in like.get_vocab().items())
    assert set(vocabulary) == {*like.get_vocab(), *pieces.get_vocab(), "революция", "theorie"}
    assert sorted(vocabulary.values()) == list(range(len(tokenizer)))
    assert tokenizer.tokenize("Революция, theorie") == ["революция", ",", "theorie"]
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for text in ("Революция в theorie", "Été йод ещё", *trio_texts("ru")[:3]):
        assert loaded.tokenize(text) == tokenizer.tokenize(text)
    assert loaded.model_max_length == 32
    assert tokenizer.unk_token_id not in tokenizer(" ".join(trio_texts("ru")))["input_ids"]


def test_chinese_words_stay_together_and_the_longest_known_one_is_taken_first(tmp_path: Path) -> None:
    words = ["长江", "是", "中国", "最", "长", "的", "河流", "nba"]
    like, _, tokenizer = extended(words, trio_texts("zh"))
    assert like.tokenize("长江") != ["长江"]
    vocabulary = tokenizer.get_vocab()
    assert all(vocabulary[token] == place for token, place in like.get_vocab().items())
    assert sorted(vocabulary.values()) == list(range(len(tokenizer)))
    expected = ["长江", "##是", "##中国", "##最", "##长", "##的", "##河流", "。", "nba", "河流"]
    assert tokenizer.tokenize("长江是中国最长的河流。NBA河流") == expected
    unknown = "\u9fa0"
    assert unknown not in vocabulary
    assert tokenizer.tokenize(f"长江{unknown}河流") == ["长江", tokenizer.unk_token, "河流"]
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for text in (f"长江是{unknown}中国最长的河流。NBA河流", *trio_texts("zh")[:3], "Été in Paris"):
        assert loaded(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert loaded.model_max_length == like.model_max_length
    assert loaded.special_tokens_map == like.special_tokens_map
    assert set(loaded("长江")) == set(like("river"))
    assert tokenizer.unk_token_id not in tokenizer(" ".join(trio_texts("zh")))["input_ids"]


def test_a_chinese_word_has_one_vector_wherever_it_stands() -> None:
    words = planted_words(["长江", "是", "中国", "河流"])
    _, pieces, tokenizer = extended(list(words.vocabulary.words), trio_texts("zh"))
    found = piece_vectors(tokenizer, pieces, words, words.vectors)
    own = torch.nn.functional.normalize(words.vectors, dim=1)
    for place, word in enumerate(words.vocabulary.words):
        for token in (word, f"##{word}"):
            torch.testing.assert_close(found[tokenizer.convert_tokens_to_ids(token)], own[place])


def test_accents_stay_and_case_goes() -> None:
    _, _, tokenizer = extended(["théorie", "où"], ["théorie où"] * 20)
    assert tokenizer.tokenize("Théorie Où") == ["théorie", "où"]


def test_only_so_many_words_are_added_the_most_frequent_first() -> None:
    _, pieces, tokenizer = extended(["mot", "rare"], ["z"] * 20, most=1)
    assert "mot" in tokenizer.get_vocab()
    assert "rare" not in {*tokenizer.get_vocab()} - {*pieces.get_vocab()}


def test_a_word_that_is_a_token_has_its_own_vector_and_a_piece_that_of_its_words() -> None:
    texts = ["река реки речка"] * 40
    _, pieces, tokenizer = extended(["река", "реки", "речка"], texts)
    words = planted_words(["река", "реки", "речка"])
    found = piece_vectors(tokenizer, pieces, words, words.vectors)
    own = torch.nn.functional.normalize(words.vectors, dim=1)
    for place, word in enumerate(words.vocabulary.words):
        torch.testing.assert_close(found[tokenizer.convert_tokens_to_ids(word)], own[place])
    alone = token_vectors(pieces, words, words.vectors)
    for token, place in pieces.get_vocab().items():
        if token not in words.vocabulary.ids:
            assert torch.equal(found[tokenizer.convert_tokens_to_ids(token)], alone[place])


def test_a_token_takes_no_part_in_its_own_mixture_unless_it_may() -> None:
    draw = torch.Generator().manual_seed(4)
    embeddings, own = torch.randn(6, 5, generator=draw), torch.nn.functional.normalize(torch.eye(6) + 0.1, dim=1)
    with_itself = mix_embeddings(embeddings, own, own, neighbours=1, temperature=0.1)
    torch.testing.assert_close(with_itself, embeddings)
    without = mix_embeddings(embeddings, own, own, neighbours=6, temperature=0.1, itself=False)
    for place in range(6):
        others = [other for other in range(6) if other != place]
        expected = mix_embeddings(embeddings[others], own[others], own[[place]], 6, 0.1)  # with 5 keys, 5 take part
        cosine = torch.nn.functional.cosine_similarity(without[place], expected[0], dim=0)
        assert cosine > 0.999


def test_only_in_training_a_share_of_the_known_tokens_is_read_as_mixtures() -> None:
    classifier = tiny_classifier()
    layer = classifier.model.get_input_embeddings()
    vectors = torch.nn.functional.normalize(torch.randn(len(layer.weight), 8, generator=torch.Generator()), dim=1)
    vectors[:10] = 0
    ids = torch.randint(len(vectors), (300, 20), generator=torch.Generator().manual_seed(1))
    plain = layer(ids)
    with seeded(1), reading_mixtures(classifier, vectors, probability=0.2, neighbours=4, temperature=0.1):
        classifier.model.eval()
        assert torch.equal(layer(ids), plain)
        classifier.model.train()
        changed = (layer(ids) != plain).any(2)
    assert not changed[ids < 10].any()
    shares = changed[:, :].float().sum(1) / (ids >= 10).sum(1).clamp(min=1)
    assert float(changed[ids >= 10].float().mean()) == pytest.approx(0.2, abs=0.03)
    assert shares.std() > 0.1, "each text has a share of its own"
    assert torch.equal(layer(ids), plain), "nothing stays behind"
    with reading_mixtures(classifier, vectors, probability=0.0, neighbours=4, temperature=0.1):
        assert torch.equal(layer(ids), plain)


# Models


def models() -> list[PreTrainedModel]:
    size = {"vocab_size": 50, "num_labels": 3, "max_position_embeddings": 40}
    long = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 20}
    return [
        BertForSequenceClassification(BertConfig(**size, **long)),
        RobertaForSequenceClassification(RobertaConfig(**size, **long)),
        DistilBertForSequenceClassification(DistilBertConfig(**size, dim=16, n_layers=4, n_heads=2, hidden_dim=20)),
    ]


@pytest.mark.parametrize("layers", [2, (1, 3), (2, 4)])
@pytest.mark.parametrize("model", models(), ids=lambda model: type(model).__name__)
def test_a_smaller_student_has_its_teachers_layers(model: PreTrainedModel, layers: int | tuple[int, int]) -> None:
    student = fewer_layers(model, layers)
    assert student.config.num_hidden_layers == 2
    teacher = model.state_dict()
    first, last = (0, 2) if layers == (1, 3) else (1, 3)
    for name, value in student.state_dict().items():
        old = name.replace("layer.1.", f"layer.{last}.").replace("layer.0.", f"layer.{first}.")
        assert value.equal(teacher[old]), name
    assert set(output_layer(model)) == {name for name in teacher if not name.startswith(model.base_model_prefix + ".")}
    with pytest.raises(UserError, match=r"distill\.layers: found 5; the teacher has 4"):
        fewer_layers(model, 5)
    with pytest.raises(UserError, match=r"distill\.layers: found \[2, 5\]; the teacher has 4"):
        fewer_layers(model, (2, 5))


@pytest.mark.parametrize("name", ["wheel:nothing", "no/such folder", "wheel:a==1#sha256=12"])
def test_a_model_that_cannot_be_had_ends_in_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match=r"finetune_source\.model") as caught:
        load_pretrained(name, TOPICS, seed=1)
    assert len(str(caught.value).splitlines()) == 1


def test_a_fresh_head_depends_on_the_seed_alone(tmp_path: Path) -> None:
    save_classifier(tiny_classifier(), tmp_path)
    heads = []
    for disturbance, seed in ((1, 5), (2, 5), (1, 6)):
        torch.manual_seed(disturbance)
        model = load_pretrained(str(tmp_path), ["a", "b"], seed).model
        heads.append(model.classifier.weight)
    assert heads[0].equal(heads[1])
    assert not heads[0].equal(heads[2])


# Training


def weight(classifier: Classifier) -> float:
    return float(classifier.model.get_input_embeddings().weight.detach().abs().sum())


def lessons(classifier: Classifier, count: int = 24) -> Any:
    texts = trio_texts("en")[:count]
    return encode(texts, classifier.tokenizer, 16, labels=[place % 3 for place in range(len(texts))])


def fit(classifier: Classifier, epochs: float = 2, **changes: Any) -> History:
    arguments: dict[str, Any] = {
        "loss": label_loss,
        "collate": padding(classifier.tokenizer),
        "schedule": Schedule(epochs, 4, 1e-3, 0.1, 0.01, 0.1),
        "seed": 3,
        "device": CPU,
        "what": "test",
        "report": lambda values, step: None,
        **changes,
    }
    return train(classifier.model, lessons(classifier), **arguments)


def counted_loss() -> tuple[Loss, list[int]]:
    """`label_loss`, and a list that grows by one with each call of it."""
    steps: list[int] = []

    def loss(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        steps.append(len(batch["labels"]))
        return label_loss(model, batch)

    return loss, steps


def same_bytes(model: PreTrainedModel, other: PreTrainedModel) -> bool:
    """Whether two models have the same parameters, bit for bit."""
    weights, others = model.state_dict(), other.state_dict()
    return weights.keys() == others.keys() and all(value.equal(others[name]) for name, value in weights.items())


def test_training_lowers_the_loss_and_leaves_a_frozen_output_layer_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    classifier = tiny_classifier()
    before = {name: value.clone() for name, value in classifier.model.state_dict().items()}
    freeze_output_layer(classifier.model)
    points = []
    schedule = Schedule(40, 4, 5e-3, 0.1, 0.0, 0.1)
    history = fit(classifier, schedule=schedule, report=lambda values, step: points.append((step, values["loss"])))
    after = classifier.model.state_dict()
    assert curve(history) == points
    assert points[-1][1] < 0.8 * points[0][1]
    for name in output_layer(classifier.model):
        assert after[name].equal(before[name])
    assert sum(not after[name].equal(before[name]) for name in before) > 40
    assert not list(tmp_path.rglob("checkpoint-*"))


def test_a_killed_training_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    whole = tiny_classifier()
    waiting = gradually(whole.model, 0.9)
    history = fit(whole, waiting=waiting, measure=lambda: {"weight": weight(whole)})
    calls = 0

    def killed_at_the_ninth(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 9:
            raise KeyboardInterrupt
        return label_loss(model, batch)

    with pytest.raises(KeyboardInterrupt):
        killed = tiny_classifier()
        waiting = gradually(killed.model, 0.9)
        fit(killed, loss=killed_at_the_ninth, waiting=waiting, measure=lambda: {"weight": weight(killed)})
    assert list(tmp_path.rglob("checkpoint-8"))
    counted, steps = counted_loss()
    resumed = tiny_classifier()
    waiting = gradually(resumed.model, 0.9)
    again = fit(resumed, loss=counted, waiting=waiting, measure=lambda: {"weight": weight(resumed)})
    assert [step for step, _ in curve(again)] == [step for step, _ in curve(history)]
    assert [value for _, value in curve(again)] == pytest.approx([value for _, value in curve(history)])
    assert len(curve(history, "weight")) > 2
    assert curve(again, "weight") == curve(history, "weight")
    assert len(steps) == 12 - 8
    assert same_bytes(resumed.model, whole.model)


def test_a_training_that_is_killed_while_it_saves_goes_on_from_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    whole = tiny_classifier()
    fit(whole)
    left = tmp_path / "left"
    saved = LossTrainer._save_rng_state

    def killed_at_the_eighth(trainer: LossTrainer, folder: str) -> None:
        if trainer.state.global_step == 8:
            shutil.copytree(Path(folder).parent, left)
            raise KeyboardInterrupt
        saved(trainer, folder)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(LossTrainer, "_save_rng_state", killed_at_the_eighth)
        fit(tiny_classifier())
    (last,) = tmp_path.rglob("checkpoint-7")
    left.rename(last.parent.with_name(f".{last.parent.name}.partial"))  # SIGKILL leaves what has been written
    assert list(tmp_path.rglob("checkpoint-8"))
    counted, steps = counted_loss()
    resumed = tiny_classifier()
    fit(resumed, loss=counted)
    assert len(steps) == 12 - 7
    assert same_bytes(resumed.model, whole.model)
    assert not list(tmp_path.rglob("checkpoint-*"))


@pytest.mark.parametrize("model", models()[:2], ids=lambda model: type(model).__name__)
def test_the_rows_that_texts_read_learn_what_they_learn_in_the_whole_table(
    model: PreTrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "half_precision", lambda device: False)
    padding_id = model.config.pad_token_id
    rows = torch.randint(5, 20, (12, 8), generator=torch.Generator().manual_seed(1)).tolist()
    texts = Dataset.from_dict({"input_ids": [row[: 2 + n % 6] for n, row in enumerate(rows)], "length": [8] * 12})
    texts = texts.add_column("labels", [0, 1, 2] * 4)
    vectors = torch.nn.functional.normalize(torch.randn(50, 8, generator=torch.Generator().manual_seed(2)), dim=1)

    def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        ids = [torch.tensor(row["input_ids"]) for row in rows]
        padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=padding_id)
        labels = torch.tensor([row["labels"] for row in rows])
        return {"input_ids": padded, "attention_mask": (padded != padding_id).long(), "labels": labels}

    def trained(decay: float, **how: Any) -> dict[str, torch.Tensor]:
        fitted = copy.deepcopy(model).double()
        tokenizer: Any = None
        with reading_mixtures(Classifier(fitted, tokenizer), vectors.double(), 0.3, 4, 0.1):
            for _ in range(2):  # the second one begins where the first has put everything back
                schedule = Schedule(4, 4, 1e-2, 0.1, decay, 0.1)
                arguments: dict[str, Any] = {"device": CPU, "what": "test", "report": lambda values, step: None, **how}
                waiting = gradually(fitted, 0.5)
                train(fitted, texts, label_loss, collate, schedule, seed=1, waiting=waiting, **arguments)
        assert fitted.get_input_embeddings()(torch.tensor([[49]])).shape == (1, 1, 16)
        return fitted.state_dict()

    whole, part = trained(0.0, whole_table=True), trained(0.0)
    for name, value in whole.items():
        torch.testing.assert_close(part[name], value, rtol=0, atol=1e-9, msg=name)
    name = next(name for name in whole if name.endswith("word_embeddings.weight"))
    before, decayed = model.double().state_dict()[name], trained(0.5)[name]
    unread = torch.tensor(sorted(set(range(50)) - {token for row in texts["input_ids"] for token in row}))
    assert decayed[unread].equal(before[unread])
    assert not (trained(0.5, whole_table=True)[name][unread] == before[unread]).all()
    assert (part[name][5:20] != before[5:20]).any(1).all()


@pytest.mark.parametrize("device", ["cpu", "cuda"])  # what is done for a device; the numbers are the CPU's
def test_the_rows_that_texts_read_have_the_whole_tables_gradient(device: str) -> None:
    model = models()[0].double().eval()
    ids, table = torch.tensor([[5, 9, 9, 0], [7, 5, 30, 31]]), model.get_input_embeddings()
    texts = Dataset.from_dict({"input_ids": [row[row > 0].tolist() for row in ids]})
    read, before = [0, 5, 7, 9, 30, 31], table.weight.detach().clone()  # 0 is padding's

    def gradient(chosen: slice) -> torch.Tensor:
        model.zero_grad()
        model(input_ids=ids[chosen], attention_mask=(ids[chosen] > 0).long()).logits[:, 1].sum().backward()
        return table.weight.grad.clone()

    both, second = gradient(slice(2)), gradient(slice(1, 2))
    for _ in range(2):
        with only_rows_read(model, texts, torch.device(device)):
            torch.testing.assert_close(gradient(slice(2)), both[read])
            torch.testing.assert_close(gradient(slice(1, 2)), second[read])  # nothing of the first text's is left
            with pytest.raises(IndexError):
                model(torch.tensor([[6]]))
        assert table.weight.equal(before)
    torch.testing.assert_close(gradient(slice(2)), both)


def test_layers_learn_from_the_last_one_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    classifier, before = tiny_classifier(), tiny_classifier().model.state_dict()
    freeze_output_layer(classifier.model)
    groups = gradually(classifier.model, 0.5)
    assert [share for share, _ in groups] == [0, 0.125, 0.25, 0.375, 0.5]
    names = {id(parameter): name for name, parameter in classifier.model.named_parameters()}
    waiting = [{names[id(parameter)] for parameter in group} for _, group in groups]
    assert all(name.startswith(("bert.pooler.", "bert.encoder.layer.3.")) for name in waiting[0])
    for place, layer in ((1, 2), (2, 1), (3, 0)):
        assert waiting[place] == {name for name in before if name.startswith(f"bert.encoder.layer.{layer}.")}
    assert waiting[4] == {name for name in before if name.startswith("bert.embeddings.")}
    moved: dict[int, set[str]] = {}

    def watched(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        state = model.state_dict()
        moved[len(moved)] = {name for name, value in state.items() if not value.equal(before[name])}
        return label_loss(model, batch)

    schedule = Schedule(4, 4, 1e-3, 0.0, 0.01, 0.0)  # 24 steps
    fit(classifier, loss=watched, waiting=groups, schedule=schedule, whole_table=True)
    free = [3, 6, 9, 12]  # the steps before which one more group begins to learn
    for step, names_moved in moved.items():
        begun = set(waiting[0]) if step else set()
        for at, group in zip(free, waiting[1:], strict=True):
            begun |= group if step > at else set()
        assert names_moved <= begun
        assert len(names_moved) >= 0.8 * len(begun)  # key biases have no gradient, and not all positions are read
    assert all(parameter.requires_grad for _, group in groups for parameter in group)
    assert gradually(classifier.model, 0.0) == []


@pytest.mark.parametrize("model", models(), ids=lambda model: type(model).__name__)
def test_every_parameter_is_in_one_group(model: PreTrainedModel) -> None:
    groups = layers_from_the_top(model)
    together = [id(parameter) for group in groups for parameter in group]
    assert sorted(together) == sorted(id(parameter) for parameter in model.parameters())
    assert len(groups) == model.config.num_hidden_layers + 1
    assert any(parameter is model.get_input_embeddings().weight for parameter in groups[-1])
    above = {id(parameter) for parameter in output_layer(model).values()}
    assert above <= {id(parameter) for parameter in groups[0]}


def test_few_texts_are_read_until_there_are_enough_steps() -> None:
    schedule = Schedule(2, 4, 1e-3, 0.1, 0.01, 0.0, min_steps=20)
    assert [schedule.steps(texts) for texts in (1, 24, 40, 100)] == [20, 20, 20, 50]


def test_no_epochs_leave_a_model_as_it_is() -> None:
    classifier, before = tiny_classifier(), tiny_classifier().model.state_dict()
    assert fit(classifier, schedule=Schedule(0, 4, 1e-3, 0.1, 0.01, 0.0, min_steps=20)) == []
    assert all(value.equal(before[name]) for name, value in classifier.model.state_dict().items())


def test_dropout_is_the_schedules_while_it_trains_and_the_models_own_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = []

    def watched(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        model.train()
        inputs = {name: value for name, value in batch.items() if name != "labels"}
        with torch.no_grad():
            seen.append(torch.equal(model(**inputs).logits, model(**inputs).logits))
        return label_loss(model, batch)

    for dropout, repeats in ((0.0, True), (0.3, False)):
        classifier = tiny_classifier()
        own = [module.p for module in classifier.model.modules() if isinstance(module, torch.nn.Dropout)]
        attention = classifier.model.config._attn_implementation
        fit(classifier, loss=watched, schedule=Schedule(1, 4, 1e-3, 0.1, 0.01, dropout))
        assert set(seen) == {repeats}
        assert own == [module.p for module in classifier.model.modules() if isinstance(module, torch.nn.Dropout)]
        assert classifier.model.config._attn_implementation == attention
        seen.clear()


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=400),
    batch=st.integers(1, 16),
    epoch=st.integers(0, 5),
)
def test_length_buckets_read_every_text_once(lengths: list[int], batch: int, epoch: int) -> None:
    sampler = LengthBuckets(lengths, batch, seed=1)
    sampler.set_epoch(epoch)
    order = list(sampler)
    assert sorted(order) == list(range(len(lengths)))
    assert order == list(sampler)


def test_length_buckets_save_padding_and_change_with_the_epoch() -> None:
    lengths = numpy.random.default_rng(0).integers(4, 64, 2000).tolist()
    sampler = LengthBuckets(lengths, 32, seed=1)
    first = list(sampler)
    sampler.set_epoch(1)
    assert first != list(sampler)

    def padded(order: list[int]) -> int:
        return sum(32 * max(lengths[place] for place in order[start : start + 32]) for start in range(0, 2000, 32))

    assert padded(first) < 1.1 * sum(lengths) < padded(list(range(2000)))


def test_logits_do_not_depend_on_the_company_in_a_batch(in_full_precision: None) -> None:
    classifier = tiny_classifier()
    texts = [*trio_texts("en")[:7], "short", ""]
    together = predict_logits(classifier, texts, 24, CPU, "test", batch=4)
    alone = torch.cat([predict_logits(classifier, [text], 24, CPU, "test") for text in texts])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert predict_logits(classifier, [], 24, CPU, "test").shape == (0, 3)


# Adaptation


def test_the_mean_hidden_state_leaves_padding_out() -> None:
    hidden = torch.arange(24, dtype=torch.float64).reshape(2, 3, 4)
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]])
    expected = torch.stack([(hidden[0, 0] + hidden[0, 1]) / 2, hidden[1, 0]])
    torch.testing.assert_close(mean_hidden(hidden, mask), expected)


def test_a_model_that_reads_the_same_agrees_with_its_teacher() -> None:
    classifier, other = tiny_classifier(), tiny_classifier(seed=1)
    rows = encode_parallel([("the river", "the river"), ("a city", "a city")], *[classifier.tokenizer] * 2, 16)
    batch = parallel_padding(classifier.tokenizer, classifier.tokenizer)(list(rows))
    loss = representation_loss(tiny_classifier().model)
    assert loss(classifier.model, batch).item() == pytest.approx(0, abs=1e-9)
    assert loss(other.model.eval(), batch).item() > 0.1


def test_dictionary_texts_have_the_same_entries_on_both_sides() -> None:
    entries = [(f"s{place}", f"o{place}") for place in range(20)]
    texts = dictionary_texts(entries, 200, 5, seed=2)
    assert texts == dictionary_texts(entries, 200, 5, seed=2)
    assert {len(source.split()) for source, _ in texts} == {1, 2, 3, 4, 5}
    assert all(source.replace("s", "o") == other for source, other in texts)


def reading(**changes: float) -> RepresentationDistillation:
    params = load_parameters(ROOT / "params.yaml").adapt.representation_distillation
    return params.model_copy(update={"steps": 5, "batch_size": 2, "glossed_share": 0.0, "max_entries": 1, **changes})


def test_linked_articles_are_read_equally_often_and_from_the_train_split() -> None:
    source = articles([("a", "A", None, "train"), ("b", "B", None, "test"), ("c", "C", None, "train")])
    other = articles([("c", "Z", None, "train"), ("b", "Y", None, "test"), ("a", "X", None, "train")])
    linked = linked_articles(source, other)
    assert linked == [("A", "X"), ("C", "Z")]
    given = (["To be, or not."], {"be": "sein", "not": "nicht"}, [("s", "o")])
    texts = parallel_texts(linked, *given, reading(dictionary_share=0.2), seed=0, language="en")
    assert sorted(texts) == [("A", "X")] * 4 + [("C", "Z")] * 4 + [("s", "o")] * 2
    glossed = ("To be, or not.", "To sein, or nicht.")
    texts = parallel_texts(linked, *given, reading(dictionary_share=0.2, glossed_share=0.4), seed=0, language="en")
    assert sorted(texts) == [("A", "X")] * 2 + [("C", "Z")] * 2 + [glossed] * 4 + [("s", "o")] * 2
    texts = parallel_texts(linked, *given, reading(dictionary_share=0.7, glossed_share=0.7), seed=0, language="en")
    assert texts.count(glossed) == 3
    assert parallel_texts([], *given, reading(dictionary_share=0.0), seed=0, language="en") == [glossed] * 10


def test_the_task_s_own_texts_are_read_before_any_articles_and_once() -> None:
    given = ([("A", "X")], ["To be, or not."], {"be": "sein", "not": "nicht"}, [("s", "o")])
    own: list[Parallel] = [(f"gloss {n}", f"text {n}") for n in range(20)]
    texts = parallel_texts(*given, reading(dictionary_share=0.2), seed=0, language="en", task=own[:3])
    assert sorted(texts) == [("A", "X")] * 5 + own[:3] + [("s", "o")] * 2
    texts = parallel_texts(*given, reading(dictionary_share=0.2, glossed_share=0.4), seed=0, language="en", task=own)
    assert len({*texts} & {*own}) == 8
    assert texts.count(("s", "o")) == 2
    assert parallel_texts(*given, reading(dictionary_share=0.2), seed=0, language="en", task=own) == texts


def test_the_task_s_texts_are_paired_with_their_glosses() -> None:
    table = articles([("task:a", "un", None, "train"), ("b", "deux", None, "train"), ("task:c", "trois", None, "test")])
    assert texts_of_the_task(table, lambda: lambda texts: [f"<{text}>" for text in texts]) == [("<un>", "un")]
    assert texts_of_the_task(table[1:], lambda: pytest.fail("no lexicon is loaded")) == []


def test_masking_hides_a_share_of_ordinary_tokens_and_no_special_one() -> None:
    tokenizer = tiny_classifier().tokenizer
    texts = trio_texts("en")
    rows = mask_tokens(texts, tokenizer, 64, 0.3, seed=4)
    plain = tokenizer(texts, truncation=True, max_length=64)["input_ids"]
    chosen = masks = 0
    for row, original in zip(rows, plain, strict=True):
        for hidden, label, token in zip(row["input_ids"], row["labels"], original, strict=True):
            if label == -100:
                assert hidden == token
            else:
                assert label == token
                assert token not in tokenizer.all_special_ids
                chosen += 1
                masks += hidden == tokenizer.mask_token_id
    assert chosen / sum(len(row) - 2 for row in plain) == pytest.approx(0.3, abs=0.02)
    assert masks / chosen == pytest.approx(0.8, abs=0.06)
    batch = masked_padding(tokenizer)([rows[0], rows[1]])
    assert batch["labels"].shape == batch["input_ids"].shape
    assert ((batch["labels"] == -100) | (batch["attention_mask"] == 1)).all()


def masked_batch(classifier: Classifier, source: Classifier | None, seed: int = 4) -> dict[str, torch.Tensor]:
    rows = mask_tokens(trio_texts("en")[:4], classifier.tokenizer, 24, 0.3, seed)
    if source:
        rows = both_languages(rows, mask_tokens(trio_texts("en")[4:8], source.tokenizer, 24, 0.3, seed))
    return masked_padding(classifier.tokenizer, source.tokenizer if source else None)(list(rows))


def test_two_languages_share_the_encoder_and_each_has_embeddings_of_its_own() -> None:
    classifier, source = tiny_classifier(), tiny_classifier(seed=1)
    before = [name for name, _ in classifier.model.named_parameters()]
    embeddings = source.model.get_input_embeddings()
    with language_heads(classifier, (embeddings, len(source.tokenizer)), seed=3):
        alone = masked_loss(classifier.model, masked_batch(classifier, None))
        joint = masked_loss(classifier.model, masked_batch(classifier, source))
        # The source's side, stated by itself: its embeddings in the encoder's place, its head on what comes out.
        batch = {
            name.removeprefix("source_"): value
            for name, value in masked_batch(classifier, source).items()
            if name.startswith("source_")
        }
        labels = batch.pop("labels")
        ids = batch.pop("input_ids")
        hidden = classifier.model.bert(inputs_embeds=embeddings(ids), **batch)
        scores = classifier.model.source_language_head(hidden.last_hidden_state, embeddings.weight)
        other = torch.nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten())
        torch.testing.assert_close(joint, alone + other)
        joint.backward()
    assert embeddings.weight.grad is not None and embeddings.weight.grad.any()
    assert classifier.model.get_input_embeddings().weight.grad.any()
    assert [name for name, _ in classifier.model.named_parameters()] == before, "nothing stays behind"
    waiting = {id(parameter) for parameter in all_but_embeddings(classifier.model)}
    free = {name for name, parameter in classifier.model.named_parameters() if id(parameter) not in waiting}
    assert free == {"bert.embeddings.word_embeddings.weight", "classifier.weight", "classifier.bias"}


def test_drift_is_the_share_of_texts_that_are_read_otherwise() -> None:
    teacher, adapted, texts = tiny_classifier(), tiny_classifier(), trio_texts("en")
    embeddings = teacher.model.get_input_embeddings()
    with torch.no_grad():
        for classifier in (teacher, adapted):  # so that it says different things of different texts
            classifier.model.bert.pooler.dense.weight.mul_(40)
        adapted.model.get_input_embeddings().weight.normal_(generator=torch.Generator().manual_seed(1))
    drift = drift_from(teacher, adapted, embeddings, texts, CPU)
    assert drift() == {"drift": 0.0}, "embeddings of another language's tokens are no part of it"
    with torch.no_grad():
        adapted.model.classifier.weight[0] *= -1
    said = [predict_logits(one, texts, 32, CPU, "test").argmax(1) for one in (teacher, adapted)]
    with with_embeddings(adapted.model, embeddings):
        said[1] = predict_logits(adapted, texts, 32, CPU, "test").argmax(1)
    assert 0 < drift()["drift"] == pytest.approx(float((said[0] != said[1]).double().mean()))
    assert adapted.model.get_input_embeddings() is not embeddings


def test_a_share_of_the_weights_before_is_kept_and_frozen_ones_are_not_touched() -> None:
    classifier, other = tiny_classifier(), tiny_classifier(seed=1)
    after = {name: value.clone() for name, value in classifier.model.state_dict().items()}
    before = other.model.state_dict()
    freeze_output_layer(classifier.model)
    interpolate(classifier.model, before, 0.25)
    for name, value in classifier.model.state_dict().items():
        frozen = name in output_layer(classifier.model) or not value.is_floating_point()
        expected = after[name] if frozen else 0.25 * before[name] + 0.75 * after[name]
        torch.testing.assert_close(value, expected, msg=name)


def test_a_checkpoint_is_of_one_training_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its settings, the tensors that its loss reads, and what is frozen, beside weights and texts."""
    monkeypatch.chdir(tmp_path)
    texts = Dataset.from_dict({"input_ids": [[1, 2]], "length": [2]})

    def place(freeze: bool = False, *depends: Any) -> Path:
        model = tiny_classifier().model
        if freeze:
            freeze_output_layer(model)
        return training._checkpoints("distill", model, texts, depends)

    places = [
        place(),
        place(True),
        place(False, '{"temperature": 2}'),
        place(False, '{"temperature": 4}'),
        place(False, torch.zeros(2)),
        place(False, torch.ones(2)),
    ]
    assert len(set(places)) == len(places)
    assert place(False, torch.ones(2)) == places[-1]


def test_random_weights_share_no_configuration() -> None:
    classifier = tiny_classifier()
    scratch = from_random_weights(classifier, 1)
    classifier.calibrate(0.5)
    assert (classifier.temperature, scratch.temperature) == (0.5, 1.0)


def test_a_tokenizer_is_the_same_however_the_sources_tokens_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library lists them in another order in each run."""
    given = (["长江", "是", "中国", "河流"], trio_texts("zh"))
    before = extended(*given)[2].get_vocab()
    listed = PreTrainedTokenizerFast.get_vocab

    def turned(self: PreTrainedTokenizerFast) -> dict[str, int]:
        return dict(sorted(listed(self).items(), reverse=True))

    monkeypatch.setattr(PreTrainedTokenizerFast, "get_vocab", turned)
    assert extended(*given)[2].get_vocab() == before
