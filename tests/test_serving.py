"""The classifier outside the pipeline: in the registry, behind a real server, on the command line; and its card."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard
from mlflow import MlflowClient
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

from crosswiki.bert.models import Classifier, save_classifier
from crosswiki.corpora.text import normalise
from crosswiki.evaluation.scores import Scores
from crosswiki.serving.answers import load_reader
from crosswiki.serving.card import Facts, model_card
from crosswiki.serving.registry import CHAMPION, Candidate, compare, publish
from tests.documents import Document
from tests.servers import ask, free_port, server
from tests.tiny import ROOT, run, tiny_tokenizer, trio_texts

CLIENTS = 8
ROUNDING = 0.02  # of a probability in bf16, where the CPU has it: a batch rounds otherwise than a text alone
TOPICS = ["Biology", "Geography", "History"]
TRADITIONAL, SIMPLIFIED = "這條河流很長，歷史學家研究國家。", "这条河流很长，历史学家研究国家。"
CONTAINER = """
import json, sys
import mlflow

served = mlflow.pyfunc.load_model(sys.argv[1])
answers = served.predict({"text": [sys.argv[2], None]}).to_dict("records")
print(json.dumps({"answers": answers, "code": sys.modules["crosswiki"].__file__}))
"""


@pytest.fixture(scope="module")
def tokenizer() -> BertTokenizerFast:
    return tiny_tokenizer(trio_texts("zh"))


def make_classifier(folder: Path, tokenizer: BertTokenizerFast, seed: int) -> Path:
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        id2label=dict(enumerate(TOPICS)),
        label2id={topic: place for place, topic in enumerate(TOPICS)},
        initializer_range=0.5,  # so that texts get different topics
    )
    config.language = "zh"
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = BertForSequenceClassification(config)
    tokenizer.model_max_length = 48
    save_classifier(Classifier(model, tokenizer), folder)
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tokenizer: BertTokenizerFast) -> Path:
    """A folder like the project's, with a classifier and MLflow's database, where one experiment has one run."""
    folder = tmp_path_factory.mktemp("served")
    make_classifier(folder / "models/target", tokenizer, 0)
    (folder / "data/corpora").mkdir(parents=True)
    (folder / "data/corpora/offline.yaml").write_text((ROOT / "tests/trio/corpus.yaml").read_text())
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    client.create_experiment("crosswiki", (folder / "mlruns").as_uri())
    return folder


@pytest.fixture
def client(project: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{project}/mlflow.db")


def candidate(folder: Path, name: str, score: float | None, corpus: str = "c0") -> Candidate:
    return Candidate(
        name, folder, "Topics", "---\nlanguage: zh\n---\n\n# card\n", "历史", corpus, score, {"languages": "en-zh"}
    )


def put(client: MlflowClient, wanted: Candidate) -> str:
    experiment = client.get_experiment_by_name("crosswiki")
    assert experiment is not None
    return publish(wanted, client, client.create_run(experiment.experiment_id).info.run_id, nullcontext())


def test_alias_moves_to_better_scores_on_the_same_articles_only(
    client: MlflowClient, tmp_path: Path, tokenizer: BertTokenizerFast
) -> None:
    folders = [make_classifier(tmp_path / str(seed), tokenizer, seed) for seed in range(5)]

    def champion() -> str:
        return str(client.get_model_version_by_alias("moving", CHAMPION).version)

    steps: list[tuple[int, float | None, str, str, str]] = [
        (0, 0.80, "c0", "1", "is the new champion"),
        (1, 0.79, "c0", "1", "does not beat the holder's macro-F1, 0.7900 to 0.8000"),
        (2, 0.80, "c0", "1", "does not beat"),  # as good is not better
        (3, 0.95, "other", "1", "other articles"),
        (1, 0.79, "c0", "1", "version 2 is not the champion"),  # the same weights again: no new version
        (4, 0.81, "c0", "5", "beats the holder's macro-F1, 0.8100 to 0.8000"),
        (4, 0.81, "c0", "5", "is the champion already"),
    ]
    for seed, score, corpus, holder, words in steps:
        said = put(client, candidate(folders[seed], "moving", score, corpus))
        assert words in said
        assert champion() == holder, said
    versions = client.search_model_versions("name = 'moving'")
    assert sorted(int(found.version) for found in versions) == [1, 2, 3, 4, 5]
    assert {found.tags["languages"] for found in versions} == {"en-zh"}
    assert {found.description for found in versions} == {"# card"}


def test_without_validation_labels_nobody_is_replaced() -> None:
    assert compare(None, "c", None)[0]
    for score, holder in (
        (None, {"validation_articles": "c", "validation_macro_f1": "0.1"}),
        (0.5, {"validation_articles": "c"}),
    ):
        better, why = compare(score, "c", holder)
        assert not better
        assert "validation labels" in why


def test_logged_model_is_text_and_safetensors_and_belongs_to_its_run(client: MlflowClient, project: Path) -> None:
    put(client, candidate(project / "models/target", "files", 0.5))
    version = client.get_model_version_by_alias("files", CHAMPION)
    model = client.get_logged_model(version.source.removeprefix("models:/"))
    assert model.source_run_id == version.run_id
    place = Path(model.artifact_location.removeprefix("file://"))
    assert place.is_relative_to(project / "mlruns")
    files = [path for path in place.rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files if "code" not in path.relative_to(place).parts}
    assert kinds <= {".json", ".safetensors", ".yaml", ".txt", ".md", ""}
    assert [path.name for path in files if not path.suffix] == ["MLmodel"]
    code = {path.suffix for path in files if "code" in path.relative_to(place).parts}
    assert code <= {".py", ".jinja"}
    described = (place / "MLmodel").read_text()
    assert "loader_module: crosswiki.serving.pyfunc" in described
    assert "cloudpickle" not in described
    assert '"name": "text"' in described  # the signature
    assert json.loads((place / "input_example.json").read_text()) == {"text": ["历史"]}
    assert "MLFLOW_TRACKING_URI" not in os.environ


@pytest.fixture(scope="module")
def served(project: Path) -> Iterator[str]:
    """MLflow's server with the champion; its address."""
    put(MlflowClient(f"sqlite:///{project}/mlflow.db"), candidate(project / "models/target", "crosswiki-zh", 0.5))
    port = free_port()
    command = f"mlflow models serve -m models:/crosswiki-zh@champion --env-manager local --port {port}"
    with server(project, command):
        assert ask(f"http://127.0.0.1:{port}/ping") == 200
        yield f"http://127.0.0.1:{port}/invocations"


