"""Skip-gram in shards against the plain model step by step, and its draws against their distributions."""

from collections import Counter

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from crosswiki.embeddings.skipgram import kernels
from crosswiki.embeddings.skipgram.reference import (
    NegativeSamplingLoss,
    SkipGramModel,
    keep_probability,
    noise_distribution,
)
from crosswiki.embeddings.skipgram.sampling import Sampled, Sampler, alias_table
from crosswiki.embeddings.skipgram.shards import ShardTrainer, descend, merge_weights
from tests.words import one_thread, planted, seeded, settings_of, zipf  # noqa: F401


def sampled(lengths: list[int], seed: int = 0, counts: list[int] | None = None, **changes: object) -> Sampled:
    """Draw for documents of these lengths, in which the word at position i is i."""
    size = sum(lengths)
    sampler = Sampler(numpy.array(counts or [1] * size), settings_of(**changes))
    return sampler(numpy.arange(size, dtype=numpy.int32), numpy.cumsum(lengths), seed)


# ------------------------------------------------------------------------------------------------ the draws


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(0, 20), min_size=1, max_size=8).filter(any),
    window=st.integers(1, 6),
    shared=st.integers(1, 7),
    dynamic=st.booleans(),
    seed=st.integers(0, 99),
)
def test_contexts_are_all_the_words_within_reach_in_the_same_document(
    lengths: list[int], window: int, shared: int, dynamic: bool, seed: int
) -> None:
    found = sampled(lengths, seed, window=window, shared_negatives=shared, dynamic_window=dynamic)
    document = [number for number, length in enumerate(lengths) for _ in range(length)]
    assert found.words.tolist() == list(range(len(document)))
    groups = 0
    for i, (first, last) in enumerate(zip(found.first, found.last, strict=True)):
        assert first <= i < last
        reach = max(i - first, last - 1 - i) if dynamic else window
        assert reach <= window
        assert list(range(first, last)) == [
            j for j in range(len(document)) if abs(i - j) <= reach and document[i] == document[j]
        ]
        groups += -(-(last - first - 1) // shared)
    assert len(found.noise) == 5 * groups


def test_the_reach_is_drawn_evenly_from_1_to_the_window() -> None:
    found = sampled([8000], window=5)
    counted = Counter((found.last - numpy.arange(8000) - 1)[:7990].tolist())
    assert sorted(counted) == [1, 2, 3, 4, 5]
    assert chisquare([counted[reach] for reach in range(1, 6)]).pvalue > 0.001


def test_words_are_kept_as_often_as_the_plain_model_keeps_them() -> None:
    tokens, offsets, counts = zipf(50)
    sampler = Sampler(counts, settings_of(subsample=0.001))
    kept = sum(
        numpy.bincount(sampler(tokens, offsets[1:], seed).words, minlength=50).astype(float) for seed in range(20)
    )
    expected = keep_probability(torch.from_numpy(counts), 0.001).numpy()
    assert (expected < 1).any()
    deviation = numpy.sqrt(20 * counts * expected * (1 - expected)) + 1e-9
    assert (numpy.abs(kept - 20 * counts * expected) < 4.5 * deviation + 0.5).all()


@pytest.mark.parametrize("exponent", [0.0, 0.75, 1.0])
def test_noise_words_are_drawn_as_the_plain_model_draws_them(exponent: float) -> None:
    counts = [1, 2, 5, 10, 100, 1000, 3, 40]
    found = sampled([1, 7], counts=counts, noise_exponent=exponent, negatives=20_000)
    expected = noise_distribution(torch.tensor(counts), exponent).numpy()
    counted = numpy.bincount(found.noise, minlength=8)
    assert chisquare(counted, expected * counted.sum()).pvalue > 0.001


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any))
def test_the_alias_table_adds_up_to_the_distribution(weights: list[int]) -> None:
    probability = numpy.array(weights) / sum(weights)
    accept, alias = alias_table(probability)
    share = accept / (2**32 - 1) / len(weights)
    found = share + numpy.bincount(alias, weights=1 / len(weights) - share, minlength=len(weights))
    numpy.testing.assert_allclose(found, probability, atol=1e-8)


