"""Training of skip-gram vectors on whole texts: planted ones, to the same bytes each time, after a stop too."""

import random
import warnings
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from crosswiki.embeddings.skipgram import trainer as trainer_module
from crosswiki.embeddings.skipgram.blocks import BlockTrainer
from crosswiki.embeddings.skipgram.shards import ShardTrainer
from crosswiki.embeddings.skipgram.trainer import Trained, piece, train_skipgram, words_per_step
from crosswiki.pipeline.errors import UserError
from tests.words import Corpus, one_thread, planted, settings_of, zipf  # noqa: F401

CPU = torch.device("cpu")
DEVICES = ["shards", "blocks"]


def train(corpus: Corpus, seed: int = 1, checkpoint: Path | None = None, report: Any = None, **changes: Any) -> Trained:
    """Train with few and quick settings."""
    own = settings_of(**{"words_per_step": 64, **changes})
    more = {"report": report} if report else {}
    return train_skipgram(*corpus, own, seed=seed, device=CPU, checkpoint=checkpoint, **more)


@pytest.fixture(params=DEVICES)
def trainer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both trainers, the GPU's on the CPU."""
    if request.param == "blocks":
        monkeypatch.setattr(trainer_module, "ShardTrainer", BlockTrainer)
    return str(request.param)


def both(trained: Trained) -> list[bytes]:
    return [matrix.numpy().tobytes() for matrix in (trained.centres, trained.contexts)]


def test_training_gives_a_vector_for_every_word_in_two_matrices(trainer: str) -> None:
    found = train(planted())
    for matrix in (found.centres, found.contexts):
        assert matrix.shape == (20, 12)
        assert matrix.dtype == torch.float32
        assert matrix.isfinite().all()
    assert not torch.equal(found.centres, found.contexts)


def test_a_word_has_its_centre_vector_or_the_sum_of_both() -> None:
    found = train(planted())
    assert torch.equal(found.vectors("centres"), found.centres)
    numpy.testing.assert_allclose(found.vectors("sum"), found.centres.numpy() + found.contexts.numpy())


def test_training_again_gives_the_same_bytes_whatever_the_global_generators_do(trainer: str) -> None:
    first = train(planted(), subsample=0.01)
    random.seed(99)
    numpy.random.seed(99)  # noqa: NPY002
    torch.manual_seed(99)
    states = random.getstate(), numpy.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    second = train(planted(), subsample=0.01)
    assert both(first) == both(second)
    assert first.curve == second.curve
    assert both(first) != both(train(planted(), subsample=0.01, seed=2))
    assert random.getstate() == states[0]
    assert [str(part) for part in numpy.random.get_state()] == [str(part) for part in states[1]]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])


def test_how_many_cores_there_are_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    several = train(zipf(300), shards=4)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert both(several) == both(train(zipf(300), shards=4))