def test_served_and_local_predictions_are_equal_on_100_texts(served: str, project: Path) -> None:
    articles = trio_texts("zh")
    texts = [text[start : start + 40] for start in (0, 20, 40, 60) for text in articles][:98]
    texts += [TRADITIONAL, SIMPLIFIED]
    assert len(set(texts)) == 100
    by_name = ask(served, {"dataframe_records": [{"text": text} for text in texts]})["predictions"]
    as_list = ask(served, {"inputs": texts})["predictions"]
    blank = ask(served, {"inputs": ["", "สวัสดีครับ"]})["predictions"]
    nothing = ask(served, {"inputs": [None, texts[0]]})["predictions"]
    records = [{"text": None}, {"text": texts[0]}]
    alone = ask(served, {"inputs": [None]})["predictions"]
    gaps = ask(served, {"dataframe_records": records})["predictions"]
    (project / "texts.txt").write_text("\n".join(texts) + "\n")
    for model in ("models/target", "models:/crosswiki-zh@champion"):
        lines = predict(project, "--file", "texts.txt", "--all", "--model", model).stdout.splitlines()
        local = [json.loads(line) for line in lines]
        assert [line["text"] for line in local] == texts
        assert {line["model"] for line in local} == {model}
        kept = ("topic", "probability", "probabilities")
        assert [{key: line[key] for key in kept} for line in local] == by_name == as_list
    assert len({answer["topic"] for answer in by_name}) > 1
    unread = {"topic": None, "probability": None, "probabilities": {}}
    assert blank == [unread, unread]
    assert nothing == [unread, by_name[0]]
    assert alone == [unread]
    assert gaps == [unread, by_name[0]]
    for answer in by_name:
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert (
            answer["probability"] == max(answer["probabilities"].values()) == answer["probabilities"][answer["topic"]]
        )
    assert by_name[-2] == by_name[-1]  # traditional characters are read as simplified ones


