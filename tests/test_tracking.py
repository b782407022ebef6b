"""Tracking against a real MLflow; what is expected is read back with MLflow's own client."""

import json
import os
import platform
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from crosswiki.pipeline import curves, invocation, tracking
from crosswiki.pipeline.provenance import metric_name
from crosswiki.pipeline.tracking import tracked

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

PROJECT = Path(__file__).parents[1]
EVERYTHING = {
    "seed": 1,
    "corpus": "offline",
    "download": {"languages": {"source": "en", "target": "fr", "test": None}},
    "skipgram": {"dim": 100, "learning_rate": 1e-05, "sizes": [1, 2], "name": "plain"},
}
STAGE = """
import sys
from crosswiki.pipeline.tracking import tracked
with tracked("prepare", role=sys.argv[1], params={}, everything={"corpus": "offline"}) as run:
    run.metrics({"words": 3})
"""


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make MLflow's tables once; making them takes seconds."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("database") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}")
    return path


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a workspace that is not the repository, as in `dvc exp run --temp`, with a repository beside it."""
    for variable in list(os.environ):
        if variable.startswith(("DVC_", "MLFLOW_", "CROSSWIKI_")):
            monkeypatch.delenv(variable)
    for variable, value in tracking.MLFLOW_DEFAULTS.items():
        monkeypatch.setenv(variable, value)  # so that they are taken back after the test
    (tmp_path / "root").mkdir()
    (tmp_path / "workspace").mkdir()
    monkeypatch.chdir(tmp_path / "workspace")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "root"))
    monkeypatch.setattr(invocation, "_dvc_process", lambda: None)  # the tests themselves may run under DVC
    return tmp_path / "root"


@pytest.fixture
def database(root: Path, empty_database: Path) -> str:
    shutil.copy(empty_database, root / "mlflow.db")
    return f"sqlite:///{root}/mlflow.db"


def runs(database: str) -> tuple[list["MlflowRun"], list["MlflowRun"]]:
    """Read all parents and all nested runs, oldest first."""
    from mlflow import MlflowClient

    client = MlflowClient(database)
    experiment = client.get_experiment_by_name("crosswiki")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    nested = [run for run in found if "mlflow.parentRunId" in run.data.tags]
    return [run for run in found if run not in nested], nested


def history(database: str, run: "MlflowRun", key: str) -> list[tuple[int, float]]:
    from mlflow import MlflowClient

    points = MlflowClient(database).get_metric_history(run.info.run_id, key)
    return sorted((point.step, point.value) for point in points)


def python(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    variables = {**os.environ, "PYTHONPATH": str(PROJECT), **environment}
    variables.pop("PYTEST_CURRENT_TEST", None)
    command = [sys.executable, "-c", code, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=variables, text=True, stdout=pipe, stderr=pipe)


def only_line(capsys: pytest.CaptureFixture[str]) -> str:
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1, error
    assert error.startswith("tracking: ")
    assert error.endswith("): the stage goes on without it\n")
    return error


def use_everything() -> None:
    """Run a stage that calls every method."""
    reached = False
    with tracked("skipgram", role="target", params={"dim": 100}, everything=EVERYTHING) as run:
        run.metrics({"loss": 0.5}, step=1)
        run.tags({"language": "fr"})
        run.picture(Path("missing.png"))
        run.metrics({"loss": 0.25})
        reached = True
    assert reached


def test_one_parent_with_a_nested_run_for_each_stage(
    database: str, root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with tracked("prepare", role="source", params={"min_count": 3, "corpus": "offline"}, everything=EVERYTHING):
        assert [parent.info.status for parent in runs(database)[0]] == ["RUNNING"]
    assert [parent.info.status for parent in runs(database)[0]] == ["FINISHED"]
    monkeypatch.setenv("DVC_STAGE", "skipgram@target")
    picture = Path("picture.png")
    picture.write_bytes(b"png")
    with tracked("skipgram", role="target", params={}, everything=EVERYTHING) as run:
        assert [parent.info.status for parent in runs(database)[0]] == ["RUNNING"]
        run.tags({"language": "fr"})
        run.picture(picture)
        time.sleep(0.1)
    monkeypatch.delenv("DVC_STAGE")
    with tracked("report", params={}, everything=EVERYTHING):
        pass

    [parent], nested = runs(database)
    assert parent.info.run_name == "prepare"  # by hand: the first stage's name
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["corpus"] == "offline"
    assert parent.data.tags["languages"] == "en-fr"
    assert "dvc_experiment" not in parent.data.tags
    assert parent.data.params == {
        "seed": "1",
        "corpus": "offline",
        "download.languages.source": "en",
        "download.languages.target": "fr",
        "download.languages.test": "null",
        "skipgram.dim": "100",
        "skipgram.learning_rate": "1e-05",
        "skipgram.sizes": "[1, 2]",
        "skipgram.name": "plain",
    }
    assert [run.info.run_name for run in nested] == ["prepare@source", "skipgram@target", "report"]
    assert {run.info.status for run in nested} == {"FINISHED"}
    assert {run.data.tags["mlflow.parentRunId"] for run in nested} == {parent.info.run_id}
    assert [run.data.tags["stage"] for run in nested] == ["prepare", "skipgram", "report"]
    assert [run.data.tags.get("role") for run in nested] == ["source", "target", None]
    assert nested[0].data.params == {"min_count": "3", "corpus": "offline"}
    assert nested[1].data.tags["language"] == "fr"
    assert 0.1 <= nested[1].data.metrics["seconds"] < 10
    kept = root / "mlruns" / nested[1].info.run_id / "artifacts" / "picture.png"
    assert kept.read_bytes() == b"png"
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["picture.png"]  # nothing left in the workspace
    assert capfd.readouterr() == ("", "")


def test_a_run_can_be_found_by_what_it_is_about(database: str, root: Path) -> None:
    with tracked("skipgram", role="target", params={}, everything=EVERYTHING) as run:
        run.describe("**It went well.**")
    [parent], [stage] = runs(database)
    shared = {"corpus": "offline", "languages": "en-fr", "mlflow.source.type": "LOCAL"}
    for found in (parent, stage):
        assert shared.items() <= found.data.tags.items()
        assert found.data.tags["mlflow.user"]
    assert (stage.data.tags["role"], stage.data.tags["language"]) == ("target", "fr")
    assert stage.data.tags["mlflow.source.name"] == "stages.skipgram"
    assert parent.data.tags["python"] == platform.python_version()
    assert parent.data.tags["mlflow.note.content"] == "**It went well.**"
    assert stage.data.metrics["peak_memory_megabytes"] > 10
    text = (root / "mlruns" / parent.info.run_id / "artifacts/environment/requirements.txt").read_text()
    assert f"mlflow=={version('mlflow')}\n" in text
    assert text.splitlines() == sorted(text.splitlines(), key=str.lower)


def test_datasets_are_inputs_with_the_hashes_of_dvc(database: str) -> None:
    Path("dvc.yaml").write_text(
        """
