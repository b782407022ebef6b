"""Outputs appear whole or not at all."""

import errno
import json
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import read_json, remove, replacing, write_json


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


def test_a_file_stands_in_its_place_only_when_the_block_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "scores.txt"
    with replacing(path) as partial:
        partial.write_text("new")
        assert not path.exists()
        assert partial.parent == path.parent  # a rename cannot cross file systems
    assert path.read_text() == "new"
    assert names(path.parent) == ["scores.txt"]


def test_a_folder_stands_in_its_place_only_when_the_block_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "model"
    with replacing(path, directory=True) as partial:
        assert names(partial) == []
        (partial / "inner").mkdir()
        (partial / "inner" / "weights").write_text("new")
        assert not path.exists()
    assert (path / "inner" / "weights").read_text() == "new"
    assert names(path.parent) == ["model"]


@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_whoever_may_read_the_folder_may_read_its_weights(tmp_path: Path, umask: int, expected: int) -> None:
    """safetensors writes files for their owner alone; a server often is somebody else."""
    before = os.umask(umask)
    try:
        with replacing(tmp_path / "model", directory=True) as partial:
            (partial / "deep").mkdir()
            for path in (partial / "model.safetensors", partial / "deep" / "vectors.safetensors"):
                save_file({"weights": torch.ones(2)}, path)
    finally:
        os.umask(before)
    modes = [path.stat().st_mode & 0o777 for path in sorted((tmp_path / "model").rglob("*.safetensors"))]
    assert modes == [expected, expected]


def test_an_old_file_stays_until_the_new_one_is_there(tmp_path: Path) -> None:
    path = tmp_path / "scores.txt"
    path.write_text("old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_nothing_of_an_old_folder_remains_in_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").write_text("old")
    with replacing(path, directory=True) as partial:
        (partial / "new").write_text("new")
        assert names(path) == ["old"]
    assert names(path) == ["new"]


@pytest.mark.parametrize("directory", [False, True])
def test_a_folder_and_a_file_take_each_others_place(tmp_path: Path, directory: bool) -> None:
    path = tmp_path / "output"
    with replacing(path, directory=not directory) as partial:
        if directory:
            partial.write_text("a file")
    with replacing(path, directory=directory) as partial:
        if not directory:
            partial.write_text("a file")
    assert path.is_dir() == directory
    assert names(tmp_path) == ["output"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, UserError, SystemExit])
@pytest.mark.parametrize("directory", [False, True])
def test_when_the_block_raises_the_old_output_stays_and_nothing_else(
    tmp_path: Path, directory: bool, error: type[BaseException]
) -> None:
    path = tmp_path / "output"
    with replacing(path, directory=directory) as partial:
        (partial / "inside" if directory else partial).write_text("old")
    with pytest.raises(error), replacing(path, directory=directory) as partial:
        (partial / "inside" if directory else partial).write_text("half")
        raise error
    assert (path / "inside" if directory else path).read_text() == "old"
    assert names(tmp_path) == ["output"]


@pytest.mark.parametrize("directory", [False, True])
@pytest.mark.parametrize("left", ["file", "folder"])
def test_what_a_killed_run_left_is_removed(tmp_path: Path, left: str, directory: bool) -> None:
    path = tmp_path / "output"
    with replacing(path) as partial:
        place = partial
        partial.write_text("old")
    if left == "file":
        place.write_text("half")
    else:
        place.mkdir()
        (place / "half").write_text("half")
    with replacing(path, directory=directory) as partial:
        assert names(tmp_path) == ([place.name, "output"] if directory else ["output"])
        (partial / "inside" if directory else partial).write_text("new")
    assert (path / "inside" if directory else path).read_text() == "new"
    assert names(tmp_path) == ["output"]


