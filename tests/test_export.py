"""The exported folder: alone with its requirements, in transformers, and in `predict`."""

import json
import subprocess
import sys
from pathlib import Path

import pandas
import pytest
from transformers import pipeline

from crosswiki.commands import export, predict
from crosswiki.corpora.text import normalise
from crosswiki.pipeline.errors import UserError
from crosswiki.serving import standalone
from crosswiki.serving.answers import load_reader
from crosswiki.serving.conversion import compare, convert
from tests.test_bulk import arguments, read
from tests.test_serving import SIMPLIFIED, TRADITIONAL
from tests.test_serving import make_classifier as make_chinese
from tests.test_threads import make_classifier
from tests.tiny import ROOT, clean_environment, tiny_tokenizer, trio_texts

TEXTS = [
    *(text[:60] for text in trio_texts("zh")[:20]),
    TRADITIONAL,
    SIMPLIFIED,
    "",
    "สวัสดีครับ",
    " ".join(trio_texts("zh")),
]
# Runs predict.py where nothing can be imported that requirements.txt does not name (or what that needs).
ALONE = """
import runpy, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {refused}:
            raise ImportError("refused: " + name)
sys.meta_path.insert(0, Refuse())
sys.argv = sys.argv[1:]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
assert sys.modules["crosswiki"].__file__.startswith(sys.path[0])
"""
HEAVY = {"torch", "transformers", "pandas", "pyarrow", "mlflow", "pydantic", "filelock", "datasets", "yaml", "requests"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    make_chinese(folder / "models/target", tiny_tokenizer(trio_texts("zh")), 0)
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (folder / "data/corpora").mkdir(parents=True)
    (folder / "data/corpora/offline.yaml").write_text((ROOT / "tests/trio/corpus.yaml").read_text())
    prepared = folder / "data/prepared/target"
    prepared.mkdir(parents=True)
    pandas.DataFrame({"text": trio_texts("zh"), "split": "train"}).to_parquet(prepared / "articles.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        export.run(arguments_of("exported"))
    return folder


def arguments_of(*given: str) -> export.argparse.Namespace:
    parser = export.argparse.ArgumentParser()
    export.add_arguments(parser)
    return parser.parse_args(given)


def alone(folder: Path, refused: set[str], *texts: str) -> list[dict[str, object]]:
    command = [sys.executable, "-c", ALONE.format(refused=sorted(refused)), str(folder / "predict.py"), *texts]
    answer = subprocess.run(command, cwd="/", env=clean_environment(), capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_the_folder_answers_alone_as_the_project_does(project: Path) -> None:
    assert {path.name for path in (project / "exported").iterdir()} == {
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "onnx", "crosswiki"),
        *("README.md", "LICENSE", "NOTICE", "predict.py", "requirements.txt"),
    }
    required = {line.partition("==")[0] for line in (project / "exported/requirements.txt").read_text().split()}
    assert required == {"numpy", "onnxruntime", "opencc", "regex", "tokenizers"}
    exact = load_reader(project / "models/target", exact=True).answer(TEXTS)
    for ours, theirs in zip(exact, alone(project / "exported", HEAVY, *TEXTS), strict=True):
        assert theirs["topic"] == ours.topic
        assert theirs["probabilities"] == pytest.approx(ours.probabilities, abs=2e-5)
    assert len((project / "exported/predict.py").read_text().splitlines()) <= 40


def test_transformers_reads_the_folder(project: Path) -> None:
    classify = pipeline("text-classification", model=str(project / "exported"), device="cpu", truncation=True)
    exact = load_reader(project / "exported", exact=True)
    texts = [text for text, answer in zip(TEXTS, exact.answer(TEXTS), strict=True) if answer.topic]
    for theirs, ours in zip(classify([normalise(text, "zh") for text in texts]), exact.answer(texts), strict=True):
        assert theirs["label"] == ours.topic
        assert theirs["score"] == pytest.approx(ours.probability, abs=1e-5)


def test_onnx_agrees_with_pytorch(project: Path) -> None:
    agreement = json.loads((project / "exported/onnx/agreement.json").read_text())
    texts = len(trio_texts("zh"))
    assert agreement["onnx"]["texts"] == agreement["onnx"]["same_topic"] == texts
    assert agreement["onnx"]["largest_difference"] < 1e-4
    assert agreement["int8"]["same_topic"] >= 0.9 * texts
    assert f"| onnx | {texts} of {texts} texts |" in (project / "exported/README.md").read_text()


@pytest.mark.parametrize("runtime", ["onnx", "int8"])
def test_predict_reads_by_onnx(project: Path, runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    Path("texts.txt").write_text("\n".join(text.replace("\n", " ") for text in TEXTS) + "\n")
    given = ("--file", "texts.txt", "--model", "exported", "--runtime", runtime, "--out", "topics.jsonl")
    predict.run(arguments(*given))
    rows = read(Path("topics.jsonl"))
    assert [row["text"] for row in rows] == TEXTS
    exact = load_reader(Path("exported"), exact=True).answer(TEXTS)
    for row, ours in zip(rows, exact, strict=True):
        assert (row["probability"] is None) == (ours.probability is None)
        assert row["probability"] == pytest.approx(ours.probability, abs=1e-4 if runtime == "onnx" else 0.2)


@pytest.mark.pipeline
@pytest.mark.parametrize("kind", ["roberta", "albert", "xlnet"])
def test_other_architectures_become_onnx_or_say_that_they_cannot(tmp_path: Path, kind: str) -> None:
    folder = make_classifier(tmp_path / kind, kind)
    assert convert(folder) == (kind != "xlnet") == (folder / "onnx").exists()
    if kind == "xlnet":
        return
    agreement = compare(load_reader(folder, exact=True), load_reader(folder, runtime="onnx"), trio_texts("en"))
    assert agreement.same_topic == agreement.texts == len(trio_texts("en"))
    assert agreement.largest_difference < 1e-4


def test_without_onnx_the_folder_answers_by_pytorch(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setattr(standalone, "can_convert", lambda: False)
    export.run(arguments_of("without"))
    assert not Path("without/onnx").exists()
    assert "torch" in Path("without/requirements.txt").read_text()
    ours = load_reader(Path("without")).answer(TEXTS[:3])
    found = alone(project / "without", set(), *TEXTS[:3])  # transformers looks for all that it could use
    assert [row["topic"] for row in found] == [answer.topic for answer in ours]


def test_an_export_replaces_an_export_and_nothing_else(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    for wanted in ("data", "models/target", "params.yaml"):
        with pytest.raises(UserError, match="exists and is no export"):
            export.run(arguments_of(wanted))
    monkeypatch.setattr(standalone, "can_convert", lambda: False)
    export.run(arguments_of("twice"))
    export.run(arguments_of("twice"))