def test_shards_and_steps_have_draws_of_their_own() -> None:
    sampler = Sampler(numpy.ones(40, dtype=numpy.int64), settings_of())
    tokens, ends = numpy.arange(40, dtype=numpy.int32), numpy.array([40])
    found = [tuple(sampler(tokens, ends, seed, shard).noise) for seed in (1, 2) for shard in (0, 1)]
    assert len(set(found)) == 4
    assert found[0] == tuple(sampler(tokens, ends, 1, 0).noise)


# ------------------------------------------------------------------------------------------- the mathematics


def plain_steps(
    model: SkipGramModel, piece: Sampled, negatives: int, shared: int, rate: float
) -> list[tuple[float, int]]:
    """Descend by autograd on equation 4, one group of a centre's contexts after the other; each group's loss, pairs."""
    losses = []
    noise = torch.from_numpy(piece.noise.astype(numpy.int64)).reshape(-1, negatives)
    for i, word in enumerate(piece.words):
        near = [j for j in range(piece.first[i], piece.last[i]) if j != i]
        groups = -(-len(near) // shared)
        sizes = sorted(len(part) for part in numpy.array_split(near, groups)) if groups else []
        for size in sizes:
            own, near = near[:size], near[size:]
            drawn, noise = noise[0].expand(size, -1), noise[1:]
            contexts = torch.from_numpy(piece.words[own].astype(numpy.int64))
            centre = torch.full((size,), int(word))
            loss = NegativeSamplingLoss()(model(centre, contexts), model(centre, drawn))
            slopes = torch.autograd.grad(loss, [model.centres, model.contexts])
            with torch.no_grad():
                model.centres -= rate * slopes[0]
                model.contexts -= rate * slopes[1]
            losses.append((loss.item(), size))
    assert len(noise) == 0
    return losses


@pytest.mark.parametrize("shared", [1, 2, 5, 100])
@pytest.mark.parametrize("negatives", [1, 5])
@pytest.mark.parametrize(("lengths", "window"), [([9, 1, 0, 14, 6], 3), ([2, 30], 5), ([1, 1], 2), ([12], 1)])
def test_every_step_is_the_plain_gradient_on_the_same_pairs_and_noise(
    shared: int, negatives: int, lengths: list[int], window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float64; noise words shared by a group stand in the plain loss once for each of its pairs."""
    piece = sampled(lengths, window=window, shared_negatives=shared, negatives=negatives)
    repeated = Sampled(piece.words % 4, piece.first, piece.last, piece.noise % 4)  # so that groups hold words twice
    for some, words in ((piece, sum(lengths)), (repeated, 4)):
        model = SkipGramModel(words, 6, seeded(1)).double()
        with torch.no_grad():
            model.centres.normal_(generator=seeded(2))
            model.contexts.normal_(generator=seeded(3))
        centres, contexts = model.centres.detach().numpy().copy(), model.contexts.detach().numpy().copy()
        descend(centres, contexts, some.words, some, negatives, shared, 0.1)
        plain_steps(model, some, negatives, shared, 0.1)
        numpy.testing.assert_allclose(centres, model.centres.detach(), rtol=1e-9, atol=1e-11)
        numpy.testing.assert_allclose(contexts, model.contexts.detach(), rtol=1e-9, atol=1e-11)


def test_the_loss_is_the_plain_one_of_every_sixteenth_word() -> None:
    piece = sampled([40], window=3, shared_negatives=100)
    model = SkipGramModel(40, 6, seeded(1)).double()
    with torch.no_grad():
        model.contexts.normal_(generator=seeded(3))
    centres, contexts = model.centres.detach().numpy().copy(), model.contexts.detach().numpy().copy()
    found, pairs = descend(centres, contexts, piece.words, piece, 5, 100, 0.1)
    losses = plain_steps(model, piece, 5, 100, 0.1)
    chosen = losses[:: kernels.LOSS_EVERY]
    assert pairs == sum(size for _, size in chosen)
    assert found == pytest.approx(sum(loss for loss, _ in chosen), rel=1e-9)


# ------------------------------------------------------------------------------------------------- the merge


@given(st.lists(st.floats(0, 1e7), min_size=1), st.integers(1, 64))
def test_merged_changes_lie_between_the_mean_and_the_sum(pairs: list[float], shards: int) -> None:
    weights = merge_weights(numpy.array(sorted(pairs)), shards)
    assert (weights >= 1 / shards - 1e-9).all()
    assert (weights <= 1 + 1e-6).all()
    assert (numpy.diff(weights) <= 1e-9).all()


def test_merge_weights_at_both_ends() -> None:
    assert merge_weights(numpy.array([0.0, 1e9]), 4) == pytest.approx([1, 0.25], abs=1e-6)


def test_equal_changes_of_shards_add_up_to_the_same_steps_one_after_the_other() -> None:
    """A row that each pair brings by 1/1000 of the way to where it is going, in 3 shards of 700 pairs each."""
    goal, alone, together = 5.0, 0.0, 0.0
    for _ in range(700):
        alone += (goal - alone) / 1000
    for _ in range(3 * 700):
        together += (goal - together) / 1000
    weight = merge_weights(numpy.array([700.0]), 3)[0]
    assert weight * 3 * alone == pytest.approx(together, rel=1e-3)


def test_one_shard_is_plain_descent_and_what_others_borrowed_is_added() -> None:
    tokens, offsets, counts = planted()
    half = len(tokens) // 2
    pieces = [
        (tokens[:half], numpy.minimum(offsets[1:61], half)),
        (tokens[half:], offsets[61:] - half),
    ]

    def changed(shards: int, some: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        own = settings_of(shards=shards)
        model = SkipGramModel(len(counts), own.dim, seeded(1)).requires_grad_(False)
        trainer = ShardTrainer(counts, model.centres, model.contexts, own)
        given_pieces = [pieces[i] if i in some else (tokens[:0], offsets[:0]) for i in range(shards)]
        trainer.step(given_pieces, 0.001, 7)
        return trainer.centres - model.centres, trainer.contexts - model.contexts

    first, second, both = changed(2, [0]), changed(2, [1]), changed(2, [0, 1])
    kept = counts * (half / len(tokens)) * 4  # 4 contexts of each centre, on average
    weights = merge_weights(kept * 6, 2)
    for one, other, sum_ in zip(first, second, both, strict=True):
        assert one.any()
        assert other.any()
        torch.testing.assert_close(one + other, sum_, rtol=1e-3, atol=1e-7)
    assert weights.min() < 1


@pytest.mark.parametrize("words", [3, 300])
@pytest.mark.parametrize("shards", [2, 16])
def test_large_steps_on_a_small_vocabulary_are_stable(words: int, shards: int) -> None:
    tokens, offsets, counts = zipf(words)
    own = settings_of(shards=shards, window=5, dim=20)
    model = SkipGramModel(len(counts), own.dim, seeded(1)).requires_grad_(False)
    trainer = ShardTrainer(counts, model.centres, model.contexts, own)
    losses = [trainer.step([(tokens, offsets[1:])] * shards, 0.05, step) for step in range(10)]
    assert losses[-1][0] / losses[-1][1] < losses[0][0] / losses[0][1]
    for matrix in (trainer.centres, trainer.contexts):
        assert matrix.norm(dim=1).max() < 10


def test_large_steps_diverge_if_changes_are_only_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "crosswiki.embeddings.skipgram.shards.merge_weights", lambda pairs, shards: numpy.ones_like(pairs)
    )
    tokens, offsets, counts = zipf(300)
    own = settings_of(shards=16, window=5, dim=20)
    model = SkipGramModel(len(counts), own.dim, seeded(1)).requires_grad_(False)
    trainer = ShardTrainer(counts, model.centres, model.contexts, own)
    for step in range(10):
        trainer.step([(tokens, offsets[1:])] * 16, 0.05, step)
    assert not trainer.centres.norm(dim=1).max() < 10
