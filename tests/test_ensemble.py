"""What is said of a long training before it ends."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from crosswiki.embeddings.skipgram import ensemble
from crosswiki.embeddings.skipgram.trainer import Trained
from crosswiki.pipeline.parameters import load_parameters
from tests.tiny import ROOT


def trained_at(
    points: list[tuple[int, float]], checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], list[float | None]]:
    """What a training of 100,000 words announces, and the rates that it reports, where it has read so many at times."""
    clock = [0.0]

    def train(*_: Any, report: Callable[[int, float], None], **__: Any) -> Trained:
        for read, seconds in points:
            clock[0] = seconds
            report(read, 1.0)
        return Trained(torch.zeros(2, 3), torch.zeros(2, 3), [(1, 1.0)])

    monkeypatch.setattr(ensemble, "train_skipgram", train)
    monkeypatch.setattr(ensemble, "words_to_read", lambda *_: 100_000)
    monkeypatch.setattr(ensemble.time, "perf_counter", lambda: clock[0])
    settings = load_parameters(ROOT / "params.yaml").skipgram.model_copy(update={"ensemble": 1})
    said: list[str] = []
    rates: list[float | None] = []
    ensemble.train_ensemble(
        numpy.zeros(4, numpy.int32),
        numpy.array([0, 4]),
        numpy.ones(2, numpy.int64),
        settings,
        seed=1,
        device=torch.device("cpu"),
        report=lambda values, _: rates.append(values.get("words_per_second")),
        checkpoints=checkpoints,
        announce=said.append,
    )
    return said, rates


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        # 1,000 words in 100 s, of which all but 1 s is compiling, then 1,000 words a second
        ([(1000, 100.0), (2000, 101.0), (3000, 105.0)], ["about 2 min for 100,000 words, at 0.001 M words/s"]),
        ([(1000, 100.0), (6000, 101.0)], []),  # the rest takes less than a minute
        ([(90_000, 1.0), (90_100, 2.0)], ["about 17 min for 100,000 words, at 0.0001 M words/s"]),  # read before a kill
        ([(100_000, 900.0)], []),  # nothing is left
    ],
)
def test_the_estimate_leaves_the_first_steps_compiling_aside(
    points: list[tuple[int, float]], expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, _ = trained_at(points, tmp_path, monkeypatch)
    assert said == expected


def test_the_rate_is_that_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = [(90_000, 1.0), (90_100, 2.0), (90_300, 3.0)]  # a killed run had read 90,000
    _, rates = trained_at(points, tmp_path, monkeypatch)
    assert rates == [None, 100.0, 150.0]
