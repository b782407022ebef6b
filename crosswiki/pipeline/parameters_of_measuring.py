"""The sections of params.yaml about what models are measured beside, and how."""

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from crosswiki.pipeline.checked_yaml import Section, as_tuple
from crosswiki.pipeline.parameter_values import Above0, Rate


class Baselines(Section):
    """Linear classifiers, which learn from the same number of labels as the models."""

    c_values: Annotated[tuple[Above0, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _c_values(cls, values: Any) -> Any:
        return as_tuple(values, "c_values")


class Encoder(Section):
    """A frozen sentence encoder: a model, and what stands before each text that it reads."""

    model: str
    prefix: str = ""


class Peers(Section):
    """What people take in place of a transfer: multilingual sentence encoders with a logistic regression."""

    encoders: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Encoder]
    max_length: Annotated[int, Field(ge=8)]
    c_values: Annotated[tuple[Above0, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _c_values(cls, values: Any) -> Any:
        return as_tuple(values, "c_values")

    @field_validator("encoders", mode="before")
    @classmethod
    def _none(cls, encoders: Any) -> Any:
        return {} if encoders is None else encoders  # DVC's -S cannot write {}


class Evaluate(Section):
    """Bootstrap intervals of the scores."""

    bootstrap_resamples: Annotated[int, Field(ge=100)]
    confidence: Rate
