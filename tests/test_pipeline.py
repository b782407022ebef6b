"""The real pipeline, by DVC, in a clone, on the tiny trio: English to Chinese, with Russian as test.

It is run as the first two chapters of the tutorial have it: everything, then one parameter changed, and back. What
other parameters change is in test_variations.py.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas
import pytest
import safetensors.torch
import torch
from mlflow import MlflowClient
from ruamel.yaml import YAML

from crosswiki.bert.models import load_classifier
from crosswiki.corpora.vocabulary import load_vocabulary
from tests.tiny import STAGES, clone, run, stages_made
from tests.tutorial import AFTER_TRAINING, WITH_LABELS, assert_complete, following, runs_in, said_to

SYSTEMS = {
    "source": {"teacher", "tfidf", "tiny"},
    "target": {
        "tfidf",
        "word_vectors",
        "copied",
        "glossed",
        "transplanted",
        "adapted",
        "neighbours",
        "scratch",
        "distilled",
        "finetuned",
        "pooled",
        "tiny",
    },
    "test": {"tfidf", "word_vectors", "copied", "glossed", "transplanted", "neighbours", "pooled", "tiny"},
}


def stages_run(output: str) -> set[str]:
    return set(re.findall(r"Running stage '([^']+)'", output))


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory, warm: dict[str, str]) -> Iterator[tuple[Path, dict[str, str]]]:
    with following(clone(tmp_path_factory.mktemp("project")), warm, 1, 2) as both:
        yield both


@pytest.fixture(scope="module")
def project(followed: tuple[Path, dict[str, str]]) -> Path:
    return followed[0]


def test_every_command_does_what_the_tutorial_says(followed: tuple[Path, dict[str, str]]) -> None:
    _, said = followed
    first = said_to(said, "make repro")
    assert stages_run(first) == set(STAGES)
    for name in STAGES:
        assert f"\n{name}: starts\n" in first
    assert sorted(stages_made(first)) == sorted(STAGES)
    assert "register: crosswiki-zh version 1 is the new champion" in first
    assert "up to date" in said_to(said, "dvc repro")
    assert "labels" in said_to(said, "dvc metrics show")
    assert stages_run(said_to(said, "dvc exp run --name fewer")) == WITH_LABELS
    assert "finetune_target.labels" in said_to(said, "dvc params diff")
    assert "labels" in said_to(said, "dvc metrics diff")


def test_second_time_nothing_runs(project: Path) -> None:
    answer = run(project, "dvc", "repro")
    assert stages_run(answer.stdout) == set()
    assert "up to date" in answer.stdout


def test_a_stage_under_the_usual_python_does_the_same_and_warns_of_nothing(project: Path) -> None:
    """Elsewhere in this file, it is the one of crosswiki/pipeline/forks.py."""
    answer = run(project, "dvc", "repro", "--force", "--single-item", "evaluate", CROSSWIKI_TRACKING="off")
    assert stages_run(answer.stdout) == {"evaluate"}
    assert "warning" not in answer.stderr.lower(), answer.stderr
    assert "up to date" in run(project, "dvc", "status").stdout


def test_evaluation_is_as_in_the_contract(project: Path) -> None:
    evaluation = json.loads((project / "metrics/evaluation.json").read_text())
    assert {role: set(systems) for role, systems in evaluation.items()} == SYSTEMS
    assert evaluation["test"]["tfidf"] is None
    for systems in evaluation.values():
        for scores in filter(None, systems.values()):
            assert scores["accuracy_low"] <= scores["accuracy"] <= scores["accuracy_high"]
            assert scores["macro_f1_low"] <= scores["macro_f1"] <= scores["macro_f1_high"]
            assert scores["n"] > 0
    rivals = {"source": {"teacher"}, "target": {"distilled", "finetuned"}, "test": {"transplanted"}}
    for role, systems in evaluation.items():
        assert {system: set(scores.get("ahead_of", ())) for system, scores in systems.items() if scores} == {
            system: rivals[role] if system == "tiny" else set() for system, scores in systems.items() if scores
        }
        for rival, difference in systems["tiny"]["ahead_of"].items():
            expected = systems["tiny"]["accuracy"] - systems[rival]["accuracy"]
            assert difference["accuracy"] == pytest.approx(expected, abs=2e-6)
            assert difference["accuracy_low"] <= difference["accuracy"] <= difference["accuracy_high"]


def test_predict_shows_the_gloss_that_the_teacher_reads(project: Path) -> None:
    glosses = pandas.read_csv(project / "metrics/glosses/target.csv", dtype=str).set_index("id")["gloss"]
    articles = pandas.read_parquet(project / "data/prepared/target/articles.parquet").set_index("id")
    texts = [articles.loc[glosses.index[0], "text"], "首都、城市。"]
    said = run(project, "python", "-m", "crosswiki", "predict", "--gloss", *texts).stdout
    evaluated, short = map(json.loads, said.splitlines())
    assert evaluated["gloss"] == glosses.iloc[0] != texts[0]
    assert short["gloss"] == "capital、city。"
    teacher = run(project, "python", "-m", "crosswiki", "predict", "--language", "en", short["gloss"]).stdout
    assert short["topic"] == json.loads(teacher)["topic"] is not None
    refused = run(project, "python", "-m", "crosswiki", "predict", "--gloss", "--language", "en", "river", status=2)
    assert "--language: found 'en'; the lexicons here are of zh, ru" in refused.stderr


@pytest.mark.parametrize("role", ["target", "test"])
def test_predict_answers_with_the_pool_as_evaluate_does(project: Path, role: str, tmp_path: Path) -> None:
    evaluated = pandas.read_csv(project / f"metrics/predictions/{role}.csv", dtype=str).set_index("id")["pooled"]
    confidence = pandas.read_csv(project / f"metrics/predictions/confidence-{role}.csv").set_index("id")["pooled"]
    articles = pandas.read_parquet(project / "data/prepared" / role / "articles.parquet").set_index("id")
    articles.loc[evaluated.index, ["text"]].to_json(tmp_path / "texts.jsonl", orient="records", lines=True)
    language = ("zh", "ru")[role == "test"]
    command = ("predict", "--pool", "--language", language, "--file", str(tmp_path / "texts.jsonl"))
    answers = [json.loads(line) for line in run(project, "python", "-m", "crosswiki", *command).stdout.splitlines()]
    assert [answer["topic"] for answer in answers] == evaluated.tolist()
    assert [answer["probability"] for answer in answers] == pytest.approx(confidence.tolist(), abs=2e-3)
    assert {answer["model"] for answer in answers} == {"pooled"}
    empty = run(project, "python", "-m", "crosswiki", "predict", "--pool", "--language", language, "ხაჭაპური").stdout
    assert json.loads(empty)["topic"] is None
    refused = run(project, "python", "-m", "crosswiki", "predict", "--pool", "--model", "models/target", "a", status=2)
    assert "--pool reads what this run has left: --model does not go with it" in refused.stderr


def test_predict_names_the_nearest_labelled_articles_and_their_votes(project: Path) -> None:
    source = pandas.read_parquet(project / "data/prepared/source/articles.parquet")
    known = source[(source["split"] == "train") & source["topic"].notna()].set_index("title")["topic"]
    texts = [
        "长江是中国最长的河流。",
        "狗是一种动物。",
        "ხაჭაპური გემრიელია",
    ]  # the last one in letters that nothing here reads
    command = ("python", "-m", "crosswiki", "predict", "--why")
    river, _, unread = map(json.loads, run(project, *command, *texts).stdout.splitlines())
    assert len({near["title"] for near in river["nearest"]}) == 5
    assert all(known[near["title"]] == near["topic"] for near in river["nearest"])
    votes = [near["vote"] for near in river["nearest"]]
    assert votes == sorted(votes, reverse=True) and 0 < sum(votes) < 1.00001
    assert (unread["topic"], unread["nearest"]) == (None, [])
    assert json.loads(run(project, *command, "--language", "ru", "Волга впадает в море.").stdout)["nearest"]
    refused = run(project, *command, "--language", "en", "river", status=2)
    assert "--language: found 'en'; the neighbourhoods here are of zh, ru" in refused.stderr


def test_output_layer_keeps_every_bit(project: Path) -> None:
    layers = {}
    for name in ("source", "transplanted/target", "adapted", "distilled", "target"):
        weights = safetensors.torch.load_file(project / "models" / name / "model.safetensors")
        layers[name] = {key: value for key, value in weights.items() if key.startswith("classifier.")}
        assert set(layers[name]) == {"classifier.weight", "classifier.bias"}
    for name, layer in layers.items():
        for key, value in layer.items():
            assert torch.equal(value, layers["source"][key]), f"{name}: {key}"


def test_student_is_half_as_deep_and_has_learnt(project: Path) -> None:
    depth = {
        name: json.loads((project / "models" / name / "config.json").read_text())["num_hidden_layers"]
        for name in ("source", "distilled", "target", "scratch")
    }
    assert depth == {"source": 4, "distilled": 2, "target": 2, "scratch": 2}
    distilled, target = (
        safetensors.torch.load_file(project / "models" / name / "model.safetensors") for name in ("distilled", "target")
    )
    assert any(not torch.equal(distilled[key], target[key]) for key in distilled)


def test_test_articles_are_in_no_array_and_no_tokenizer(project: Path) -> None:
    import pandas

    for role in ("source", "target", "test"):
        articles = pandas.read_parquet(project / "data/prepared" / role / "articles.parquet")
        words = {line.split("\t")[0] for line in (project / f"data/prepared/{role}/vocabulary.tsv").open()}
        read = " ".join(articles.loc[articles["split"] != "test", "text"]).lower()
        assert (articles["split"] == "test").any()
        assert all(word in read for word in words)
    splits = [
        pandas.read_parquet(project / "data/prepared" / role / "articles.parquet").set_index("concept")["split"]
        for role in ("source", "target", "test")
    ]
    for other in splits[1:]:
        shared = splits[0].index.intersection(other.index)
        assert len(shared) >= 24
        assert (splits[0][shared] == other[shared]).all()


def test_a_transplant_is_given_the_whole_dictionary_in_simplified_letters(project: Path) -> None:
    given = (project / "tests/trio/dictionary.en-zh.tsv").read_text(encoding="utf-8").lower()
    simplified = given.translate(str.maketrans("聲電話", "声电话"))
    assert simplified != given
    known = (project / "models/aligned/target/known.tsv").read_text(encoding="utf-8")
    assert set(simplified.splitlines()) <= set(known.splitlines()[1:])
    words = load_vocabulary(project / "models/aligned/target/vocabulary.tsv").ids
    assert "城堡" not in words, "no text has it"
    model = load_classifier(project / "models/transplanted/target")
    row = model.model.get_input_embeddings().weight[model.tokenizer.convert_tokens_to_ids("城堡")].detach()
    teacher = load_classifier(project / "models/source")
    castle = teacher.tokenizer(" castles", add_special_tokens=False)["input_ids"]
    parts = teacher.model.get_input_embeddings().weight[castle].detach()
    assert torch.nn.functional.cosine_similarity(row, parts.mean(0), dim=0) > 0.999


def test_nearest_words_are_listed_in_every_language(project: Path) -> None:
    lines = run(project, "python", "-m", "crosswiki", "neighbours", "River", "--best", "3").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["en", "zh", "ru"]
    assert all(len(line.split()) == 1 + 2 * 3 for line in lines)
    assert "river" not in lines[0].split()
    asked = run(project, "python", "-m", "crosswiki", "neighbours", "река", "--language", "en", status=2)
    assert asked.stderr.strip() == "река: no such word in the vocabulary of en"


def test_word_vectors_are_judged_by_the_presets_file(project: Path) -> None:
    metrics = json.loads((project / "metrics/skipgram/source.json").read_text())
    assert metrics["similarity"]["similarity"]["of"] == 15
    assert -1 <= metrics["similarity"]["similarity"]["spearman"] <= 1
    assert json.loads((project / "metrics/skipgram/target.json").read_text())["similarity"] == {}


def test_metrics_and_plots_can_be_compared(project: Path) -> None:
    assert "evaluation.json" in run(project, "dvc", "metrics", "show").stdout
    html = run(project, "dvc", "plots", "show", "--out", "plots").stdout
    assert (project / "plots" / "index.html").is_file(), html
    page = (project / "plots" / "index.html").read_text()
    assert "the control" in page
    assert "skip-gram loss, target" in page


def test_one_parent_run_with_its_stages_and_numbers(project: Path) -> None:
    parents, runs = runs_in(project)
    [first] = [parent for name, parent in parents.items() if name.startswith("repro")]
    assert set(parents) == {first.info.run_name, "fewer"}
    assert_complete(project, WITH_LABELS)
    children = [found for found in runs if found.data.tags.get("mlflow.parentRunId") == first.info.run_id]
    assert {child.info.run_name for child in children} == set(STAGES)
    committed = run(project, "git", "show", "HEAD:metrics/evaluation.json").stdout
    for parent, text in ((first, committed), (parents["fewer"], (project / "metrics/evaluation.json").read_text())):
        for role, systems in json.loads(text).items():
            for system, scores in systems.items():
                if scores:
                    assert parent.data.metrics[f"evaluation.{role}.{system}.accuracy"] == scores["accuracy"]
    assert first.data.params["skipgram.dim"] == "16"
    distill = next(child for child in children if child.info.run_name == "distill")
    history = MlflowClient(f"sqlite:///{project}/mlflow.db").get_metric_history(distill.info.run_id, "loss")
    assert len(history) > 1


def test_what_has_run_before_comes_from_the_run_cache(project: Path) -> None:
    before = run(project, "git", "show", "HEAD:metrics/evaluation.json").stdout
    assert (project / "metrics/evaluation.json").read_text() != before, "the tutorial has left fewer labels"
    back = run(project, "dvc", "exp", "run", "-S", "finetune_target.labels=12")
    assert stages_run(back.stdout) == set()
    assert (project / "metrics/evaluation.json").read_text() == before


def test_the_same_run_gives_the_same_bytes(project: Path, finished: Path) -> None:
    """Every output of every stage, in another folder, and in one process whose hashes of strings are others."""
    here, there = (YAML(typ="safe").load(folder / "dvc.lock")["stages"] for folder in (project, finished))
    assert set(here) == set(there) == set(STAGES)
    for name in STAGES:
        assert here[name]["outs"] == there[name]["outs"], name
    assert "up to date" in run(project, "dvc", "status").stdout


def test_quiet_leaves_nothing_to_read(project: Path) -> None:
    answer = run(project, "python", "-m", "stages.register", "--quiet")
    assert (answer.stdout, answer.stderr) == ("", "")


def test_a_workspace_apart_is_recorded_with_the_others(project: Path, warm: dict[str, str]) -> None:
    """`--temp`, and `dvc exp apply`; the tutorial's experiments show what the queue does."""
    run(project, "git", "add", "--all")
    run(project, "git", "commit", "--quiet", "--message", "results", "--allow-empty")
    answer = run(project, "dvc", "exp", "run", "--temp", "--name", "apart", "-S", "finetune_target.epochs=5", **warm)
    assert stages_run(answer.stdout) == AFTER_TRAINING
    parents, found = runs_in(project)
    parent = parents["apart"]
    below = [one for one in found if one.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert sorted(one.data.tags["stage"] for one in below) == sorted(AFTER_TRAINING)
    assert {one.info.status for one in [parent, *below]} == {"FINISHED"}
    assert {one.data.tags["dvc_experiment"] for one in [parent, *below]} == {"apart"}
    commit = run(project, "git", "rev-parse", "HEAD").stdout.strip()
    assert {one.data.tags["mlflow.source.git.commit"] for one in [parent, *below]} == {commit}
    assert float(parent.data.params["finetune_target.epochs"]) == 5
    run(project, "dvc", "exp", "apply", "apart")
    assert "  epochs: 5\n" in (project / "params.yaml").read_text()
    own = json.loads((project / "metrics/finetune_target.json").read_text())
    assert own["finetune_target_loss"] == parent.data.metrics["finetune_target.finetune_target_loss"]
    assert stages_run(run(project, "dvc", "repro").stdout) == set()