def test_an_output_that_is_a_link_is_replaced_and_what_it_points_to_is_not(tmp_path: Path) -> None:
    """DVC links outputs to its cache where it is told to; writing through the link would spoil the cache."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "file").write_text("cached")
    (tmp_path / "cache" / "folder").mkdir()
    (tmp_path / "cache" / "folder" / "inside").write_text("cached")
    (tmp_path / "file").symlink_to(tmp_path / "cache" / "file")
    (tmp_path / "folder").symlink_to(tmp_path / "cache" / "folder")
    with replacing(tmp_path / "file") as partial:
        partial.write_text("new")
    with replacing(tmp_path / "folder", directory=True) as partial:
        (partial / "inside").write_text("new")
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "inside").read_text() == "new"
    assert not (tmp_path / "file").is_symlink()
    assert not (tmp_path / "folder").is_symlink()
    assert (tmp_path / "cache" / "file").read_text() == "cached"
    assert (tmp_path / "cache" / "folder" / "inside").read_text() == "cached"


def test_a_block_that_writes_no_file_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "scores.txt"
    path.write_text("old")
    with pytest.raises((UserError, FileNotFoundError)), replacing(path):
        pass
    assert path.read_text() == "old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_said_in_one_line_and_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "scores.txt"
    path.write_text("old")
    with pytest.raises(UserError, match=r"scores\.txt: cannot be written") as caught, replacing(path) as partial:
        partial.symlink_to("/dev/full")
        partial.write_text("new")
    assert "\n" not in str(caught.value)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["scores.txt"]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Inside the block the kernel refuses what would make a file larger."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("save", [save_file, torch.save], ids=["safetensors", "torch"])
def test_weights_that_do_not_fit_are_said_in_one_line_and_cost_nothing(
    save: Callable[[dict[str, torch.Tensor], str], None], tmp_path: Path
) -> None:
    path = tmp_path / "model"
    write_json(path / "config.json", "old")
    with largest_file(2**14), pytest.raises(UserError) as caught, replacing(path, directory=True) as partial:
        save({"weight": torch.zeros(10**5)}, str(partial / "weights"))
    assert str(caught.value) == f"{path}: cannot be written (File too large): free some space or check the rights"
    assert read_json(path / "config.json") == "old"
    assert names(tmp_path) == ["model"]


def test_of_an_output_in_another_the_inner_one_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"config\.json: cannot be written"),
        replacing(tmp_path / "model", directory=True) as partial,
        replacing(partial / "config.json"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_another_files_error_is_not_taken_for_the_outputs(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "scores.txt"):
        (tmp_path / "input.txt").read_text()
    assert caught.value.errno == errno.ENOENT
    assert str(caught.value.filename).endswith("input.txt")
    assert names(tmp_path) == []


def test_removing_nothing_is_fine_and_removing_a_link_leaves_its_target(tmp_path: Path) -> None:
    remove(tmp_path / "nothing")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    remove(tmp_path / "link")
    assert names(tmp_path) == ["folder"]
    assert names(tmp_path / "folder") == ["inside"]


def test_json_is_written_as_a_person_would_read_it_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "scores.json"
    value = {"z": 1, "a": {"naïve": [1.5, None, True]}, "中": "文"}
    write_json(path, value)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == read_json(path) == value
    assert list(read_json(path)) == ["z", "a", "中"]
    assert text.startswith('{\n  "z": 1,\n')
    assert text.endswith("}\n")
    assert "naïve" in text
    assert "中" in text


def test_a_value_that_is_no_json_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    write_json(path, [1])
    with pytest.raises(TypeError):
        write_json(path, {"wrong": object()})
    assert read_json(path) == [1]
    assert names(tmp_path) == ["scores.json"]


def test_a_missing_and_a_broken_json_file_are_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.json: no such file.*dvc repro"):
        read_json(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text('{"a": 1,\n')
    with pytest.raises(UserError, match=r"broken\.json: not JSON") as caught:
        read_json(tmp_path / "broken.json")
    assert "\n" not in str(caught.value)
