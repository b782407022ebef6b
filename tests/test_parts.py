"""Rare words' vectors drawn towards what their letters say: a closed form, planted vectors, invariants."""

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.subwords import RIDGE, count_subwords, shrink_towards_subwords, subwords_of
from crosswiki.embeddings.vectors import WordVectors, unit


def test_a_words_parts_are_its_ngrams_with_its_edges_and_a_chinese_words_its_letters_and_pairs() -> None:
    assert subwords_of("été") == [" ét", "été", "té ", " été", "été ", " été "]
    assert subwords_of("a") == [" a "]
    assert subwords_of("高速路") == ["高", "速", "路", "高速", "速路"]
    assert subwords_of("高") == ["高"]


def test_parts_of_one_word_alone_are_not_counted() -> None:
    parts = count_subwords(["高速", "高低", "xyz"])
    assert parts.shape == (3, 1)  # 高
    assert parts.toarray().tolist() == [[1], [1], [0]]


def made_words(seed: int, number: int = 60) -> tuple[tuple[str, ...], numpy.ndarray]:
    """Words of two Chinese letters, of few enough letters that each is in many; and counts."""
    generator = numpy.random.default_rng(seed)
    letters = "山水火木土金日月天地人心"
    pairs = [a + b for a in letters for b in letters]
    chosen = generator.permutation(len(pairs))[:number]
    return tuple(pairs[place] for place in chosen), numpy.sort(generator.integers(1, 200, number))[::-1].copy()


@pytest.mark.parametrize("often", [1.0, 16.0])
def test_it_is_the_mean_of_a_word_and_the_closed_form_of_the_ridge_regression(often: float) -> None:
    names, counts = made_words(1)
    vectors = torch.from_numpy(numpy.random.default_rng(2).normal(size=(len(names), 7)))
    found = shrink_towards_subwords(WordVectors(Vocabulary(names, counts), vectors), often)
    parts = count_subwords(names).toarray()
    own = counts / (counts + often)
    directions = vectors.numpy() / numpy.linalg.norm(vectors.numpy(), axis=1, keepdims=True)
    weighed = parts.T * own
    said = parts @ numpy.linalg.solve(weighed @ parts + RIDGE * numpy.eye(parts.shape[1]), weighed @ directions)
    mixed = (counts[:, None] * directions + often * said) / (counts[:, None] + often)
    expected = mixed / numpy.linalg.norm(mixed, axis=1, keepdims=True) * vectors.norm(dim=1).numpy()[:, None]
    assert numpy.abs(found.numpy() - expected).max() < 1e-3


def test_rare_words_come_nearer_to_what_was_planted_and_frequent_ones_hardly_move() -> None:
    names, _ = made_words(3, 140)
    generator = numpy.random.default_rng(4)
    of_letter = {letter: generator.normal(size=20) for letter in sorted(set("".join(names)))}
    truth = unit(torch.from_numpy(numpy.stack([of_letter[a] + of_letter[b] for a, b in names])))
    counts = numpy.where(numpy.arange(140) < 100, 10_000, 3)
    noise = torch.from_numpy(generator.normal(size=truth.shape) / numpy.sqrt(counts)[:, None])
    read = unit(truth + noise / 2)
    drawn = shrink_towards_subwords(WordVectors(Vocabulary(names, counts), read), 16.0)
    before, after = ((truth * vectors).sum(1) for vectors in (read, drawn))
    assert before[100:].mean() < 0.7
    assert after[100:].mean() > 0.9
    assert (drawn[:100] * read[:100]).sum(1).min() > 0.999


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), often=st.sampled_from([0.5, 4.0, 64.0]))
def test_lengths_stay_and_a_turned_space_gives_turned_vectors(seed: int, often: float) -> None:
    names, counts = made_words(seed)
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(len(names), 5, generator=generator, dtype=torch.float64)
    turn, _ = torch.linalg.qr(torch.randn(5, 5, generator=generator, dtype=torch.float64))
    drawn, turned = (
        shrink_towards_subwords(WordVectors(Vocabulary(names, counts), v), often) for v in (vectors, vectors @ turn)
    )
    torch.testing.assert_close(drawn.norm(dim=1), vectors.norm(dim=1))
    torch.testing.assert_close(drawn @ turn, turned, atol=2e-3, rtol=0)


def test_nothing_moves_without_weight_or_without_a_shared_part() -> None:
    vectors = torch.randn(3, 4, generator=torch.Generator().manual_seed(5))
    counts = numpy.array([3, 2, 1])
    alike = WordVectors(Vocabulary(("mer", "mers", "merle"), counts), vectors)
    assert torch.equal(shrink_towards_subwords(alike, 0), vectors)
    apart = WordVectors(Vocabulary(("mer", "sol", "一"), counts), vectors)
    assert torch.equal(shrink_towards_subwords(apart, 16), vectors)
    none = WordVectors(Vocabulary((), numpy.array([], dtype=numpy.int64)), torch.zeros(0, 4))
    assert shrink_towards_subwords(none, 16).shape == (0, 4)


def test_a_word_that_shares_nothing_keeps_its_direction_beside_words_that_do() -> None:
    vectors = torch.randn(3, 4, generator=torch.Generator().manual_seed(6))
    words = WordVectors(Vocabulary(("mer", "mers", "soleil"), numpy.array([3, 2, 1])), vectors)
    drawn = shrink_towards_subwords(words, 16)
    torch.testing.assert_close(drawn[2], vectors[2])
    assert not torch.allclose(drawn[0], vectors[0])
