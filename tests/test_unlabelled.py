"""A language without a label, and no third language: the whole graph runs, and makes no number up."""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.tiny import STAGES, clone, run, run_stages

pytestmark = pytest.mark.timeout(900)
TWO = tuple(name for name in STAGES if not name.endswith("@test"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny trio less its test language, and with no topic in the target's file."""
    folder = clone(tmp_path_factory.mktemp("unlabelled"))
    yaml = YAML()
    for path, change in (
        (folder / "params.yaml", {"roles": ["source", "target"]}),
        (folder / "data/corpora/trio.yaml", {"languages": {"source": "en", "target": "zh", "test": None}}),
    ):
        content = yaml.load(path.read_text(encoding="utf-8"))
        content.update(change)
        if "articles" in content:
            content["articles"]["zh"][0]["columns"] = {"concept": "concept"}
        with path.open("w", encoding="utf-8") as file:
            yaml.dump(content, file)
    run(folder, "python", "-m", "crosswiki", "check")
    run_stages(folder, *TWO)
    return folder


def test_what_cannot_be_measured_is_null_and_says_why(project: Path) -> None:
    evaluation = json.loads((project / "metrics/evaluation.json").read_text(encoding="utf-8"))
    assert set(evaluation["target"].values()) == {None}
    assert "tfidf" in evaluation["target"]
    assert evaluation["source"]["teacher"]["n"] > 0
    assert "test" not in evaluation
    assert evaluation["unmeasured"] == {"target": "no text of the test split has a label"}
    estimated = evaluation["estimated_accuracy"]["target"]
    assert {"copied", "glossed", "transplanted", "adapted", "distilled", "finetuned"} == set(estimated)
    assert all(0 <= share <= 1 for share in estimated.values())


def test_the_source_has_its_scores_and_how_far_they_can_be_trusted(project: Path) -> None:
    teacher = json.loads((project / "metrics/evaluation.json").read_text(encoding="utf-8"))["source"]["teacher"]
    assert 0 <= teacher["calibration_error"] <= 1
    assert 0 <= teacher["coverage_at_95"] <= 1
    assert 0 <= teacher["estimated_accuracy"] <= 1
    configs = [json.loads((project / f"models/{one}/config.json").read_text("utf-8")) for one in ("source", "target")]
    assert [config.get("calibration_temperature") for config in configs] == [None, None], "too few labels to fit it"


def test_the_model_is_the_distilled_student(project: Path) -> None:
    summary = json.loads((project / "metrics/finetune_target.json").read_text(encoding="utf-8"))
    assert summary == {"labels": 0}
    weights = [(project / "models" / name / "model.safetensors").read_bytes() for name in ("distilled", "target")]
    assert weights[0] == weights[1]


def test_nothing_is_written_for_the_role_that_is_not_there(project: Path) -> None:
    made = [path for place in ("data", "models", "metrics") for path in (project / place).rglob("test*")]
    assert made == []


def test_card_and_page_say_that_nothing_was_measured(project: Path) -> None:
    card = (project / "metrics/model_card.md").read_text(encoding="utf-8")
    assert "It has not been measured" in card
    assert "estimated at" in card
    page = (project / "metrics/report.html").read_text(encoding="utf-8")
    assert "no text of the test split has a label" in page
    assert "nan" not in page.lower().replace("finance", "")


def test_the_model_answers(project: Path) -> None:
    answer = json.loads(run(project, "python", "-m", "crosswiki", "predict", "长江是中国最长的河流。").stdout)
    assert answer["topic"]
    assert answer["language"] == "zh"
    asked = run(project, "python", "-m", "crosswiki", "predict", "--language", "ru", "Волга", status=2)
    assert len(asked.stderr.splitlines()) == 1


def test_dvc_has_no_stage_of_a_test_language(project: Path) -> None:
    names = {line.split()[0] for line in run(project, "dvc", "stage", "list", "--all").stdout.splitlines()}
    assert names == set(TWO)
