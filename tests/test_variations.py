"""What parameters change, beside a finished run on the tiny trio; without DVC, as what it does is tested elsewhere."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from ruamel.yaml import YAML

from tests.tiny import STAGES, results_alone, run, run_stages


@pytest.fixture(scope="module")
def project(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results_alone(finished, tmp_path_factory.mktemp("wrong") / "project")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("skipgram.dimm=3", ["skipgram.dimm", "unknown key", "dim"]),
        ("skipgram.dim=many", ["skipgram.dim", "'many'", "integer"]),
        ("prepare.test=1.5", ["prepare.test", "1.5", "less than 1"]),
        ("corpus=nowhere", ["corpus", "nowhere", "offline"]),
        ("download.languages.target=tlh", ["download.languages.target", "tlh", "zh"]),
        ("device=tpu", ["device", "tpu", "cuda"]),
    ],
)
def test_a_wrong_parameter_ends_in_one_line(project: Path, warm: dict[str, str], change: str, words: list[str]) -> None:
    path = project / "params.yaml"
    good = path.read_text()
    try:
        yaml = YAML()
        params = yaml.load(good)
        *places, last = change.partition("=")[0].split(".")
        section = params
        for place in places:
            section = section[place]
        section[last] = YAML(typ="safe", pure=True).load(change.partition("=")[2])
        with path.open("w") as file:
            yaml.dump(params, file)
        settings = {"CROSSWIKI_TRACKING": "off", **warm}
        before = sorted((project / "data").rglob("*"))
        answer = run(project, "python", "-m", "stages.download", "target", status=2, **settings)
    finally:
        path.write_text(good)
    assert len(answer.stderr.splitlines()) == 1
    assert all(word in answer.stderr for word in words), answer.stderr
    assert sorted((project / "data").rglob("*")) == before


def test_without_a_validation_split_its_labels_are_trained_on(finished: Path, tmp_path: Path) -> None:
    folder = results_alone(finished, tmp_path / "project")
    path = folder / "params.yaml"
    settings = path.read_text().replace("  validation: 0.2", "  validation: 0")
    path.write_text(settings.replace("labels: 12", "labels: 99"))
    run_stages(folder, *(name for name in STAGES if not name.startswith("download")))
    for role, stage in (("source", "finetune_source"), ("target", "finetune_target")):
        before, after = (
            json.loads((place / f"metrics/corpus/{role}.json").read_text())["labels"] for place in (finished, folder)
        )
        assert set(after) == {"train", "test"}
        assert after["test"] == before["test"]
        told = sum(after["train"].values())
        assert told == sum(before["train"].values()) + sum(before["validation"].values())
        metrics = json.loads((folder / f"metrics/{stage}.json").read_text())
        assert metrics["labels"] == told
        assert not [key for key in metrics if key.startswith("validation")]
    assert json.loads((folder / "metrics/evaluation.json").read_text())["target"]["finetuned"]["n"] > 0
    assert "| validation" not in (folder / "models/target/README.md").read_text()


def test_the_distilled_student_counts_for_prior_labels(finished: Path, tmp_path: Path) -> None:
    folder = results_alone(finished, tmp_path / "project")
    path = folder / "params.yaml"
    settings, labels = path.read_text(), json.loads((finished / "metrics/finetune_target.json").read_text())["labels"]
    assert "  prior_labels: 500 " in settings
    path.write_text(settings.replace("  prior_labels: 500 ", "  prior_labels: 0 "))
    run_stages(folder, "finetune_target")
    learnt, both, before = (
        safetensors.torch.load_file(place / "models" / name / "model.safetensors")
        for place, name in ((folder, "target"), (finished, "target"), (finished, "distilled"))
    )
    assert not torch.equal(learnt["bert.pooler.dense.weight"], before["bert.pooler.dense.weight"])
    for name, value in both.items():
        mean = (500 * before[name].double() + labels * learnt[name].double()) / (500 + labels)
        torch.testing.assert_close(value.double(), mean, rtol=1e-5, atol=1e-7, msg=name)
