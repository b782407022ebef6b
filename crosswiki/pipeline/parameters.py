"""params.yaml as typed, frozen objects; the whole file is checked before anything runs."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from crosswiki.pipeline.checked_yaml import Section, as_tuple, check, read_yaml
from crosswiki.pipeline.parameter_values import ROLES, ClassWeights, Positive, Role
from crosswiki.pipeline.parameters_of_measuring import Baselines, Evaluate, Peers
from crosswiki.pipeline.parameters_of_models import (
    Adapt,
    Distill,
    FinetuneSource,
    FinetuneTarget,
    Neighbourhood,
    Transplant,
)
from crosswiki.pipeline.parameters_of_words import Align, Download, Gloss, Prepare, SkipGram
from crosswiki.pipeline.renamed import RENAMED


class Parameters(Section):
    """The whole of params.yaml."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    corpus: Annotated[str, Field(pattern=r"^[\w-]+$")]
    roles: tuple[Role, ...]
    class_weights: ClassWeights
    source_shares: bool
    sketch: bool
    device: Literal["auto", "cpu", "cuda", "mps"]
    workers: str
    processes: Positive
    texts_at_once: Positive | None
    gradient_checkpointing: bool
    download: Download
    prepare: Prepare
    skipgram: SkipGram
    align: Align
    gloss: Gloss
    finetune_source: FinetuneSource
    transplant: Transplant
    adapt: Adapt
    neighbourhood: Neighbourhood
    distill: Distill
    finetune_target: FinetuneTarget
    baselines: Baselines
    peers: Peers
    evaluate: Evaluate

    @model_validator(mode="before")
    @classmethod
    def _roles(cls, values: Any) -> Any:
        return as_tuple(values, "roles")

    @field_validator("workers")
    @classmethod
    def _known_workers(cls, workers: str) -> str:
        if not re.fullmatch(r"local(:[1-9]\d*)?|dask:[a-z]+://\S+", workers):
            raise ValueError("local, local:8 (a number of processes) or dask:tcp://host:8786 is needed")
        return workers

    @field_validator("roles")
    @classmethod
    def _in_order(cls, roles: tuple[Role, ...]) -> tuple[Role, ...]:
        if roles not in (ROLES, ROLES[:2]):
            raise ValueError("source and target are needed, in this order, and test may follow")
        return roles


def load_parameters(path: Path = Path("params.yaml")) -> Parameters:
    """Load and check the parameter file.

    Raises:
        UserError: see `read_yaml` and `check`.
    """
    return check(Parameters, read_yaml(path), path, RENAMED)
