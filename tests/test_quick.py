"""The sketch that `make quick` makes: its limits, and what a whole run of it leaves behind."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from crosswiki.commands.quick import settings
from crosswiki.pipeline.checked_yaml import read_yaml
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.provenance import flat
from tests.tiny import ROOT, run

PARAMS, LIMITS = ROOT / "params.yaml", ROOT / "quick.yaml"


def test_each_limit_is_below_what_params_yaml_has() -> None:
    full, limits = dict(flat(read_yaml(PARAMS))), dict(flat(read_yaml(LIMITS)))
    assert limits.pop("sketch") is True
    for name, limit in limits.items():
        before: Any = full[name]
        assert before is None or (len(limit) < len(before) if isinstance(before, list) else limit < before), name


def test_limits_become_settings_that_dvc_understands(tmp_path: Path) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text("sketch: true\nbaselines: {c_values: [1, 10]}\nalign: {held_out: 0.2}\n")
    expected = ["sketch=true", "baselines.c_values=[1, 10]", "align.held_out=0.2"]
    assert list(settings(read_yaml(PARAMS), limits)) == expected


@pytest.mark.parametrize(
    ("text", "word"), [("skipgram: {epoch: 1}", "epoch"), ("sketch: 1", "sketch"), ("align: 3", "align")]
)
def test_a_wrong_limit_is_named_before_anything_runs(tmp_path: Path, text: str, word: str) -> None:
    limits = tmp_path / "limits.yaml"
    limits.write_text(text)
    with pytest.raises(UserError, match=rf"limits\.yaml: .*{word}"):
        list(settings(read_yaml(PARAMS), limits))


def test_a_sketch_says_that_it_is_one_and_leaves_the_results_as_they_are(
    finished: Path, tmp_path: Path, warm: dict[str, str]
) -> None:
    project = Path(shutil.copytree(finished, tmp_path / "project", symlinks=True))
    lock = project / "dvc.lock"
    names = re.compile(r"(path: (?:data/prepared|models/neighbourhood)\S*\n\s+hash: md5\n\s+md5: )\w+")
    text, count = names.subn(r"\g<1>ffffffffffffffffffffffffffffffff", lock.read_text(encoding="utf-8"))
    assert count > 20
    lock.write_text(text, encoding="utf-8")  # somebody else's results, which this cache has not
    run(project, "git", "commit", "--quiet", "--message", "Their results", "dvc.lock")
    (project / "limits.yaml").write_text("sketch: true\n")  # no stage but the report depends on it
    before = {path: (project / path).read_bytes() for path in ("params.yaml", "dvc.lock", "metrics/report.html")}
    answer = run(project, "python", "-m", "crosswiki", "quick", "--limits", "limits.yaml", **warm)
    assert "quick: made sketch/report.html, sketch/evaluation.json in" in answer.stdout
    started = re.findall(r"^(\S+?)(?:@\S+)?: starts$", answer.stdout, re.MULTILINE)
    assert set(started) == {"prepare", "report"}, "of what they had from the same files, the cache has nothing"
    assert {path: (project / path).read_bytes() for path in before} == before
    assert "A sketch." in (project / "sketch/report.html").read_text(encoding="utf-8")
    assert b"A sketch." not in before["metrics/report.html"]
    scores = [json.loads((project / name / "evaluation.json").read_text()) for name in ("metrics", "sketch")]
    assert scores[0] == scores[1]
    assert run(project, "git", "status", "--porcelain").stdout.split() == ["??", "limits.yaml"]
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    runs = client.search_runs(["1"], "tags.sketch = 'true'")
    assert {one.info.run_name.partition("@")[0] for one in runs} == {"quick", *started}