@pytest.mark.parametrize("subsample", [0.0, 0.01])
def test_words_that_never_meet_part_and_words_that_meet_come_together(subsample: float, trainer: str) -> None:
    points: list[tuple[int, float]] = []
    corpus = planted(documents=300)
    found = train(corpus, subsample=subsample, epochs=15, report=lambda read, loss: points.append((read, loss)))
    cosines = torch.nn.functional.cosine_similarity(found.centres[:, None], found.centres[None], dim=2)
    own = torch.arange(20)[:, None] % 2 == torch.arange(20) % 2
    assert cosines[own].min() > cosines[~own].max()

    read = [place for place, _ in found.curve]
    losses = [loss for _, loss in found.curve]
    assert points == found.curve
    assert read == sorted(read)
    assert len(corpus[0]) * 14 < read[-1] <= len(corpus[0]) * 15
    # It starts with no idea. At the best, a score is the log of P(pair) / (5 P(noise)): 2/5 within a group, where half
    # of the noise falls; noise from the other group costs nothing (Levy and Goldberg 2014).
    assert losses[0] == pytest.approx(6 * numpy.log(2), rel=0.01)
    best = numpy.log(7 / 2) + 5 / 2 * numpy.log(7 / 5)
    assert numpy.mean(losses[-len(losses) // 5 :]) == pytest.approx(best, rel=0.05)


def test_documents_that_are_memory_mapped_do_as_well(tmp_path: Path, trainer: str) -> None:
    tokens, offsets, counts = planted()
    numpy.save(tmp_path / "tokens.npy", tokens)
    numpy.save(tmp_path / "offsets.npy", offsets)
    mapped = [numpy.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("tokens", "offsets")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = train((mapped[0], mapped[1], counts))
    assert both(found) == both(train((tokens, offsets, counts)))


@pytest.mark.parametrize(("limit", "epochs"), [(480, 3), (2400, 3), (1921, 2), (1, 1)])
def test_a_limit_of_words_takes_whole_epochs_and_then_a_part_of_the_text_evenly(
    limit: int, epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts, rates = [], []

    def listen_to_piece(tokens: Any, offsets: Any, start: int, size: int) -> Any:
        starts.append(start)
        return piece(tokens, offsets, start, size)

    def listen_to_step(self: ShardTrainer, pieces: Any, rate: float, seed: int) -> tuple[float, int]:
        rates.append(rate)
        return 1.0, 1

    monkeypatch.setattr(trainer_module, "piece", listen_to_piece)
    monkeypatch.setattr(ShardTrainer, "step", listen_to_step)
    train(planted(documents=128, length=15), epochs=epochs, max_words=limit, words_per_step=32, shards=1)
    assert len(starts) == -(-limit // 32)
    assert rates == pytest.approx([0.05 * max(1 - number * 32 / limit, 1e-4) for number in range(len(starts))])
    for first in range(0, len(starts), 60):  # an epoch is 60 steps
        epoch = starts[first : first + 60]
        assert epoch == sorted(set(epoch))
        gaps = numpy.diff([*epoch, 1920])
        assert max(gaps) - min(gaps) <= 32  # as evenly as steps allow


def test_a_limit_that_the_text_does_not_reach_changes_nothing() -> None:
    corpus = planted()
    expected = both(train(corpus, epochs=2))
    assert both(train(corpus, epochs=2, max_words=2 * len(corpus[0]))) == expected
    assert both(train(corpus, epochs=20, max_words=2 * len(corpus[0]))) == expected
    assert both(train(corpus, epochs=2, max_words=len(corpus[0]))) != expected


def test_the_learning_rate_falls_linearly_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = []
    step = ShardTrainer.step

    def listen(self: ShardTrainer, pieces: Any, rate: float, seed: int) -> tuple[float, int]:
        rates.append(rate)
        return step(self, pieces, rate, seed)

    monkeypatch.setattr(ShardTrainer, "step", listen)
    train(planted(documents=128, length=15), epochs=3, words_per_step=32)  # 1920 words in steps of 2 times 32
    assert rates == pytest.approx([0.05 * (1 - number / 90) for number in range(90)])


@hypothesis_settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.integers(1, 9))
def test_every_token_is_read_once_with_its_document_whatever_the_pieces(lengths: list[int], size: int) -> None:
    documents = numpy.repeat(numpy.arange(len(lengths)), lengths)
    tokens = numpy.arange(len(documents), dtype=numpy.int32)[::-1].copy()
    offsets = numpy.cumsum([0, *lengths])
    pieces = [piece(tokens, offsets, start, size) for start in range(0, len(tokens), size)]
    assert [int(i) for ids, _ in pieces for i in ids] == tokens.tolist()
    assert all(len(ids) <= size for ids, _ in pieces)
    for (ids, ends), start in zip(pieces, range(0, len(tokens), size), strict=True):
        assert ends[-1] == len(ids)
        inside = numpy.searchsorted(ends, numpy.arange(len(ids)), side="right")
        own = documents[start : start + len(ids)]
        assert [a == b for a, b in zip(inside[1:], inside, strict=False)] == (own[1:] == own[:-1]).tolist()


@pytest.mark.parametrize("size", [10, 52, 1000])
def test_a_corpus_that_does_not_fit_into_memory_is_read_to_its_end(size: int, trainer: str) -> None:
    """Each word stands in one place only, so that its vector moves only if that place is read."""
    tokens = numpy.arange(100, dtype=numpy.int32)
    corpus = tokens, numpy.arange(0, 101, 5), numpy.ones(100, dtype=numpy.int64)
    start = trainer_module.SkipGramModel(100, 12, torch.Generator().manual_seed(1)).centres
    end = train(corpus, epochs=6, words_per_step=size).centres
    assert (start != end).any(1).all()


def test_a_learning_rate_that_diverges_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "crosswiki.embeddings.skipgram.shards.merge_weights", lambda pairs, shards: numpy.full_like(pairs, 1e30)
    )
    with pytest.raises(UserError, match=r"skipgram\.learning_rate") as caught:
        train(planted(), epochs=10)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [1, 20])
def test_a_text_of_which_nothing_is_kept_moves_nothing(length: int, trainer: str) -> None:
    corpus = numpy.zeros(length, dtype=numpy.int32), numpy.array([0, length]), numpy.array([length, 0])
    found = train(corpus, subsample=1e-15)
    assert not found.contexts.any()
    assert found.curve == []


def test_an_empty_corpus_and_documents_of_one_word_have_no_pairs(trainer: str) -> None:
    none = numpy.array([], dtype=numpy.int32), numpy.array([0]), numpy.array([1, 1])
    single = numpy.arange(30, dtype=numpy.int32), numpy.arange(31), numpy.ones(30, dtype=numpy.int64)
    for corpus in (none, single):
        assert not train(corpus).contexts.any()


# ------------------------------------------------------------------------------------------------ going on


class Killed(BaseException):
    """As abrupt as a signal: nothing catches it."""


@pytest.mark.parametrize("after", [1, 7, 40])
def test_a_run_that_was_killed_ends_in_the_same_bytes(
    after: int, tmp_path: Path, trainer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_module, "CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(trainer_module, "POINTS", 20)
    corpus, place = planted(), tmp_path / "checkpoint"
    whole = train(corpus, epochs=4, subsample=0.01)
    points: list[int] = []

    def kill(read: int, loss: float) -> None:
        points.append(read)
        if len(points) == after:
            raise Killed

    if after < len(whole.curve):
        with pytest.raises(Killed):
            train(corpus, epochs=4, subsample=0.01, checkpoint=place, report=kill)
        assert place.is_file() == (after > 1)
    went_on: list[int] = []
    found = train(corpus, epochs=4, subsample=0.01, checkpoint=place, report=lambda read, loss: went_on.append(read))
    assert both(found) == both(whole)
    assert found.curve == whole.curve
    if 1 < after < len(whole.curve):
        assert len(went_on) == len(whole.curve) - (after - 1), "it started anew"


def test_a_run_that_has_ended_is_kept_however_short_it_was(tmp_path: Path, trainer: str) -> None:
    """So that a stage of several runs, killed in its last one, does not repeat the others."""
    corpus, place = planted(), tmp_path / "checkpoint"
    whole = train(corpus, checkpoint=place)
    again: list[int] = []
    found = train(corpus, checkpoint=place, report=lambda read, loss: again.append(read))
    assert again == []
    assert both(found) == both(whole)
    assert found.curve == whole.curve


def test_steps_are_as_large_as_vocabulary_and_device_allow() -> None:
    cuda = torch.device("cuda")
    assert words_per_step(10**9, 10**6, 2, CPU) == 50_000
    assert words_per_step(600_000, 16_000, 2, CPU) == 30_000
    assert words_per_step(10, 10, 2, CPU) == 5
    assert words_per_step(600_001, 16_000, 2, CPU) * 2 * 11 - 600_001 < 22, "eleven steps of one size"
    assert words_per_step(10**9, 300, 2, cuda) < words_per_step(10**9, 10**5, 2, cuda) <= 32 * 4096
