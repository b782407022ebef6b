"""Skip-gram in blocks against the plain model, against double loops, and on a planted corpus."""

from collections import Counter
from dataclasses import replace

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from torch import Tensor

from crosswiki.embeddings.skipgram import blocks as blocks_module
from crosswiki.embeddings.skipgram.blocks import Blocks, BlockTrainer, descend, gradients, pair_loss
from crosswiki.embeddings.skipgram.reference import NegativeSamplingLoss, SkipGramModel
from crosswiki.embeddings.skipgram.trainer import piece
from tests.words import one_thread, planted, seeded, settings_of, zipf  # noqa: F401


def cut(lengths: list[int], block: int, window: int, seed: int = 0, dynamic: bool = True) -> Blocks:
    """Cut documents of these lengths, in which the word at position i is i + 1, and 0 stands for no word."""
    documents = torch.repeat_interleave(torch.arange(1, len(lengths) + 1), torch.tensor(lengths))
    noise = torch.full((len(documents) + 1,), 1 / (len(documents) + 1), dtype=torch.float64)
    ids = torch.arange(1, len(documents) + 1)
    return blocks_module.cut(ids, documents, window, dynamic, noise, seeded(seed), block)


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
    window=st.integers(1, 6),
    seed=st.integers(0, 99),
    dynamic=st.booleans(),
)
def test_every_pair_of_the_text_is_cut_out_once_and_nothing_else_is(
    lengths: list[int], block: int, window: int, seed: int, dynamic: bool
) -> None:
    found = pairs_of(cut(lengths, block, window, seed, dynamic))
    assert set(found.values()) <= {1}

    document = [number for number, length in enumerate(lengths) for _ in range(length)]
    size = len(document)
    for i in range(size):
        contexts = {j - 1 for centre, j in found if centre == i + 1}
        # drawn inside: what it was shows in the farthest pair
        reach = max((abs(i - j) for j in contexts), default=0) if dynamic else window
        expected = {j for j in range(size) if 0 < abs(i - j) <= reach and document[i] == document[j]}
        alone = document.count(document[i]) == 1
        assert contexts == expected
        assert alone or 1 <= reach <= window


def test_the_reach_is_drawn_evenly_from_1_to_the_window() -> None:
    reaches = []
    for (centre, context), n in pairs_of(cut([8000], block=32, window=5)).items():
        assert n == 1
        reaches += [centre] if context > centre else []
    counted = Counter(Counter(centre for centre in reaches if centre < 7990).values())
    assert sorted(counted) == [1, 2, 3, 4, 5]
    assert chisquare([counted[reach] for reach in range(1, 6)]).pvalue > 0.001


def test_blocks_hold_all_words_in_order() -> None:
    found = cut([50, 45], block=8, window=4)
    assert found.centres.shape == (12, 8)
    assert found.centres.flatten().tolist() == [*range(1, 96), 0]
    assert found.contexts.shape == (12, 16)
    assert found.noise.shape == (12, 8)
    assert found.mask.shape == (12, 8, 16)


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
    cut([9, 1, 0, 14, 6], block=8, window=3),
    cut([3, 40], block=32, window=5),
    cut([3, 40], block=32, window=5, dynamic=False),
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
def test_the_reported_loss_is_the_plain_one(blocks: Blocks) -> None:
    words = 1 + max(int(ids.max()) for ids in (blocks.centres, blocks.contexts, blocks.noise))
    model = model_of(5, words, 6)
    expected = plain_loss(model, blocks, 5).item()
    found = pair_loss(model.centres.detach(), model.contexts.detach(), exact(blocks), 5)
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_model_that_knows_nothing_loses_ln_2_for_each_decision() -> None:
    blocks = BLOCKS[1]
    model = SkipGramModel(40, 6, seeded(0))
    assert not model.contexts.any()
    assert float(model.centres.detach().abs().max()) <= 0.5 / 6
    loss = pair_loss(model.centres.detach(), model.contexts.detach(), blocks, 5)
    assert loss == pytest.approx(6 * numpy.log(2) * int(blocks.mask.sum()), rel=1e-5)


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
    descend(centres, contexts, blocks, negatives, rate, cap * rate)
    expected = (
        model.centres.detach() - rate * share[0, :, None] * slopes[0],
        model.contexts.detach() - rate * share[1, :, None] * slopes[1],
    )
    torch.testing.assert_close(centres, expected[0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(contexts, expected[1], rtol=1e-5, atol=1e-6)


# ---------------------------------------------------------------------------------------------- training


def trained(steps: int, words: int = 20, size: int = 150, **changes: object) -> BlockTrainer:
    """A trainer that has taken some steps on the planted corpus, or on one with Zipf's frequencies."""
    tokens, offsets, counts = planted(documents=300) if words == 20 else zipf(words)
    own = settings_of(**changes)
    model = SkipGramModel(len(counts), own.dim, seeded(1)).requires_grad_(False)
    trainer = BlockTrainer(counts, model.centres, model.contexts, own)
    for step in range(steps):
        trainer.step([piece(tokens, offsets, step * size % len(tokens), size)], 0.05, step)
    return trainer


def test_words_that_never_meet_part_and_words_that_meet_come_together() -> None:
    centres = trained(450).centres
    cosines = torch.nn.functional.cosine_similarity(centres[:, None], centres[None], dim=2)
    own = torch.arange(20)[:, None] % 2 == torch.arange(20) % 2
    assert cosines[own].min() > cosines[~own].max()


def test_a_step_draws_from_its_seed_alone() -> None:
    first = trained(3, subsample=0.01)
    torch.manual_seed(99)
    before = torch.get_rng_state()
    second = trained(3, subsample=0.01)
    assert torch.equal(first.centres, second.centres)
    assert torch.equal(first.contexts, second.contexts)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("words", [30, 300])
def test_large_steps_on_a_small_vocabulary_are_stable_with_the_cap(words: int) -> None:
    """1,250 blocks a step, which without the cap diverge within a few steps, as the next test shows."""
    trainer = trained(20, words, size=40_000, window=5)
    for matrix in (trainer.centres, trainer.contexts):
        assert matrix.norm(dim=1).max() < 5


def test_large_steps_on_a_small_vocabulary_diverge_without_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    capped = blocks_module.descend
    monkeypatch.setattr(blocks_module, "descend", lambda *arguments: capped(*arguments, max_step=1e12))
    assert not trained(20, 30, size=40_000, window=5).centres.isfinite().all()


def test_a_text_of_which_nothing_is_kept_moves_nothing() -> None:
    trainer = trained(1, subsample=1e-15)
    assert not trainer.contexts.any()
