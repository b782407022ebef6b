"""Settings and fixtures that all tests share."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from hypothesis import settings

os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")  # before MLflow is imported; as tracking sets it for stages
torch.set_num_threads(1)  # three test processes share two cores
settings.register_profile("crosswiki", deadline=None, derandomize=True)
settings.load_profile("crosswiki")
# Files that run stages, servers or commands take minutes, the longest first: begun first, they end beside the many
# short ones and not after them. xdist hands a process another file when two of its tests are left.
PIPELINE = (
    *("test_pipeline", "test_tutorial_experiments", "test_tutorial_language", "test_tutorial_own_texts"),
    "test_tutorial_word_list",
    "test_architectures",
    *("test_documents", "test_wikipedia", "test_variations", "test_unlabelled", "test_tracking", "test_serving"),
    *("test_published", "test_start", "test_closure", "test_browser", "test_locks", "test_suggest", "test_quick"),
    "test_ranks",
)
# In these, only the tests that ask for a fixture; the others are quick.
UNITS = {
    "test_architectures": "project",
    "test_documents": "finished",
    "test_suggest": "finished",
    "test_closure": "mutable",
    "test_published": "finished",
    "test_quick": "finished",
    "test_ranks": "finished",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put some files first, within which the order stays, and mark what `make test-fast` leaves out."""
    items.sort(key=lambda item: PIPELINE.index(item.path.stem) if item.path.stem in PIPELINE else len(PIPELINE))
    for item in items:
        fixture = UNITS.get(item.path.stem)
        if item.path.stem in PIPELINE and (fixture is None or fixture in getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.pipeline)
            if item.get_closest_marker("timeout") is None:  # the first test of a file waits for the whole pipeline
                item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def finished(shared: Path) -> Path:
    """A finished tiny clone that everything reads and nothing changes: whoever asks first makes it, the others wait."""
    from tests.tiny import finished_clone

    folder = shared / "finished"
    with FileLock(shared / "finished.lock"):
        if not folder.exists():
            partial = shared / "finished.partial"
            shutil.rmtree(partial, ignore_errors=True)
            finished_clone(partial)
            partial.rename(folder)
    return folder


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What changes in the environment of commands whose `python` shall start at once: see pipeline/forks.py."""
    from crosswiki.pipeline.forks import warm_python
    from crosswiki.pipeline.tracking import MLFLOW_DEFAULTS
    from tests.tiny import clean_environment

    with warm_python(tmp_path_factory.mktemp("warm"), clean_environment(**MLFLOW_DEFAULTS), wait=True) as environment:
        yield environment


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all the package index pip knows."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path
