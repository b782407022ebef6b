"""MLflow's registry: each target classifier becomes a version, and the best one the champion."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crosswiki.corpora.pairs import PAIR, Text
from crosswiki.pipeline.errors import UserError

if TYPE_CHECKING:  # importing MLflow takes more than a second
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

CHAMPION = "champion"
WEIGHTS, CORPUS, SCORE = "weights", "validation_articles", "validation_macro_f1"  # tags of a version
LOADER = "crosswiki.serving.pyfunc"
# The packages, beside MLflow, that a server needs to run `LOADER`.
PACKAGES = (
    *("accelerate", "datasets", "filelock", "numpy", "opencc", "pandas", "psutil", "pyarrow", "pydantic", "pyyaml"),
    *("regex", "rjieba", "ruamel.yaml", "safetensors", "tokenizers", "torch", "tqdm", "transformers"),
)


@dataclass(frozen=True)
class Candidate:
    """A classifier to register."""

    name: str  # crosswiki-fr
    folder: Path
    about: str  # one line that describes all versions
    card: str
    example: Text  # that it reads
    corpus: str  # digest of the validation articles of the score
    score: float | None  # macro-F1 on the validation split; None without labels
    tags: Mapping[str, str]

    @property
    def weights(self) -> str:
        """A digest of the parameters, so that the same classifier is registered once."""
        with (self.folder / "model.safetensors").open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def publish(candidate: Candidate, client: "MlflowClient", run: str, lock: AbstractContextManager[Any]) -> str:
    """Register a classifier, and make it the champion if its score beats the holder's on the same articles.

    Args:
        candidate: the classifier.
        client: of the tracking store and the registry.
        run: id of the classifier's run.
        lock: held during the comparison, so that two processes do not compare with the same champion.

    Returns:
        What happened, in a line.
    """
    versions = client.search_model_versions(f"name = '{candidate.name}'")
    weights = candidate.weights
    same = [
        found for found in versions if found.tags.get(WEIGHTS) == weights and found.tags[CORPUS] == candidate.corpus
    ]
    new = same[0] if same else _create(candidate, weights, client, run)
    title = f"{candidate.name} version {new.version}"
    with lock:
        # If an alias is looked up by name, a missing alias and an unreachable store raise the same error.
        place = client.get_registered_model(candidate.name).aliases.get(CHAMPION)
        if place is not None and str(place) == str(new.version):
            return f"{title} is the {CHAMPION} already"
        holder = None if place is None else client.get_model_version(candidate.name, str(place)).tags
        better, why = compare(candidate.score, candidate.corpus, holder)
        if better:
            client.set_registered_model_alias(candidate.name, CHAMPION, str(new.version))
    return f"{title} {'is the new' if better else 'is not the'} {CHAMPION}: it {why}"


def compare(score: float | None, corpus: str, holder: Mapping[str, str] | None) -> tuple[bool, str]:
    """Whether a classifier becomes the champion, and why.

    Args:
        score: its macro-F1; None without labels.
        corpus: digest of the validation articles.
        holder: the tags of the present champion; None if there is none.
    """
    if holder is None:
        return True, "beats nobody, as the place was free"
    if holder.get(CORPUS) != corpus:
        return False, "was validated on other articles than the holder; move the alias by hand if you want it"
    if score is None or SCORE not in holder:
        return False, "cannot be compared, for want of validation labels"
    other = float(holder[SCORE])
    return (
        score > other,
        f"{'beats' if score > other else 'does not beat'} the holder's macro-F1, {score:.4f} to {other:.4f}",
    )


def client_errors() -> type[Exception]:
    """MLflow's exception class, imported only when it is needed."""
    from mlflow.exceptions import MlflowException

    return MlflowException


def _columns(text: Text) -> dict[str, list[str]]:
    from crosswiki.serving.pyfunc import COLUMN

    return {COLUMN: [text[0]], PAIR: [text[1]]} if isinstance(text, tuple) else {COLUMN: [text]}


def signature_of_served(pairs: bool = False) -> "ModelSignature":
    """What the served model takes and answers.

    Args:
        pairs: whether it reads texts in pairs; then there may be a column with the second ones.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType, Map, ParamSchema, ParamSpec

    from crosswiki.serving.pyfunc import ABSTAIN, COLUMN

    answers = [ColSpec(DataType.string, "topic"), ColSpec(DataType.double, "probability")]
    answers.append(ColSpec(Map(DataType.double), "probabilities"))
    params = ParamSchema([ParamSpec(ABSTAIN, DataType.double, 0.0)])
    # Not DataType.string, which makes the word "None" of a null in a batch.
    columns = [ColSpec(AnyType(), name, required=False) for name in ((COLUMN, PAIR) if pairs else (COLUMN,))]
    return ModelSignature(Schema(columns), Schema(answers), params)


def _create(candidate: Candidate, weights: str, client: "MlflowClient", run: str) -> "ModelVersion":
    """Log the model with a run, and register it."""
    import mlflow
    from mlflow.models import Model

    experiment = client.get_run(run).info.experiment_id
    place = client.create_logged_model(experiment, "classifier", run, {**candidate.tags}, model_type="classifier")
    with _logging_to(client.tracking_uri):
        logged: Any = Model.log(
            artifact_path=None,
            flavor=mlflow.pyfunc,
            model_id=place.model_id,
            run_id=run,
            loader_module=LOADER,  # reads safetensors and JSON; nothing is pickled
            data_path=str(candidate.folder),
            code_paths=[str(Path(__file__).parents[1])],
            signature=signature_of_served(pairs=isinstance(candidate.example, tuple)),
            input_example=_columns(candidate.example),
            pip_requirements=[f"mlflow=={version('mlflow')}", *(f"{name}=={_public(name)}" for name in PACKAGES)],
        )
        with contextlib.suppress(client_errors()):  # it exists from the second version on
            client.create_registered_model(candidate.name, description=candidate.about)
        score = {} if candidate.score is None else {SCORE: f"{candidate.score:.6f}"}
        description = candidate.card.partition("\n---\n")[2].strip()  # without the metadata for the hub
        return client.create_model_version(
            candidate.name,
            logged.model_uri,
            run,
            tags={**score, **candidate.tags, CORPUS: candidate.corpus, WEIGHTS: weights},
            description=description,
            model_id=place.model_id,  # without it, a server refuses the source
        )


def _public(package: str) -> str:
    """A package's version without a local part (2.13.0+cpu), which package indexes do not have."""
    return version(package).partition("+")[0]


@contextlib.contextmanager
def _logging_to(uri: str) -> Iterator[None]:
    """Set the tracking store for functions that take no client, and restore the setting after the block."""
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


def fetch(name: str) -> Path:
    """Download a registered model's files.

    Args:
        name: such as models:/crosswiki-fr@champion or models:/crosswiki-fr/2.

    Raises:
        UserError: there is no such model.
    """
    from crosswiki.pipeline.tracking import MLFLOW_DEFAULTS

    for variable, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(variable, value)
    import mlflow

    try:
        model = Path(mlflow.artifacts.download_artifacts(name))
    except (client_errors(), OSError) as error:
        raise UserError(f"--model: {name}: not in the registry ({' '.join(str(error).split())[:160]})") from error
    if not (model / "data").is_dir():
        raise UserError(f"--model: {name}: is no text classifier that crosswiki has registered")
    return next((model / "data").iterdir())
