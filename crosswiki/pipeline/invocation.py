"""What all stages of one `dvc repro` or experiment share in MLflow: the experiment, and the parent run."""

import json
import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psutil
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from crosswiki.pipeline.forks import STARTED
from crosswiki.pipeline.provenance import flat, git_commit, installed, machine, user

if TYPE_CHECKING:  # importing MLflow takes more than a second, so it waits until a run starts
    from mlflow import MlflowClient
    from mlflow.entities import Run as MlflowRun

EXPERIMENT = "crosswiki"
INVOCATION = "crosswiki.invocation"  # the tag by which the stages of one invocation find their parent
# Without this tag MLflow's page treats the experiment as generative AI, and opens an empty list of traces.
KIND, KIND_OF_TRAINING = "mlflow.experimentKind", "custom_model_development"


def find_experiment(client: "MlflowClient", artifacts: str | None) -> str:
    """Find the experiment, or create it with a place for its artifacts, and return its id."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(EXPERIMENT)
    if found and found.tags.get(KIND) == KIND_OF_TRAINING:
        return found.experiment_id
    try:
        experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT, artifacts)
    except MlflowException:
        # The lock is this machine's: on a server, another one may have created it meanwhile.
        if not (found := client.get_experiment_by_name(EXPERIMENT)):
            raise
        experiment = found.experiment_id
    client.set_experiment_tag(experiment, KIND, KIND_OF_TRAINING)
    return experiment


def find_invocation(
    client: "MlflowClient", experiment: str, root: Path, stage: str, everything: Mapping[str, Any]
) -> "MlflowRun":
    """Find the parent run of this invocation, or create it with all parameters."""
    name, baseline, dvc = os.environ.get("DVC_EXP_NAME"), os.environ.get("DVC_EXP_BASELINE_REV"), _dvc_process()
    # The process distinguishes experiments of one name: `dvc exp run --name x --force` may give x other parameters, and
    # a run's parameters cannot change. Without a name and without DVC, a stage was started by hand.
    process = dvc or (None if name else _this_process())
    # Machines that share a server may have processes of one number and time, containers above all.
    started = f"{platform.node()}-{process.pid}-{process.create_time():.2f}" if process else None
    parts = [name, baseline, started]
    invocation = quote("@".join(part for part in parts if part))
    if found := client.search_runs([experiment], f"tags.`{INVOCATION}` = '{invocation}'", max_results=1):
        return found[0]
    commit = baseline or git_commit(root)
    languages = languages_of_roles(everything)
    pair = [language for role in ("source", "target") if (language := languages.get(role))]
    tags = {
        INVOCATION: invocation,
        "mlflow.source.git.commit": commit,
        "mlflow.source.name": "dvc.yaml" if dvc else f"stages.{stage}",
        "mlflow.source.type": "LOCAL",
        "mlflow.user": user(),
        "dvc_experiment": name,
        "corpus": everything.get("corpus"),
        "languages": "-".join(pair) if len(pair) == 2 else None,
        "test_language": languages.get("test"),
        "sketch": "true" if everything.get("sketch") else None,
        **machine(),
    }
    title = name or (f"repro {commit[:7]}".strip() if dvc else stage)
    run = client.create_run(experiment, tags={key: tag for key, tag in tags.items() if tag}, run_name=title)
    log_params(client, run.info.run_id, everything)
    client.log_text(run.info.run_id, installed(), "environment/requirements.txt")
    return run


def languages_of_roles(everything: Mapping[str, Any]) -> Mapping[str, str | None]:
    """The languages of all roles, as the resolved parameters have them; nothing where they are not resolved."""
    return (everything.get("download") or {}).get("languages") or {}


def _this_process() -> psutil.Process:
    """This process; of a fork, the one that it stands for."""
    return psutil.Process(int(os.environ[STARTED])) if STARTED in os.environ else psutil.Process()


def _dvc_process() -> psutil.Process | None:
    """Find the DVC that runs this stage: the nearest ancestor whose command is some form of `dvc`."""
    if "DVC_ROOT" in os.environ:  # set by DVC; without it the ancestor could be an editor opened on ~/dvc
        for process in _this_process().parents():
            words = [Path(word) for word in process.as_dict(["cmdline"])["cmdline"] or []]
            if any(word.stem == "dvc" or word.parts[-2:] == ("dvc", "__main__.py") for word in words):
                return process
    return None


def log_params(client: "MlflowClient", run: str, params: Mapping[str, Any]) -> None:
    """Log nested parameters of a run by their dotted names, whole values as JSON."""
    from mlflow.entities import Param

    texts = {key: value if isinstance(value, str) else json.dumps(value, default=str) for key, value in flat(params)}
    entries = [Param(key, text[:6000]) for key, text in texts.items()]  # the maximum length
    for first in range(0, len(entries), 100):  # the maximum of one call
        client.log_batch(run, params=entries[first : first + 100])


def log_datasets(client: "MlflowClient", runs: Iterable[str], hashes: Mapping[str, str]) -> None:
    """Log data sets as inputs of some runs.

    Args:
        client: of the store.
        runs: their ids.
        hashes: of DVC, by path.
    """
    from mlflow.entities import Dataset, DatasetInput
    from mlflow.exceptions import MlflowException

    # No InputTag: one stage trains on the same data that another scores.
    inputs = [
        DatasetInput(Dataset(Path(path).as_posix().removeprefix("data/"), digest, "local", json.dumps({"uri": path})))
        for path, digest in hashes.items()
    ]
    # Where another machine logs a data set for the first time in the same moment, one of the two is refused.
    again = Retrying(
        retry=retry_if_exception_type(MlflowException), wait=wait_random(0, 1), stop=stop_after_attempt(5), reraise=True
    )
    for run in runs if inputs else ():
        again(client.log_inputs, run, inputs)
