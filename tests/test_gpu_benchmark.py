"""The benchmark for a GPU goes through all that it measures, on a CPU."""

import json
import sys

import numpy
import pytest
import torch

from benchmarks import cluster, gpu
from benchmarks.gpu_words import bytes_per_word, zipf
from tests.words import settings_of


def test_everything_is_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu", "--small", "--device", "cpu"])
    monkeypatch.setattr(gpu, "similarities", lambda device, epochs: None)  # of the project's own data, if it is there
    gpu.main()
    found = json.loads(capsys.readouterr().out)
    assert found["device"] == "cpu"
    speeds = {name: value for name, value in found.items() if name.endswith("per_second")}
    assert len(speeds) == 1 + 3 * 2 + 2  # the copy; three kinds of work with two batches; two deterministic ones
    for dim in (8, 24):
        speeds |= {f"{dim}.{name}": value for name, value in found[f"skipgram.dim_{dim}"].items()}
    assert all(value > 0 for value in speeds.values())
    agreements = {name: value for name, value in found.items() if name.startswith("two_runs_agree")}
    assert len(agreements) == 4
    assert all(agreements.values())  # one thread adds in one order
    assert not torch.are_deterministic_algorithms_enabled()


def test_words_are_zipfs_and_the_bytes_are_those_of_their_rows() -> None:
    tokens, offsets, counts = zipf(50_000, 100)
    assert counts.sum() == len(tokens) == offsets[-1]
    assert counts[0] / counts[9] == pytest.approx(10, rel=0.15)
    settings = settings_of(window=8, dim=10)
    # Without subsampling: centre, noise word, and (32 + 16) / 32 contexts; 4 bytes a number, read and written.
    assert bytes_per_word(counts, settings) == pytest.approx((2 + 48 / 32) * 10 * 8)
    half = settings.model_copy(update={"subsample": 1e-9})
    assert bytes_per_word(numpy.maximum(counts, 1), half) < 1


def test_a_step_takes_training_merging_and_what_the_slowest_link_needs() -> None:
    shard = cluster.ShardStep(words=1000, seconds=0.5, rows=1000, row_bytes=400, merging=0.1)
    assert shard.sending(1) == pytest.approx(7 * 1000 * 400 * 8 / 1e9)
    assert shard.step(10) == pytest.approx(0.6 + shard.sending(10))
    assert shard.speedup(1e9) == pytest.approx(8 * 0.5 / 0.6)  # a network without limits
    measured = cluster.measure(vocabulary=300, dim=20, words=500)
    assert 300 < measured.rows <= 2 * 300  # nearly all words are somebody's noise
    assert measured.row_bytes == 4 * 32 + 4  # padded to 32 numbers, and the word's id
    assert measured.seconds > 0 < measured.merging