def test_clients_of_one_server_each_get_the_answers_to_their_own_texts(served: str, project: Path) -> None:
    """Each client sends requests of 1 to 64 texts; `CROSSWIKI_REQUESTS=2000` sends more than CI has time for."""
    dice, requests = random.Random(0), int(os.environ.get("CROSSWIKI_REQUESTS", "160"))
    texts = [text[start:][: dice.choice((5, 20, 3000))] for start in range(0, 80, 10) for text in trio_texts("zh")]
    reader = load_reader(project / "models/target")
    alone = {text: reader.answer([text])[0].probabilities for text in texts}
    bodies = [dice.choices(texts, k=dice.randint(1, 64)) for _ in range(requests // 8)]

    def answers(place: int) -> Any:
        return ask(served, {"inputs": bodies[place]})["predictions"]

    expected = [answers(place) for place in range(len(bodies))]
    for body, found in zip(bodies, expected, strict=True):
        for text, answer in zip(body, found, strict=True):
            assert answer["probabilities"] == pytest.approx(alone[text], abs=ROUNDING)
            assert answer["topic"] == max(answer["probabilities"], key=answer["probabilities"].get)
    assert len({str(answer) for found in expected for answer in found}) > len(texts) / 2  # those of others would show
    sent = dice.choices(range(len(bodies)), k=requests)
    with ThreadPoolExecutor(CLIENTS) as clients:
        received = list(clients.map(answers, sent))
    assert [place for place, found in zip(sent, received, strict=True) if found != expected[place]] == []


def brought_by(requirements: list[str]) -> set[str]:
    """The distributions that pip installs for these, as this environment has them."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        one = waiting.pop()
        entry = canonicalize_name(one.name), frozenset(one.extras)
        if entry in found:
            continue
        with suppress(PackageNotFoundError):  # it is for another platform
            below = [Requirement(line) for line in requires(one.name) or ()]
            marked = [({"extra": extra} for extra in one.extras or {""}) for _ in below]
            waiting += [
                line
                for line, extras in zip(below, marked, strict=True)
                if line.marker is None or any(map(line.marker.evaluate, extras))
            ]
            found.add(entry)
    return {name for name, _ in found}


def install(distributions: set[str], folder: Path) -> None:
    """Links to what this environment has of these distributions, as pip would put them into a new one."""
    folder.mkdir()
    for found in map(distribution, distributions):
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (folder / top).exists():  # a namespace that several of them share
                (folder / top).symlink_to(Path(str(found.locate_file(top))))


@pytest.fixture(scope="module")
def image(project: Path, served: str) -> tuple[str, Path]:
    """What Docker would build the image of the document from: the Dockerfile, and the model that it copies."""
    blocks = Document(Path("docs/serving.md")).blocks("bash")
    [uri] = re.findall(r'^mlflow models build-docker --model-uri "(\S+)"', "".join(blocks), re.MULTILINE)
    command = ("mlflow", "models", "generate-dockerfile", "--output-directory", "image", "--model-uri")
    run(project, *command, uri.replace("-fr@", "-zh@"))
    dockerfile = (project / "image/Dockerfile").read_text()
    [copied] = re.findall(r"^COPY (\S+) /opt/ml/model$", dockerfile, re.MULTILINE)
    return dockerfile, project / "image" / copied


def test_an_image_has_the_model_with_its_code_and_pinned_requirements(image: tuple[str, Path]) -> None:
    dockerfile, model = image
    assert f"FROM python:{sys.version_info.major}.{sys.version_info.minor}." in dockerfile
    assert (model / "data/target/model.safetensors").is_file()
    code = {path.relative_to(ROOT) for path in (ROOT / "crosswiki").rglob("*.py")}
    assert {path.relative_to(model / "code") for path in (model / "code").rglob("*.py")} == code
    for line in (model / "requirements.txt").read_text().splitlines():
        name, _, pinned = line.partition("==")
        assert version(name).partition("+")[0] == pinned


def test_a_served_model_imports_nothing_but_what_its_requirements_bring(
    image: tuple[str, Path], tmp_path: Path
) -> None:
    model = image[1]
    installed = brought_by((model / "requirements.txt").read_text().splitlines())
    assert installed & {"mlflow", "uvicorn", "torch"}
    assert not installed & {"crosswiki", "dvc", "onnxruntime", "pytest"}
    install(installed, tmp_path / "packages")
    command = ("python", "-P", "-S", "-c", CONTAINER, str(model), TRADITIONAL)
    found = json.loads(run(tmp_path, *command, PYTHONPATH=str(tmp_path / "packages")).stdout)
    assert found["code"] == str(model / "code/crosswiki/__init__.py")
    [answer, gap] = found["answers"]
    assert answer["topic"] in TOPICS
    assert gap["topic"] is None


def predict(project: Path, *arguments: str | bytes, status: int = 0, given: str | bytes | None = None) -> Any:
    command = [sys.executable, "-m", "crosswiki", "predict", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CROSSWIKI_DEVICE": "cpu"}
    given = given.encode() if isinstance(given, str) else given
    answer = subprocess.run(command, cwd=project, env=environment, input=given, capture_output=True, check=False)
    assert answer.returncode == status, answer.stderr
    return subprocess.CompletedProcess(command, status, answer.stdout.decode(), answer.stderr.decode())


def test_lines_from_a_pipe_keep_their_order_and_what_else_they_carry(project: Path) -> None:
    answer = predict(project, given='历史学家\n\n{"id": 7, "text": "河流"}\nᚠᚢᚦ\n')
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [line["text"] for line in lines] == ["历史学家", "", "河流", "ᚠᚢᚦ"]
    assert lines[2]["id"] == 7
    assert [line["topic"] is None for line in lines] == [False, True, False, True]
    assert {line["language"] for line in lines} == {"zh"}
    assert answer.stderr.splitlines() == [
        "predict: 2 of 4 texts have no topic: they are empty, or in letters that the model (zh) cannot read"
    ]


def test_a_text_that_is_none_leaves_the_others_answered(project: Path) -> None:
    given = '\ufeff{"text": "河流"}\n{"text": "half \\ud83d", "id": 2}\n{"text": null}\n{"text": "历史学家"}\n'
    lines = [json.loads(line) for line in predict(project, given=given).stdout.splitlines()]
    assert [line["text"] for line in lines] == ["河流", "half \ud83d", None, "历史学家"]
    assert [line["topic"] is None for line in lines] == [False, True, True, False]
    assert lines[1]["id"] == 2


def test_what_has_a_key_of_ours_is_kept_beside_the_answer(project: Path) -> None:
    given = {"text": "河流", "topic": "Gold", "language": "x", "model": "gold", "given": 5, "id": 1}
    [answer] = [json.loads(line) for line in predict(project, given=json.dumps(given) + "\n").stdout.splitlines()]
    assert answer["given"] == {"topic": "Gold", "language": "x", "model": "gold", "given": 5}
    assert (answer["text"], answer["id"], answer["language"]) == ("河流", 1, "zh")
    assert answer["topic"] in TOPICS


def test_chinese_without_punctuation_has_a_topic_however_long(project: Path) -> None:
    [answer] = [json.loads(line) for line in predict(project, "河流历史国家" * 17).stdout.splitlines()]
    assert answer["topic"] in TOPICS


def test_a_models_folder_is_read_without_a_project(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project / "models/target", tmp_path / "alone")
    [there] = map(json.loads, predict(tmp_path, "--model", "alone", "历史学家").stdout.splitlines())
    [here] = map(json.loads, predict(project, "历史学家").stdout.splitlines())
    assert there == {**here, "model": "alone"}
    assert predict(tmp_path, "--model", "alone", "--language", "zh", "历史学家").stdout
    refused = predict(tmp_path, "--model", "alone", "--language", "ru", "история", status=2)
    assert refused.stderr == "--language: found 'ru'; alone reads zh\n"
    assert "elsewhere: no model there" in predict(tmp_path, "--model", "elsewhere", "x", status=2).stderr


@pytest.mark.parametrize(
    ("arguments", "given", "words"),
    [
        (["café".encode("latin-1")], None, ["not UTF-8"]),
        ([], "河流\n".encode() + "café\n".encode("latin-1"), ["line 2", "not UTF-8"]),
        ([], '{"text": ["a"]}\n', ["line 1", "a string"]),
        (["  "], None, ["empty"]),
        (["x", "--language", "tlh"], None, ["--language", "'tlh'", "en, zh, ru"]),
        (["x", "--language", "ru"], None, ["models/transplanted/test", "no model"]),
        (["x", "--model", "models/nowhere"], None, ["models/nowhere", "no model"]),
        (["x", "--model", "models:/crosswiki-tlh@champion"], None, ["models:/crosswiki-tlh@champion", "registry"]),
        (["--file", "nowhere.txt"], None, ["nowhere.txt", "cannot be read"]),
        ([], '{"text": "a"}\n{"title": "b"}\n', ["line 2", "text", "title"]),
        ([], '{"text": \n', ["line 1", "JSON"]),
    ],
)
def test_a_wrong_question_ends_in_one_line(
    project: Path, arguments: list[str | bytes], given: str | bytes | None, words: list[str]
) -> None:
    answer = predict(project, *arguments, status=2, given=given)
    assert len(answer.stderr.splitlines()) == 1
    assert all(word in answer.stderr for word in words), answer.stderr


def test_nothing_heavy_is_loaded_before_the_question_makes_sense() -> None:
    code = "import sys, crosswiki.__main__; print(*({'torch', 'transformers', 'mlflow', 'pandas'} & {*sys.modules}))"
    assert run(ROOT, sys.executable, "-c", code).stdout == "\n"


FACTS = Facts(
    corpus="offline",
    source="en",
    target="fr",
    model="bert-base-uncased",
    seed=1,
    topics=["Arts", "History"],
    labels=2000,
    layers=3,
    parameters=17_000_000,
    tokens=64,
    validation={"accuracy": 0.87, "macro_f1": 0.83, "n": 971},
)


def test_card_is_what_the_hub_reads() -> None:
    card = ModelCard(model_card(FACTS))
    assert (card.data.language, card.data.library_name, card.data.base_model) == (
        "fr",
        "transformers",
        "bert-base-uncased",
    )
    assert card.data.eval_results is not None
    found = {(result.dataset_split, result.metric_type): result.metric_value for result in card.data.eval_results}
    assert found == {("validation", "accuracy"): 0.87, ("validation", "f1"): 0.83}
    assert "2,000 French labels" in card.text
    assert "| validation, 971 | this model | 87.0 % | 83.0 % |" in card.text


def test_card_shows_the_test_split_once_it_is_known() -> None:
    scores = Scores(
        accuracy=0.86,
        macro_f1=0.8,
        accuracy_low=0.85,
        accuracy_high=0.87,
        macro_f1_low=0.78,
        macro_f1_high=0.82,
        n=1943,
    )
    card = ModelCard(model_card(FACTS, {"tfidf": None, "scratch": scores, "finetuned": scores}))
    assert card.data.eval_results is not None
    assert {(result.dataset_split, result.metric_value) for result in card.data.eval_results} == {
        ("test", 0.86),
        ("test", 0.8),
    }
    assert "| test, 1,943 | this model | 86.0 % (85.0–87.0) | 80.0 % (78.0–82.0) |" in card.text
    assert "`scratch`" in card.text
    assert "tfidf" not in card.text


def test_card_without_labels_or_a_page_on_the_hub() -> None:
    bare = replace(FACTS, labels=0, validation={}, model="wheel:small==1.0#sha256=" + "0" * 64)
    card = ModelCard(model_card(bare))
    assert card.data.eval_results is None
    assert card.data.base_model is None
    assert "saw no French label" in card.text
    assert "`wheel:small==1.0`" in card.text
    assert "It has not been measured: no labelled text" in card.text


def test_card_names_word_lists_and_whose_texts_it_has_learnt_from() -> None:
    lists = {"en-fr.tsv": "CC BY 4.0", "glossary.tsv": None}
    text = ModelCard(model_card(replace(FACTS, own_texts=True, word_lists=lists))).text
    assert "The word list en-fr.tsv is part of it too: CC BY 4.0.\n" in text
    assert "glossary.tsv is part of it too: its licence was not named in the preset.\n" in text
    assert "encyclopedia" in ModelCard(model_card(FACTS)).text
    assert "encyclopedia" not in text


@pytest.mark.parametrize("told_by", ["the model", "params.yaml"])
def test_yo_is_folded_where_the_model_has_learnt_it_folded(tmp_path: Path, told_by: str) -> None:
    folder = make_classifier(tmp_path / "model", tiny_tokenizer(trio_texts("ru"), strip_accents=False), 0)
    config = json.loads((folder / "config.json").read_text())
    folded, unfolded = "Еще один самолет в полете", "Ещё один самолёт в полёте"
    for fold_yo in (True, False):
        own = {"language": "ru", "fold_yo": fold_yo} if told_by == "the model" else {"language": None}
        (folder / "config.json").write_text(json.dumps({**config, **own}))
        reader = load_reader(folder, "ru", fold_yo=fold_yo and told_by == "params.yaml")
        answers = reader.answer([folded, unfolded])
        assert (answers[0] == answers[1]) == fold_yo


def test_transformers_alone_says_the_same_as_the_card_promises(project: Path) -> None:
    from transformers import pipeline

    classify = pipeline("text-classification", model=str(project / "models/target"), device="cpu")
    [theirs] = classify([normalise(SIMPLIFIED, "zh")])
    [ours] = load_reader(project / "models/target").answer([TRADITIONAL])
    assert theirs["label"] == ours.topic
    assert theirs["score"] == pytest.approx(ours.probability, abs=0.02)  # bf16 where the CPU has it
