"""A training that moves embeddings by character n-grams."""

from pathlib import Path

import numpy
import pytest
import torch
from datasets import Dataset
from transformers import BertTokenizerFast

from stages.bert.classification import encode, label_loss, padding, read_texts
from stages.bert.models import Classifier
from stages.bert.ngrams import learning_by_ngrams, spelled
from stages.bert.training import Schedule, train
from tests.test_bert import TOPICS, tiny_classifier
from tests.tiny import trio_texts

CPU = torch.device("cpu")


def lessons(classifier: Classifier) -> Dataset:
    texts = trio_texts("en")[:6]
    return encode(texts, classifier.tokenizer, 12, labels=[place % len(TOPICS) for place in range(len(texts))])


def embeddings(classifier: Classifier) -> torch.Tensor:
    weight: torch.Tensor = classifier.model.get_input_embeddings().weight
    return weight.detach().clone()


def loss_of(classifier: Classifier, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    return label_loss(classifier.model, dict(batch))


def fit(classifier: Classifier, texts: Dataset, epochs: float = 4) -> None:
    train(
        classifier.model,
        texts,
        label_loss,
        padding(classifier.tokenizer),
        Schedule(epochs, 2, 1e-3, 0.1, 0.01, 0.0),
        seed=1,
        device=CPU,
        what="ngrams",
        report=lambda values, step: None,
    )


@pytest.mark.parametrize(
    ("one", "other", "shared", "own"),
    [
        ("where", "there", {"her", "ere", "re>", "here", "ere>", "here>"}, 14),  # <where>: 5 + 4 + 3 + 2
        ("sea", "see", {"<se"}, 6),
        ("a", "##a", {"<a>"}, 1),
        ("Ship", "ship", {"<sh", "shi", "hip", "ip>", "<shi", "ship", "hip>", "<ship", "ship>", "<ship>"}, 10),
        ("ship", "wave", set(), 10),
        ("海水", "海", {"海"}, 3),
        ("海水", "##水", {"水"}, 3),
        ("海水", "山", set(), 3),
    ],
)
def test_words_that_are_spelled_alike_share_ngrams(one: str, other: str, shared: set[str], own: int) -> None:
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys((one, other))]
    tokenizer = BertTokenizerFast(vocab={token: place for place, token in enumerate(tokens)}, do_lower_case=False)
    rows = spelled(tokenizer).toarray()
    assert not rows[:5].any()
    first, second = rows[5], rows[-1]
    assert (first > 0).sum() == own
    assert ((first > 0) & (second > 0)).sum() == len(shared)
    numpy.testing.assert_allclose(numpy.linalg.norm(rows[5:], axis=1), 1, rtol=1e-6)
    numpy.testing.assert_allclose(first[first > 0], own**-0.5, rtol=1e-6)


def test_an_ngrams_gradient_is_the_sum_of_its_tokens() -> None:
    classifier = tiny_classifier()
    classifier.model.double().eval()
    texts, layer = lessons(classifier), classifier.model.get_input_embeddings()
    batch = padding(classifier.tokenizer)(list(texts))
    loss_of(classifier, batch).backward()
    by_token = layer.weight.grad.clone()
    all_grams = spelled(classifier.tokenizer).toarray()
    read = sorted({token for row in texts["input_ids"] for token in row})
    known = all_grams[read].any(0)
    with learning_by_ngrams(classifier, texts, 7.0):
        classifier.model.double()
        loss_of(classifier, batch).backward()
        expected = 7 * all_grams[:, known].T @ by_token.numpy()
        assert 0 < known.sum() < len(known)
        numpy.testing.assert_allclose(layer.moves.grad.numpy(), expected, rtol=1e-5, atol=1e-9)


def test_what_ngrams_learn_is_in_the_table_afterwards_and_moves_tokens_that_no_text_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    classifier = tiny_classifier()
    texts, before = lessons(classifier), embeddings(classifier)
    layer, grams = classifier.model.get_input_embeddings(), spelled(classifier.tokenizer).toarray()
    read = sorted({token for row in texts["input_ids"] for token in row})
    unread = sorted(set(range(len(before))) - set(read))
    known = grams[read].any(0)
    batch = padding(classifier.tokenizer)(list(texts))
    with learning_by_ngrams(classifier, texts, 10.0):
        fit(classifier, texts)
        classifier.model.eval()
        during, moves = loss_of(classifier, batch), layer.moves.detach().numpy().copy()
    assert loss_of(classifier, batch).item() == pytest.approx(during.item(), rel=1e-5)
    assert {name for name, _ in layer.named_parameters()} == {"weight"}
    moved = (embeddings(classifier) - before).numpy()
    numpy.testing.assert_allclose(moved[unread], 10 * (grams[unread][:, known] @ moves), rtol=1e-3, atol=1e-6)
    strangers = [row for row in unread if not grams[row][known].any()]
    assert strangers
    assert not moved[strangers].any()
    assert all(moved[row].any() for row in unread if row not in strangers)


def test_without_speed_it_is_the_training_that_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plain, framed = tiny_classifier(), tiny_classifier()
    texts = lessons(plain)
    fit(plain, texts)
    with learning_by_ngrams(framed, texts, 0.0):
        fit(framed, texts)
    for name, value in plain.model.state_dict().items():
        assert value.equal(framed.model.state_dict()[name]), name


def test_words_that_no_text_has_are_read_like_those_that_they_are_spelled_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted answer: the topic is in the stem, and the words that are asked for are not among those learnt from."""
    monkeypatch.chdir(tmp_path)
    stems, ends = {"garden": 0, "pollut": 1, "whisk": 2}, ["er", "ing", "ed", "s", "ers", "ings"]
    words = {stem + end: topic for stem, topic in stems.items() for end in ends}
    seen = {word: topic for word, topic in words.items() if not word.endswith("s")}
    unseen = {word: topic for word, topic in words.items() if word.endswith("s")}
    right = {}
    for speed in (0.0, 10.0):
        tokenizer = BertTokenizerFast(
            vocab={word: n for n, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words])}
        )
        classifier = Classifier(tiny_classifier().model, tokenizer)
        texts = encode(list(seen), tokenizer, 8, labels=list(seen.values()))
        with learning_by_ngrams(classifier, texts, speed):
            fit(classifier, texts, epochs=40)
        said = read_texts(classifier, list(unseen), 8, CPU, "unseen")[0].argmax(1)
        right[speed] = int((said == torch.tensor(list(unseen.values()))).sum())
    assert right[10.0] == len(unseen) > right[0.0]


def test_it_learns_in_half_precision_too() -> None:
    classifier = tiny_classifier()
    texts, layer = lessons(classifier), classifier.model.get_input_embeddings()
    batch, gradients = padding(classifier.tokenizer)(list(texts)), []
    with learning_by_ngrams(classifier, texts, 10.0):
        for half in (False, True):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
                loss_of(classifier, batch).backward()
            gradients.append(layer.moves.grad.clone())
            layer.moves.grad = None
    assert torch.cosine_similarity(*(gradient.flatten() for gradient in gradients), dim=0) > 0.99
