"""The fast skip-gram trainer against the plain one, against double loops, and on planted corpora."""

import random
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chisquare
from torch import Tensor

from stages.embeddings import skipgram
from stages.embeddings.reference import (
    NegativeSamplingLoss,
    SkipGramModel,
    generate_negative_samples,
    keep_probability,
    noise_distribution,
)
from stages.embeddings.skipgram import Blocks, descend, gradients, pair_loss, train_skipgram
from stages.errors import UserError

CPU = torch.device("cpu")
SETTINGS: dict[str, Any] = {
    "dim": 12,
    "window": 3,
    "negatives": 5,
    "noise_exponent": 0.75,
    "subsample": 0.0,
    "epochs": 2,
    "learning_rate": 0.05,
    "block": 8,
    "blocks_per_step": 4,
    "most_pairs": 100.0,
    "seed": 1,
    "device": CPU,
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """The matrices are tiny."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def seeded(seed: int) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def cut(lengths: list[int], block: int, blocks_per_step: int, window: int, seed: int = 0) -> list[tuple[float, Blocks]]:
    """Cut documents of these lengths, in which the word at position i is i + 1, and 0 stands for no word."""
    documents = torch.repeat_interleave(torch.arange(1, len(lengths) + 1), torch.tensor(lengths))
    noise = torch.full((len(documents) + 1,), 1 / (len(documents) + 1), dtype=torch.float64)
    ids = torch.arange(1, len(documents) + 1)
    return list(skipgram._cut(ids, documents, block, blocks_per_step, window, noise, seeded(seed), CPU))


def pairs_of(blocks: Blocks) -> Counter[tuple[int, int]]:
    """The (centre, context) pairs that the mask names, by the words that stand there."""
    found: Counter[tuple[int, int]] = Counter()
    for b, p, c in blocks.mask.nonzero().tolist():
        assert blocks.mask[b, p, c] == 1
        found[int(blocks.centres[b, p]), int(blocks.contexts[b, c])] += 1
    return found


# ---------------------------------------------------------------------------------------------- how text is cut


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(0, 20), min_size=1, max_size=8).filter(any),
    block=st.integers(1, 12),
    blocks_per_step=st.integers(1, 4),
    window=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_every_pair_of_the_text_is_cut_out_once_and_nothing_else_is(
    lengths: list[int], block: int, blocks_per_step: int, window: int, seed: int
) -> None:
    found: Counter[tuple[int, int]] = Counter()
    for _, blocks in cut(lengths, block, blocks_per_step, window, seed):
        found += pairs_of(blocks)
    assert set(found.values()) <= {1}

    document = [number for number, length in enumerate(lengths) for _ in range(length)]
    size = len(document)
    for i in range(size):
        contexts = {j - 1 for centre, j in found if centre == i + 1}
        reach = max((abs(i - j) for j in contexts), default=0)  # drawn inside: what it was shows in the farthest pair
        expected = {j for j in range(size) if 0 < abs(i - j) <= reach and document[i] == document[j]}
        alone = document.count(document[i]) == 1
        assert contexts == expected
        assert alone or 1 <= reach <= window


def test_the_reach_is_drawn_evenly_from_1_to_the_window() -> None:
    reaches = []
    for _, blocks in cut([8000], block=32, blocks_per_step=16, window=5):
        for (centre, context), n in pairs_of(blocks).items():
            assert n == 1
            reaches += [centre] if context > centre else []
    counted = Counter(Counter(centre for centre in reaches if centre < 7990).values())
    assert sorted(counted) == [1, 2, 3, 4, 5]
    assert chisquare([counted[reach] for reach in range(1, 6)]).pvalue > 0.001


def test_blocks_come_in_order_in_steps_of_the_size_that_was_asked_for() -> None:
    steps = cut([50, 45], block=8, blocks_per_step=5, window=4)
    assert [share for share, _ in steps] == pytest.approx([0, 5 / 12, 10 / 12])
    assert [tuple(blocks.centres.shape) for _, blocks in steps] == [(5, 8), (5, 8), (2, 8)]
    assert torch.cat([blocks.centres.flatten() for _, blocks in steps]).tolist() == [*range(1, 96), 0]
    for _, blocks in steps:
        assert blocks.contexts.shape == (len(blocks.centres), 16)
        assert blocks.noise.shape == blocks.centres.shape
        assert blocks.mask.shape == (len(blocks.centres), 8, 16)


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.integers(1, 9))
def test_every_token_is_read_once_with_its_document_whatever_the_chunks(lengths: list[int], chunk: int) -> None:
    documents = numpy.repeat(numpy.arange(len(lengths)), lengths)
    tokens = numpy.arange(len(documents), dtype=numpy.int32)[::-1].copy()
    offsets = numpy.cumsum([0, *lengths])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(skipgram, "CHUNK", chunk)
        chunks = list(skipgram._chunks(tokens, offsets))
    assert [int(i) for ids, _ in chunks for i in ids] == tokens.tolist()
    assert all(len(ids) <= chunk for ids, _ in chunks)
    found = [int(d) for _, numbers in chunks for d in numbers]
    assert [d - found[0] for d in found] == [int(d) - int(documents[0]) for d in documents]


# ------------------------------------------------------------------------------------------- the mathematics


def some_blocks(seed: int, *, words: int, block: int, window: int, blocks: int) -> Blocks:
    """Blocks of any words at all, under any mask at all, so that nothing rests on how text is cut."""
    generator = seeded(seed)
    mask = (torch.rand(blocks, block, block + 2 * window, generator=generator) < 0.4).float()
    mask[0, 0] = 0  # a centre without pairs
    return Blocks(
        centres=torch.randint(words, (blocks, block), generator=generator),
        contexts=torch.randint(words, (blocks, block + 2 * window), generator=generator),
        mask=mask,
        noise=torch.randint(words, (blocks, block), generator=generator),
    )


def model_of(seed: int, words: int, dim: int) -> SkipGramModel:
    """The plain model with both matrices far from zero, in float64."""
    model = SkipGramModel(words, dim, seeded(seed)).double()
    with torch.no_grad():
        model.centres.normal_(generator=seeded(seed + 1))
        model.contexts.normal_(generator=seeded(seed + 2))
    return model


def exact(blocks: Blocks) -> Blocks:
    """The same blocks with a mask in float64, so that nothing is rounded to float32 on the way."""
    return replace(blocks, mask=blocks.mask.double())


def plain_loss(model: SkipGramModel, blocks: Blocks, negatives: int) -> Tensor:
    """Equation 4 over a list of pairs: a block's P noise words stand for `negatives` draws of each of its pairs."""
    block, position, place = blocks.mask.nonzero().T
    centre = blocks.centres[block, position]
    noise = blocks.noise[block]
    weight = torch.full(noise.shape, negatives / noise.shape[1], dtype=torch.float64)
    loss: Tensor = NegativeSamplingLoss()(model(centre, blocks.contexts[block, place]), model(centre, noise), weight)
    return loss


def plain_gradients(model: SkipGramModel, blocks: Blocks, negatives: int) -> tuple[Tensor, Tensor]:
    """What autograd makes of it, for each matrix."""
    found = torch.autograd.grad(plain_loss(model, blocks, negatives), [model.centres, model.contexts])
    return found[0], found[1]


BLOCKS = [
    some_blocks(1, words=7, block=4, window=2, blocks=3),
    some_blocks(2, words=40, block=16, window=1, blocks=5),
    some_blocks(3, words=5, block=1, window=5, blocks=6),
    some_blocks(4, words=1, block=3, window=2, blocks=2),
    cut([9, 1, 0, 14, 6], block=8, blocks_per_step=4, window=3)[0][1],
    cut([3, 40], block=32, blocks_per_step=2, window=5)[0][1],
]


@pytest.mark.parametrize("negatives", [1, 5, 20])
@pytest.mark.parametrize("blocks", BLOCKS)
def test_the_gradients_are_those_of_the_plain_loss(blocks: Blocks, negatives: int) -> None:
    words = 1 + max(int(ids.max()) for ids in (blocks.centres, blocks.contexts, blocks.noise))
    model = model_of(1, words, 6)
    expected = plain_gradients(model, blocks, negatives)
    centres, contexts = model.centres.detach(), model.contexts.detach()
    found = gradients(centres, contexts, exact(blocks), negatives)
    summed = [torch.zeros_like(centres), torch.zeros_like(contexts)]
    summed[0].index_add_(0, blocks.centres.flatten(), found.centres.flatten(0, 1))
    summed[1].index_add_(0, blocks.contexts.flatten(), found.contexts.flatten(0, 1))
    summed[1].index_add_(0, blocks.noise.flatten(), found.noise.flatten(0, 1))
    torch.testing.assert_close(summed[0], expected[0], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(summed[1], expected[1], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("blocks", BLOCKS)
def test_the_reported_loss_is_the_plain_one_of_a_pair(blocks: Blocks) -> None:
    words = 1 + max(int(ids.max()) for ids in (blocks.centres, blocks.contexts, blocks.noise))
    model = model_of(5, words, 6)
    expected = plain_loss(model, blocks, 5).item() / int(blocks.mask.sum())
    found = pair_loss(model.centres.detach(), model.contexts.detach(), exact(blocks), 5)
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_model_that_knows_nothing_loses_ln_2_for_each_decision() -> None:
    blocks = BLOCKS[1]
    model = SkipGramModel(40, 6, seeded(0))
    assert not model.contexts.any()
    assert float(model.centres.detach().abs().max()) <= 0.5 / 6
    loss = pair_loss(model.centres.detach(), model.contexts.detach(), blocks, 5)
    assert loss == pytest.approx(6 * numpy.log(2), rel=1e-5)


def test_the_plain_loss_is_equation_4() -> None:
    positive = torch.tensor([0.3, -2.0], dtype=torch.float64)
    negative = torch.tensor([[1.0, 0.0, -3.0], [0.5, 2.0, 7.0]], dtype=torch.float64)

    def log_sigmoid(x: float) -> float:
        return -float(numpy.log1p(numpy.exp(-x)))

    expected = -sum(log_sigmoid(float(x)) for x in positive) - sum(log_sigmoid(-float(x)) for x in negative.flatten())
    assert NegativeSamplingLoss()(positive, negative).item() == pytest.approx(expected, rel=1e-12)
    half = NegativeSamplingLoss()(positive, negative, torch.full_like(negative, 0.5)).item()
    only = NegativeSamplingLoss()(positive, negative, torch.zeros_like(negative)).item()
    assert half == pytest.approx((expected + only) / 2, rel=1e-12)
    assert only == pytest.approx(-sum(log_sigmoid(float(x)) for x in positive), rel=1e-12)


def test_a_score_is_the_product_of_a_centre_and_a_context() -> None:
    model = model_of(3, 9, 4)
    centre, context = torch.tensor([1, 8]), torch.tensor([[0, 1, 1], [8, 2, 7]])
    v, w = model.centres.detach().numpy(), model.contexts.detach().numpy()
    expected = [[v[1] @ w[0], v[1] @ w[1], v[1] @ w[1]], [v[8] @ w[8], v[8] @ w[2], v[8] @ w[7]]]
    numpy.testing.assert_allclose(model(centre, context).detach(), expected)
    numpy.testing.assert_allclose(model(centre, context[:, 0]).detach(), [expected[0][0], expected[1][0]])


@pytest.mark.parametrize("blocks", BLOCKS)
def test_a_step_without_a_cap_is_plain_gradient_descent(blocks: Blocks) -> None:
    words = 1 + max(int(ids.max()) for ids in (blocks.centres, blocks.contexts, blocks.noise))
    model = model_of(1, words, 6)
    slopes = plain_gradients(model, blocks, 5)
    centres, contexts = model.centres.detach().clone(), model.contexts.detach().clone()
    descend(centres, contexts, blocks, 5, 0.1, float("inf"))
    torch.testing.assert_close(centres, model.centres.detach() - 0.1 * slopes[0], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(contexts, model.contexts.detach() - 0.1 * slopes[1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("cap", [0.5, 3.0, 20.0, 1e9])
@pytest.mark.parametrize("blocks", BLOCKS)
def test_a_row_takes_the_step_of_as_many_pairs_as_the_cap_says(blocks: Blocks, cap: float) -> None:
    negatives, rate = 5, 0.1
    words = 1 + max(int(ids.max()) for ids in (blocks.centres, blocks.contexts, blocks.noise))
    model = model_of(1, words, 6)
    collected = numpy.zeros((2, words))
    size = blocks.noise.shape[1]
    for b, p, c in blocks.mask.nonzero().tolist():  # what each pair adds to the rows that it pulls and pushes
        collected[0, blocks.centres[b, p]] += 1 + negatives
        collected[1, blocks.contexts[b, c]] += 1
        for n in range(size):
            collected[1, blocks.noise[b, n]] += negatives / size
    share = torch.from_numpy(numpy.minimum(1, cap / numpy.maximum(collected, 1e-9)))
    slopes = plain_gradients(model, blocks, negatives)
    centres, contexts = model.centres.detach().clone(), model.contexts.detach().clone()
    descend(centres, contexts, blocks, negatives, rate, cap)
    expected = (
        model.centres.detach() - rate * share[0, :, None] * slopes[0],
        model.contexts.detach() - rate * share[1, :, None] * slopes[1],
    )
    torch.testing.assert_close(centres, expected[0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(contexts, expected[1], rtol=1e-5, atol=1e-6)


# ------------------------------------------------------------------------------------------------ the draws


@pytest.mark.parametrize("exponent", [0.0, 0.75, 1.0])
def test_noise_words_are_drawn_in_proportion_to_a_power_of_their_counts(exponent: float) -> None:
    counts = numpy.array([1, 2, 5, 10, 100, 1000, 3, 40])
    expected = counts**exponent / (counts**exponent).sum()
    distribution = noise_distribution(torch.from_numpy(counts), exponent)
    assert distribution.tolist() == pytest.approx(expected)
    drawn = generate_negative_samples(distribution, (300, 200), seeded(1))
    assert drawn.shape == (300, 200)
    assert drawn.dtype == torch.int64
    found = numpy.bincount(drawn.flatten().numpy(), minlength=len(counts))
    assert chisquare(found, expected * found.sum()).pvalue > 0.001


def test_a_word_that_never_occurs_is_never_drawn() -> None:
    distribution = noise_distribution(torch.tensor([0, 3, 0, 1, 0]), 0.75)
    assert set(generate_negative_samples(distribution, (20_000,), seeded(1)).tolist()) == {1, 3}


def test_frequent_words_are_kept_as_often_as_the_paper_says() -> None:
    counts = numpy.array([1, 10, 100, 1000, 10_000])
    found = keep_probability(torch.from_numpy(counts), 0.001)
    frequencies = counts / counts.sum()
    assert found.tolist() == pytest.approx([min(1.0, (0.001 / f) ** 0.5) for f in frequencies])
    assert 1 - found[-1].item() == pytest.approx(1 - (0.001 / frequencies[-1]) ** 0.5)
    assert keep_probability(torch.from_numpy(counts), 0.0).tolist() == [1.0] * 5


# ---------------------------------------------------------------------------------------------- training

Corpus = tuple[NDArray[numpy.int32], NDArray[numpy.int64], NDArray[numpy.int64]]


def planted(documents: int = 120, length: int = 15, group: int = 10) -> Corpus:
    """A corpus of two groups of words that never share a document; even words are one group, odd words the other."""
    generator = numpy.random.default_rng(0)
    texts = [2 * generator.integers(0, group, length) + d % 2 for d in range(documents)]
    tokens = numpy.concatenate(texts).astype(numpy.int32)
    return tokens, numpy.arange(documents + 1) * length, numpy.bincount(tokens, minlength=2 * group)


def train(corpus: Corpus, **changes: object) -> tuple[Tensor, Tensor]:
    """Train with few and quick settings."""
    settings: dict[str, Any] = {**SETTINGS, **changes}
    return train_skipgram(*corpus, **settings)


def test_training_gives_a_vector_for_every_word_in_two_matrices() -> None:
    centres, contexts = train(planted())
    for matrix in (centres, contexts):
        assert matrix.shape == (20, 12)
        assert matrix.dtype == torch.float32
        assert matrix.isfinite().all()
    assert not torch.equal(centres, contexts)


def test_training_again_gives_the_same_bytes_whatever_the_global_generators_do() -> None:
    first = train(planted(), subsample=0.01)
    random.seed(99)
    numpy.random.seed(99)  # noqa: NPY002
    torch.manual_seed(99)
    second = train(planted(), subsample=0.01)
    assert [matrix.numpy().tobytes() for matrix in first] == [matrix.numpy().tobytes() for matrix in second]
    assert not torch.equal(first[0], train(planted(), subsample=0.01, seed=2)[0])


def test_training_leaves_the_global_generators_as_they_were() -> None:
    states = random.getstate(), numpy.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    train(planted(), subsample=0.01)
    assert random.getstate() == states[0]
    assert [str(part) for part in numpy.random.get_state()] == [str(part) for part in states[1]]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])


@pytest.mark.parametrize("subsample", [0.0, 0.01])
def test_words_that_never_meet_part_and_words_that_meet_come_together(
    subsample: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skipgram, "REPORT_EVERY", 1)
    curve: list[tuple[int, float]] = []
    corpus = planted(documents=300)
    centres, _ = train(corpus, subsample=subsample, epochs=15, report=lambda read, loss: curve.append((read, loss)))
    cosines = torch.nn.functional.cosine_similarity(centres[:, None], centres[None], dim=2)
    own = torch.arange(20)[:, None] % 2 == torch.arange(20) % 2
    assert cosines[own].min() > cosines[~own].max()

    read = [place for place, _ in curve]
    losses = [loss for _, loss in curve]
    assert read == sorted(read)
    assert read[0] == 0
    assert len(corpus[0]) * 14 < read[-1] < len(corpus[0]) * 15
    # It starts with no idea. At the best, a score is the log of P(pair) / (5 P(noise)): 2/5 within a group, where half
    # of the noise falls; noise from the other group costs nothing (Levy and Goldberg 2014).
    assert losses[0] == pytest.approx(6 * numpy.log(2), rel=1e-5)
    best = numpy.log(7 / 2) + 5 / 2 * numpy.log(7 / 5)
    assert numpy.mean(losses[-len(losses) // 5 :]) == pytest.approx(best, rel=0.05)


def test_documents_that_are_memory_mapped_do_as_well(tmp_path: Path) -> None:
    tokens, offsets, counts = planted()
    numpy.save(tmp_path / "tokens.npy", tokens)
    numpy.save(tmp_path / "offsets.npy", offsets)
    mapped = [numpy.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("tokens", "offsets")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = train((mapped[0], mapped[1], counts))
    for one, other in zip(found, train((tokens, offsets, counts)), strict=True):
        assert torch.equal(one, other)


def test_the_learning_rate_falls_linearly_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = []

    def listen(
        centres: Tensor, contexts: Tensor, blocks: Blocks, negatives: int, rate: float, most_pairs: float
    ) -> None:
        rates.append(rate)
        descend(centres, contexts, blocks, negatives, rate, most_pairs)

    monkeypatch.setattr(skipgram, "descend", listen)
    train(planted(documents=128, length=15), epochs=3)  # 1920 words in steps of 4 times 8
    steps = 3 * 60
    assert rates == pytest.approx([0.05 * (1 - step / steps) for step in range(steps)])


@pytest.mark.parametrize("chunk", [10, 63, 1000])
def test_a_corpus_that_does_not_fit_into_memory_is_read_to_its_end(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each word stands in one place only, so that its vector moves only if that place is read."""
    tokens = numpy.arange(100, dtype=numpy.int32)
    corpus = tokens, numpy.arange(0, 101, 5), numpy.ones(100, dtype=numpy.int64)
    monkeypatch.setattr(skipgram, "CHUNK", chunk)
    start, _ = train(corpus, epochs=0)
    end, _ = train(corpus, epochs=3)
    assert (start != end).any(1).all()


def test_a_cap_of_infinity_is_no_cap() -> None:
    for one, other in zip(train(planted(), most_pairs=float("inf")), train(planted(), most_pairs=1e12), strict=True):
        torch.testing.assert_close(one, other)


def test_a_learning_rate_that_diverges_is_said_to() -> None:
    with pytest.raises(UserError, match=r"skipgram\.learning_rate") as caught:
        train(planted(), learning_rate=1e6, most_pairs=1e12)
    assert "\n" not in str(caught.value)


def natural(words: int) -> Corpus:
    """Words whose frequencies follow Zipf's law."""
    share = 1 / numpy.arange(1, words + 1)
    tokens = numpy.random.default_rng(1).choice(words, 40_000, p=share / share.sum()).astype(numpy.int32)
    return tokens, numpy.arange(0, 40_001, 20), numpy.bincount(tokens, minlength=words)


LARGE_STEPS: dict[str, Any] = {"window": 5, "block": 32, "blocks_per_step": 128}


@pytest.mark.parametrize("words", [30, 200])
def test_large_steps_on_a_small_vocabulary_are_stable_with_the_cap(words: int) -> None:
    for matrix in train(natural(words), **LARGE_STEPS):
        assert matrix.norm(dim=1).max() < 5


@pytest.mark.parametrize("words", [30, 200])
def test_large_steps_on_a_small_vocabulary_diverge_without_the_cap_and_are_said_to(words: int) -> None:
    """However few the steps: these are fewer than there are between two points of the loss curve."""
    with pytest.raises(UserError, match=r"skipgram\.blocks_per_step"):
        train(natural(words), **LARGE_STEPS, most_pairs=1e12)


@pytest.mark.parametrize("length", [1, 20])
def test_a_text_of_which_nothing_is_kept_moves_nothing(length: int) -> None:
    corpus = numpy.zeros(length, dtype=numpy.int32), numpy.array([0, length]), numpy.array([length, 0])
    start, _ = train(corpus, epochs=0)
    centres, contexts = train(corpus, subsample=1e-12)
    assert torch.equal(centres, start)
    assert not contexts.any()


def test_an_empty_corpus_and_documents_of_one_word_have_no_pairs() -> None:
    none = numpy.array([], dtype=numpy.int32), numpy.array([0]), numpy.array([1, 1])
    single = numpy.arange(30, dtype=numpy.int32), numpy.arange(31), numpy.ones(30, dtype=numpy.int64)
    for corpus in (none, single):
        assert torch.equal(train(corpus)[0], train(corpus, epochs=0)[0])
        assert not train(corpus)[1].any()
