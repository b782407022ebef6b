"""One training by several processes: real ranks, which must give what one process gives."""

import json
from itertools import chain
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from crosswiki.pipeline import ranks
from tests import ranked


@pytest.mark.parametrize(("count", "world"), [(10, 1), (10, 4), (3, 4), (0, 2), (1000, 7)])
def test_shares_are_in_a_row_and_even(count: int, world: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for rank in range(world):
        monkeypatch.setattr(ranks, "_place", ranks._Place(rank, world))
        found.append(list(range(count))[ranks.share(count)])
    assert list(chain.from_iterable(found)) == list(range(count))
    assert max(map(len, found)) - min(map(len, found)) <= 1


def test_four_shards_on_one_two_and_four_ranks_give_the_same_bytes(tmp_path: Path) -> None:
    processes = ranked.run_ranks(2, "skipgram", str(tmp_path)) + ranked.run_ranks(4, "skipgram", str(tmp_path))
    ranked.skipgram(tmp_path)
    ranked.finish(processes)
    files = sorted(tmp_path.glob("*.safetensors"))
    assert len(files) == 1 + 2 + 4
    assert len({file.read_bytes() for file in files}) == 1


def test_every_training_on_two_ranks_gives_what_one_process_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    processes = ranked.run_ranks(2, "trainings", str(tmp_path)) + ranked.run_ranks(1, "trainings", str(tmp_path))
    ranked.finish(processes)
    histories = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("1-0", "2-0", "2-1")}
    logits = {name: load_file(tmp_path / f"{name}.tensors") for name in histories}
    assert histories["2-0"] == histories["2-1"]
    for training, expected in histories["1-0"].items():
        found = histories["2-0"][training]
        assert len(found) == len(expected) > 3
        assert [row["step"] for row in found] == [row["step"] for row in expected]
        assert [row["loss"] for row in found] == pytest.approx([row["loss"] for row in expected], abs=1e-4)
        assert expected[0]["loss"] != pytest.approx(expected[-1]["loss"], abs=1e-3)  # it has learnt
        assert torch.equal(logits["2-0"][training], logits["2-1"][training])
        torch.testing.assert_close(logits["2-0"][training], logits["1-0"][training], atol=1e-3, rtol=0)
        assert torch.equal(logits["2-0"][training].argmax(1), logits["1-0"][training].argmax(1))
