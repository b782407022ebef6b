"""Every command of docs/tutorial.md, in its order, on the tiny trio, so that it takes minutes.

test_pipeline.py follows the first two chapters in a fresh clone. The chapters about experiments, which begin with
results that are committed, are followed in test_tutorial_experiments.py, and the last one, which begins from any clone,
in test_tutorial_language.py: beside each other.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from tests.servers import ask, free_port, server
from tests.tiny import ROOT, run

UI, SERVING = free_port(), free_port()
# What differs on the tiny trio, and in a clone whose environment is the one that the tests run in.
INSTEAD = {
    "source .venv/bin/activate": "true",
    "make repro": "make --old-file=.venv/ready repro",
    "make ui": f"make --old-file=.venv/ready ui PORT={UI}",
    "labels=500": "labels=6",
    "crosswiki-fr": "crosswiki-zh",
    "5001": str(SERVING),
    "La Loire est le plus long fleuve de France.": "长江是中国最长的河流。",
}
SERVERS = {"make": f"http://127.0.0.1:{UI}/health", "mlflow": f"http://127.0.0.1:{SERVING}/ping"}
AFTER_TRAINING = {"finetune_target", "evaluate", "report", "register"}  # what another way to train runs again
WITH_LABELS = AFTER_TRAINING | {"baselines"}  # and another number of labels


def commands(*chapters: int) -> list[str]:
    """Those of some chapters."""
    text = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    _, *parts = re.split(r"^## \d\. ", text, flags=re.MULTILINE)
    blocks = re.findall(
        r"^```sh\n(.*?)^```", "".join(parts[chapter - 1] for chapter in chapters), re.MULTILINE | re.DOTALL
    )
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@contextmanager
def following(folder: Path, warm: dict[str, str], *chapters: int) -> Iterator[tuple[Path, dict[str, str]]]:
    """The clone after the last command of some chapters, and what each command has said: see pipeline/forks.py."""
    said: dict[str, str] = {}
    with ExitStack() as servers:
        for command in commands(*chapters):
            line = command
            for words, other in INSTEAD.items():
                line = line.replace(words, other)
            if command.startswith(("make ui", "mlflow models serve")):
                servers.enter_context(server(folder, line))
                assert ask(SERVERS[line.split()[0]]) == 200
                said[command] = ""
            else:
                answer = run(folder, "bash", "-ec", line, **warm)
                if command == "make repro":
                    assert "warning" not in answer.stderr.lower(), answer.stderr
                said[command] = answer.stdout
        yield folder, said


def runs_in(folder: Path) -> tuple[dict[str, Run], list[Run]]:
    """The parents of what MLflow holds, by name, of which no two have the same, and all runs."""
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("crosswiki")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], max_results=1000)
    above = [one for one in found if "mlflow.parentRunId" not in one.data.tags]
    parents = {str(one.info.run_name): one for one in above}
    assert len(parents) == len(above), sorted(str(one.info.run_name) for one in above)
    return parents, list(found)


def assert_complete(folder: Path, stages: set[str]) -> None:
    """Every run has ended, its stages are nested, and its parent says what it was and keeps the pictures."""
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    parents, found = runs_in(folder)
    assert {one.info.status for one in found} == {"FINISHED"}
    for name, parent in parents.items():
        below = [one for one in found if one.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
        if not name.startswith("repro"):
            assert sorted(one.data.tags["stage"] for one in below) == sorted(stages), name
            assert {one.data.tags["dvc_experiment"] for one in [parent, *below]} == {name}
        assert {one.data.tags["languages"] for one in [parent, *below]} == {"en-zh"}  # as the preset has them
        assert parent.data.metrics["finetune_target.validation_macro_f1"] >= 0, name
        assert parent.data.params["corpus"] == "trio"
        assert parent.data.params["download.languages.target"] == "zh"
        kept = {file.path for file in client.list_artifacts(parent.info.run_id)}
        assert {"report.html", "systems.png", "confusion.png", "model_card.md", "environment"} <= kept
        inputs = {one.dataset.name: one.dataset.digest for one in parent.inputs.dataset_inputs}
        assert {f"prepared/{role}/articles.parquet" for role in ("source", "target", "test")} <= set(inputs)


def said_to(said: dict[str, str], start: str) -> str:
    """What the first command that begins so has said."""
    return next(answer for command, answer in said.items() if command.startswith(start))
