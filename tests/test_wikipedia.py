"""corpus=wikipedia from a cold start, through the whole graph, with a local server standing in for each service."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pandas
import pytest

from tests.standin import PAGES, Standin, serving
from tests.tiny import STAGES, clone, run, run_stages, stages_made


def point_at(folder: Path, address: str) -> dict[str, str]:
    """Let the shipped preset ask the stand-in, and nothing but its addresses changes."""
    path = folder / "data/corpora/wikipedia.yaml"
    text = path.read_text(encoding="utf-8")
    assert "https://{language}.wikipedia.org" in text
    text = text.replace("https://{language}.wikipedia.org", address + "/{language}")
    path.write_text(text.replace("    contact: null", "    pause: 0\n    contact: null"), encoding="utf-8")
    for name in ("params.yaml",):
        params = (folder / name).read_text(encoding="utf-8")
        assert "corpus: trio" in params
        (folder / name).write_text(params.replace("corpus: trio", "corpus: wikipedia"), encoding="utf-8")
    return {"HF_ENDPOINT": address, "HF_HOME": str(folder / ".hub"), "HF_HUB_OFFLINE": "0", "NO_PROXY": "*"}


@pytest.fixture(scope="module")
def standin() -> Iterator[tuple[Standin, str]]:
    server = Standin()
    with serving(server) as address:
        yield server, address


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, standin: tuple[Standin, str]) -> Path:
    folder = clone(tmp_path_factory.mktemp("project"))
    environment = point_at(folder, standin[1])
    run(folder, "git", "commit", "-qam", "wikipedia")
    answer = run_stages(folder, *STAGES, **environment)
    assert stages_made(answer.stdout) == list(STAGES)
    assert "warning" not in answer.stderr.lower(), answer.stderr
    run(folder, "dvc", "commit", "--force")
    return folder


def test_topics_and_links_arrive_in_every_language(project: Path) -> None:
    tables = {
        role: pandas.read_parquet(project / f"data/articles/{role}.parquet") for role in ("source", "target", "test")
    }
    trio = {
        role: [json.loads(line) for line in (project / f"tests/trio/{language}.jsonl").read_text().splitlines()]
        for role, language in (("source", "en"), ("target", "zh"), ("test", "ru"))
    }
    for role, table in tables.items():
        expected = {row["title"]: (row["text"], PAGES.get(row["topic"])) for row in trio[role]}
        found = {
            title: (text, None if pandas.isna(topic) else topic)
            for title, text, topic in zip(table["title"], table["text"], table["topic"], strict=True)
        }
        assert found == expected
        labelled = table[table["topic"].notna()]
        assert labelled["concept"].str.fullmatch(r"Q\d+").all()
        assert set(labelled["concept"]) == set(tables["source"].loc[tables["source"]["topic"].notna(), "concept"])
    corpus = json.loads((project / "metrics/corpus/target.json").read_text())
    assert corpus["linked"] == len(set(tables["target"]["concept"]) & set(tables["source"]["concept"]))


def test_every_third_request_failing_changes_no_byte(project: Path, standin: tuple[Standin, str]) -> None:
    server, address = standin
    articles = sorted((project / "data/articles").glob("*.parquet"))
    before = {path: path.read_bytes() for path in articles}
    environment = point_at_again(project, address)
    server.fail_every, asked = 3, len(server.asked)
    try:
        run_stages(project, *(f"download@{role}" for role in ("source", "target", "test")), **environment)
    finally:
        server.fail_every = 0
    assert len(server.asked) - asked > 30
    assert {path: path.read_bytes() for path in articles} == before
    # So nothing that depends on them has anything to do.
    assert "up to date" in run(project, "dvc", "repro", **environment).stdout


def point_at_again(project: Path, address: str) -> dict[str, str]:
    """A cold start: no reply, no file and no table of the first run is left."""
    import shutil

    shutil.rmtree(project / ".checkpoints")
    home = project / f".hub-{os.getpid()}-again"
    return {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0", "NO_PROXY": "*"}


def test_a_second_run_asks_only_for_what_is_missing(project: Path, standin: tuple[Standin, str]) -> None:
    """The vital articles' lists and links are all there; the hub's text is streamed again."""
    server, address = standin
    environment = {"HF_ENDPOINT": address, "HF_HOME": str(project / ".hub"), "HF_HUB_OFFLINE": "0", "NO_PROXY": "*"}
    asked = len(server.asked)
    run_stages(project, "download@target", **environment)
    assert server.asked[asked:]
    assert not [path for path in server.asked[asked:] if "api.php" in path]