stages:
  align:
    matrix: {role: [target, test]}
    cmd: python
    deps:
      - data/dictionaries/${item.role}.tsv
      - data/prepared/source/articles.parquet
      - data/corpora/${corpus}.yaml
      - models/skipgram/source
      - data/unknown
"""
    )
    whole, file = "1ce0e7e388618fc3db326e1ee0ce8fd9.dir", "0123456789abcdef0123456789abcdef"
    Path("dvc.lock").write_text(
        f"""
schema: '2.0'
stages:
  prepare@source:
    outs:
    - {{path: data/prepared/source, hash: md5, md5: {whole}}}
  download@target:
    outs:
    - {{path: data/dictionaries/target.tsv, hash: md5, md5: {file}}}
    - {{path: data/articles/target.parquet, hash: md5, md5: {file}}}
  skipgram@source:
    outs:
    - {{path: models/skipgram/source, hash: md5, md5: {whole}}}
"""
    )
    for role in ("target", "target"):
        with tracked("align", role=role, params={}, everything=EVERYTHING):
            pass
    parents, stages = runs(database)
    for found in (*parents, *stages):
        inputs = sorted((one.dataset.name, one.dataset.digest) for one in found.inputs.dataset_inputs)
        assert inputs == [("dictionaries/target.tsv", file), ("prepared/source", whole)]


def test_system_metrics_are_sampled(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    with tracked("skipgram", role="target", params={}, everything={}):
        time.sleep(1)
    _, [stage] = runs(database)
    names = {name for name in stage.data.metrics if name.startswith("system/")}
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= names


def test_what_is_registered_gets_the_parent(database: str, capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []

    def publish(client: object, run: str, lock: FileLock) -> None:
        with lock:
            seen.append(run)
        raise OSError("no room")

    with tracked("register", params={}, everything={}) as run:
        run.register(publish)
    [parent], [stage] = runs(database)
    assert seen == [parent.info.run_id]
    assert stage.info.status == "RUNNING"  # the record broke off there
    assert capfd.readouterr().err == "tracking: register (no room): the stage goes on without it\n"


def test_each_experiment_has_its_own_parent(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, baseline in (("bumpy-owl", "a" * 40), ("it's", "a" * 40), ("bumpy-owl", "b" * 40)):
        monkeypatch.setenv("DVC_EXP_NAME", name)
        monkeypatch.setenv("DVC_EXP_BASELINE_REV", baseline)
        for role in ("source", "target"):
            with tracked("prepare", role=role, params={}, everything=EVERYTHING):
                pass
    parents, nested = runs(database)
    assert [parent.info.run_name for parent in parents] == ["bumpy-owl", "it's", "bumpy-owl"]
    assert [parent.data.tags["dvc_experiment"] for parent in parents] == ["bumpy-owl", "it's", "bumpy-owl"]
    assert [parent.data.tags["mlflow.source.git.commit"][0] for parent in parents] == ["a", "a", "b"]
    owners = [run.data.tags["mlflow.parentRunId"] for run in nested]
    assert owners == [parent.info.run_id for parent in parents for _ in range(2)]


def test_under_dvc_itself(root: Path, empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One parent for `dvc repro`, one for `dvc exp run --temp`, both in the repository's database."""
    monkeypatch.delenv("DVC_ROOT")
    monkeypatch.chdir(root)
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    (root / "stage.py").write_text(
        """
import json, sys
from pathlib import Path
from crosswiki.pipeline.tracking import tracked
dim = int(Path("params.yaml").read_text().split()[-1])
with tracked("train", role=sys.argv[1], params={"dim": dim}, everything={"dim": dim}):
    path = Path("metrics/train") / f"{sys.argv[1]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"doubled": 2 * dim}))
"""
    )
    (root / "params.yaml").write_text("dim: 5\n")
    (root / "dvc.yaml").write_text(
        """
stages:
  train:
    matrix:
      role: [source, target]
    cmd: python stage.py ${item.role}
    params: [dim]
    outs: ["metrics/train/${item.role}.json"]
"""
    )
    (root / ".gitignore").write_text("mlflow.db\nmlruns\n.mlflow.lock\n")

    def run(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    run("git", "init", "--quiet")
    run(sys.executable, "-m", "dvc", "init", "--quiet")
    identity = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.com")
    for variable in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{variable}_NAME", "Nobody")
        monkeypatch.setenv(f"{variable}_EMAIL", "nobody@example.com")
    shutil.copy(empty_database, root / "mlflow.db")
    run("git", "add", ".")
    run("git", *identity, "commit", "--quiet", "--message=first")
    commit = run("git", "rev-parse", "HEAD")
    run("dvc", "repro", "--quiet")
    run("git", "add", ".")
    run("git", *identity, "commit", "--quiet", "--message=second")
    baseline = run("git", "rev-parse", "HEAD")
    run(sys.executable, "-m", "dvc", "exp", "run", "--quiet", "--temp", "--name=trial", "--set-param=dim=7")

    [repro, trial], nested = runs(f"sqlite:///{root}/mlflow.db")
    assert repro.info.run_name == f"repro {commit[:7]}"
    assert repro.data.tags["mlflow.source.git.commit"] == commit
    assert trial.info.run_name == trial.data.tags["dvc_experiment"] == "trial"
    assert trial.data.tags["mlflow.source.git.commit"] == baseline
    assert (repro.data.params, trial.data.params) == ({"dim": "5"}, {"dim": "7"})
    assert repro.data.metrics == {"train.source.doubled": 10, "train.target.doubled": 10}
    assert trial.data.metrics == {"train.source.doubled": 14, "train.target.doubled": 14}
    for parent in (repro, trial):
        names = [run.info.run_name for run in nested if run.data.tags["mlflow.parentRunId"] == parent.info.run_id]
        assert sorted(names) == ["train@source", "train@target"]


def test_workers_that_start_together_on_a_fresh_database(root: Path) -> None:
    environment = {"DVC_EXP_NAME": "together", "DVC_EXP_BASELINE_REV": "c" * 40}
    workers = [python(STAGE, role, **environment) for role in ("source", "target")]
    for worker in workers:
        assert worker.communicate(timeout=180) == ("", "")  # nor any noise
        assert worker.returncode == 0
    [parent], nested = runs(f"sqlite:///{root}/mlflow.db")
    assert parent.info.run_name == "together"
    assert sorted(run.info.run_name for run in nested) == ["prepare@source", "prepare@target"]
    assert {run.info.status for run in nested} == {"FINISHED"}
    assert [run.data.metrics["words"] for run in nested] == [3, 3]


def test_an_experiment_that_another_machine_creates_meanwhile(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines that share a server share no lock: here the other one is quicker, after the first has looked."""
    from mlflow import MlflowClient

    look = MlflowClient.get_experiment_by_name

    def slow(client: MlflowClient, name: str) -> object:
        found = look(client, name)
        if found is None:
            MlflowClient(database).create_experiment(name)
        return found

    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", slow)
    with tracked("prepare", params={}, everything={}):
        pass
    assert [len(found) for found in runs(database)] == [1, 1]


def test_a_data_set_that_another_machine_logs_in_the_same_moment(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """PostgreSQL refuses the second of two that are new to both; then it is there, and no longer new."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    log, refused = MlflowClient.log_inputs, []

    def busy(client: MlflowClient, run: str, inputs: object) -> None:
        if run not in refused:
            refused.append(run)
            raise MlflowException("duplicate key value violates unique constraint")
        log(client, run, inputs)

    monkeypatch.setattr(MlflowClient, "log_inputs", busy)
    monkeypatch.setattr(tracking, "data_hashes", lambda _: {"data/articles/source.parquet": "0123"})
    with tracked("prepare", role="source", params={}, everything={}):
        pass
    assert capsys.readouterr().err == ""
    assert len(refused) == 2
    for run in [run for found in runs(database) for run in found]:
        assert [one.dataset.digest for one in run.inputs.dataset_inputs] == ["0123"]


def test_processes_of_one_number_on_two_machines(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for machine in ("first", "second", "second"):
        monkeypatch.setattr(platform, "node", lambda name=machine: name)
        with tracked("prepare", params={}, everything={}):
            pass
    assert [len(found) for found in runs(database)] == [2, 3]


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("x"), "FAILED"), (SystemExit(2), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_stage_that_fails(database: str, error: BaseException, status: str) -> None:
    with (
        pytest.raises(type(error)) as caught,
        tracked("prepare", role="source", params={}, everything={}) as run,
    ):
        run.metrics({"loss": 3.0}, step=7)
        raise error
    assert caught.value is error
    [parent], [stage] = runs(database)
    assert (parent.info.status, stage.info.status) == (status, status)
    assert stage.data.metrics["loss"] == 3.0

    with tracked("report", params={}, everything={}):
        pass
    [parent], [_, report] = runs(database)
    assert report.info.status == "FINISHED"
    assert parent.info.status == status  # a stage of this invocation has failed


def test_metrics_files_reach_the_parent_once(database: str) -> None:
    def write(name: str, content: object) -> None:
        path = Path("metrics") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))

    def write_scores(accuracy: float) -> None:
        finetuned = {"accuracy": accuracy, "n": 10}
        write("evaluation.json", {"target": {"finetuned": finetuned, "tfidf": {"accuracy": None, "model": "C"}}})

    write_scores(0.8)
    write("skipgram/target.json", {"loss": 0.25, "fine": True, "worst": float("nan"), "list": [1, 2]})
    write("too/deep/here.json", {"loss": 1})
    Path("metrics/broken.json").write_text('{"half": ')
    for _ in range(2):
        with tracked("skipgram", role="target", params={}, everything={}):
            pass
    accuracy, n, loss = "evaluation.target.finetuned.accuracy", "evaluation.target.finetuned.n", "skipgram.target.loss"
    [parent], _ = runs(database)
    assert parent.data.metrics == {accuracy: 0.8, n: 10, loss: 0.25, "target_accuracy": 0.8}

    write_scores(0.7)
    with tracked("evaluate", params={}, everything={}):
        pass
    [parent], stages = runs(database)
    assert parent.data.metrics == {accuracy: 0.7, n: 10, loss: 0.25, "target_accuracy": 0.7}
    assert history(database, parent, accuracy) == [(0, 0.7), (0, 0.8)]
    assert history(database, parent, n) == [(0, 10)]
    assert history(database, parent, loss) == [(0, 0.25)]
    assert all(set(stage.data.metrics) == {"seconds", "peak_memory_megabytes"} for stage in stages)


def test_curves_are_complete(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "INTERVAL", 0.05)
    with tracked("skipgram", role="target", params={}, everything={}) as run:
        began = time.perf_counter()
        for step in range(2500):
            run.metrics({"loss": 1 / (step + 1), "words_per_second": step}, step=step * 1_000_000)
            if step == 1000:
                time.sleep(0.1)  # so that some is sent on the way
        assert time.perf_counter() - began < 5
        run.metrics({"loss": 0.125, "precision": 0.5})
    _, [stage] = runs(database)
    assert history(database, stage, "words_per_second") == [(step * 1_000_000, step) for step in range(2500)]
    assert len(history(database, stage, "loss")) == 2501
    assert stage.data.metrics["loss"] == 0.125  # without a step it is the last, not the first
    assert history(database, stage, "precision") == [(0, 0.5)]


def test_points_wait_until_they_are_sent_together(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with tracked("skipgram", role="target", params={}, everything={}) as run:
        run.metrics({"loss": 1.0}, step=0)  # the first shows that the stage is alive
        assert runs(database)[1][0].data.metrics == {"loss": 1.0}
        run.metrics({"loss": 2.0}, step=1)
        assert runs(database)[1][0].data.metrics == {"loss": 1.0}
    assert runs(database)[1][0].data.metrics["loss"] == 2.0


def test_many_and_long_parameters(database: str) -> None:
    many = {f"p{number}": number for number in range(250)}
    with tracked("prepare", params=many, everything={"section": many, "long": "x" * 9000, "list": [1e-3] * 5000}):
        pass
    [parent], [stage] = runs(database)
    assert stage.data.params == {key: str(value) for key, value in many.items()}
    assert len(parent.data.params) == 252
    assert parent.data.params["section.p249"] == "249"
    assert parent.data.params["long"] == "x" * 6000
    assert len(parent.data.params["list"]) == 6000


def test_another_store(database: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = root.parent / "new" / "other.db"
    elsewhere.parent.mkdir()
    (root / "mlflow.db").rename(elsewhere)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere}")
    with tracked("prepare", params={}, everything={}):
        pass
    assert len(runs(f"sqlite:///{elsewhere}")[1]) == 1
    assert not (root / "mlflow.db").exists()


def test_a_server_that_is_away(root: Path) -> None:
    began = time.monotonic()
    worker = python(STAGE + "print('reached')", "source", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    out, error = worker.communicate(timeout=180)
    assert time.monotonic() - began < 15
    assert (worker.returncode, out) == (0, "reached\n")
    assert error.startswith("tracking: start (")
    assert "127.0.0.1" in error
    assert error.endswith("): the stage goes on without it\n")
    assert error.count("\n") == 1, error


def test_a_server_that_does_not_answer(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")  # what the user sets is kept
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.getsockname()[1]}")
        began = time.monotonic()
        use_everything()
        assert time.monotonic() - began < 8
    only_line(capsys)


def test_a_locked_database(
    database: str, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tracking, "PATIENCE", 0.5)
    other = sqlite3.connect(root / "mlflow.db")
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    use_everything()
    assert time.monotonic() - began < 5
    assert only_line(capsys) == "tracking: start (database is locked): the stage goes on without it\n"
    other.close()


def a_folder(root: Path) -> str:
    (root / "mlflow.db").mkdir()
    return ""


def no_database(root: Path) -> str:
    (root / "mlflow.db").write_text("something else entirely " * 100)
    return ""


def under_a_file(root: Path) -> str:
    (root / "file").write_text("")
    return f"sqlite:///{root}/file/mlflow.db"


def read_only(root: Path) -> str:
    root.chmod(0o555)
    if os.access(root, os.W_OK):
        pytest.skip("nothing is read-only for root")
    return ""


def unknown_kind(root: Path) -> str:
    return "nonsense://somewhere"


@pytest.mark.parametrize("place", [a_folder, no_database, under_a_file, read_only, unknown_kind])
def test_a_database_that_cannot_be_used(
    root: Path, place: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if uri := place(root):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    began = time.monotonic()
    use_everything()
    assert time.monotonic() - began < 5
    only_line(capsys)
    root.chmod(0o755)


def test_a_database_that_breaks_on_the_way(
    database: str, root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code = """
import sqlite3
from pathlib import Path
from crosswiki.pipeline.tracking import tracked
with tracked("skipgram", role="target", params={}, everything={}) as run:
    database = sqlite3.connect(Path(r"%s") / "mlflow.db")
    database.execute("DROP TABLE metrics")
    database.close()
    for step in range(10):
        run.metrics({"loss": 0.5}, step=step)
    run.tags({"a": "b"})
    print("reached")
"""
    out, error = python(code % root).communicate(timeout=180)
    assert out == "reached\n"
    assert error == "tracking: metrics (no such table: metrics): the stage goes on without it\n"


def test_a_missing_picture_costs_one_line(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    use_everything()
    assert only_line(capsys).startswith("tracking: picture (")


def test_off_means_that_mlflow_is_not_even_imported(root: Path) -> None:
    code = """
import sys
from pathlib import Path
from crosswiki.pipeline.tracking import tracked
with tracked("prepare", role="source", params={}, everything={}) as run:
    run.metrics({"loss": 1.0})
    run.tags({"a": "b"})
    run.picture(Path("missing.png"))
print("mlflow" in sys.modules)
"""
    out, error = python(code, CROSSWIKI_TRACKING="off").communicate(timeout=180)
    assert (out, error) == ("False\n", "")
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    "topic",
    [
        *("R&D", "l'art", "arts, sports", "C++", "law (civil)", "100 %", "a\tb"),
        *("a" * 260, "и" * 251, "a//b", "/a", "../b", "./c"),
    ],
)
def test_every_name_that_people_give_a_topic_is_one_that_mlflow_takes(topic: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    for name in (topic, f"corpus.target.labels.train.{topic}"):
        _validate_metric_name(metric_name(name))
    assert metric_name(topic) != metric_name(f"{topic}!")


@pytest.mark.parametrize("name", ["loss", "evaluation.target.finetuned.accuracy", "corpus.Physical sciences", "Топик"])
def test_names_that_mlflow_takes_stay(name: str) -> None:
    assert metric_name(name) == name
