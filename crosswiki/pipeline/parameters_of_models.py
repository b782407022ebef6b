"""The sections of params.yaml about models: the teacher, the transplant, adaptation, the student, fine-tuning."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from crosswiki.pipeline.checked_yaml import Section, as_tuple
from crosswiki.pipeline.parameter_values import (
    FOLDS,
    Above0,
    Below1,
    Count,
    NotNegative,
    Positive,
    Rate,
    Share,
    Teacher,
)


class Training(Section):
    """The parameters of every BERT training."""

    epochs: Above0
    min_steps: Count
    batch_size: Positive
    learning_rate: Rate
    warmup_ratio: Share
    weight_decay: Share
    dropout: Below1


class MixtureNoise(Section):
    """Replacement of the teacher's input embeddings by mixtures of their neighbours' embeddings."""

    probability: Annotated[float, Field(ge=0, le=0.5)]
    neighbours: Positive
    temperature: Above0


class FinetuneSource(Training):
    """The teacher: a pretrained source model, fine-tuned on source topics."""

    model: str
    labels: Annotated[int, Field(ge=FOLDS)]
    max_length: Annotated[int, Field(ge=8)]
    round_trips: Count
    mixture_noise: MixtureNoise


class Transplant(Section):
    """The new language's tokenizer and the embeddings of its tokens."""

    method: Literal["csls_mixtures", "wechsel", "focus", "random", "mean", "keep"]
    tokenizer: Literal["extended", "trained"] | None
    vocabulary_size: Annotated[int, Field(ge=100)]
    trained_subwords: Count
    neighbours: Positive
    temperature: Above0
    spelling_weight: NotNegative
    dictionary_weight: NotNegative
    lemma_share: Share
    map_share: Share
    lexicon_prior: NotNegative
    copied_min_length: Positive

    @model_validator(mode="after")
    def _one_tokenizer(self) -> "Transplant":
        if self.method == "keep" and self.tokenizer:
            raise ValueError(f"tokenizer {self.tokenizer}: keep has the source's own: null is needed")
        return self


class RepresentationDistillation(Section):
    """Representation distillation on short parallel text."""

    steps: Count
    batch_size: Positive
    learning_rate: Rate
    dropout: Below1
    glossed_share: Share
    dictionary_share: Share
    max_entries: Positive

    @model_validator(mode="after")
    def _shares(self) -> "RepresentationDistillation":
        if self.glossed_share + self.dictionary_share > 1 + 1e-9:
            raise ValueError(
                f"glossed_share {self.glossed_share:g} + dictionary_share {self.dictionary_share:g} "
                "must not be more than 1"
            )
        return self


class MaskedLanguageModel(Section):
    """Masked-language-model training on the target's text."""

    steps: Count
    batch_size: Positive
    learning_rate: Rate
    dropout: Below1
    mlm_probability: Rate
    embeddings_only: Below1
    joint: bool


class Adapt(Section):
    """Adaptation of the transplanted encoder to the target without labels."""

    representation_distillation: RepresentationDistillation
    masked_language_model: MaskedLanguageModel


class Neighbourhood(Section):
    """The nearest labelled source articles of a text, which vote on its topic."""

    vectors_weight: Annotated[tuple[NotNegative, ...], Field(min_length=1)]
    neighbours: Annotated[tuple[Positive, ...], Field(min_length=1)]
    temperature: Annotated[tuple[Above0, ...], Field(min_length=1)]
    encoder_share: Annotated[tuple[Share, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, values: Any) -> Any:
        for key in cls.model_fields:
            values = as_tuple(values, key)
        return values


class Distill(Training):
    """Knowledge distillation into a smaller student (Hinton et al. 2015)."""

    teachers: Annotated[tuple[Teacher, ...], Field(min_length=1)]
    epochs: NotNegative
    layers: Positive | Annotated[tuple[Positive, ...], Field(min_length=1)] | None
    temperature: Above0
    soft_weight: Share
    hidden_weight: NotNegative
    max_texts: Positive | None
    carried_labels: Count
    max_loss: Share

    @model_validator(mode="before")
    @classmethod
    def _layers_and_teachers(cls, values: Any) -> Any:
        return as_tuple(as_tuple(values, "layers"), "teachers")

    @field_validator("teachers")
    @classmethod
    def _each_teacher_once(cls, teachers: tuple[Teacher, ...]) -> tuple[Teacher, ...]:
        if len(set(teachers)) < len(teachers):
            raise ValueError(f"found {list(teachers)}; each teacher is needed once")
        return teachers

    @model_validator(mode="after")
    def _each_layer_once(self) -> "Distill":
        if isinstance(self.layers, tuple) and list(self.layers) != sorted(set(self.layers)):
            raise ValueError(
                f"found layers {list(self.layers)}; the teacher's are needed in their order, each one once"
            )
        return self


class Scratch(Section):
    """The control without transfer: the same architecture from random weights, on the same labels."""

    epochs: Above0
    learning_rate: Rate
    dropout: Below1


class FinetuneTarget(Training):
    """Fine-tuning of the student's parameters on target labels."""

    labels: Count
    freeze_output: bool
    gradual_unfreezing: Below1
    prior_labels: NotNegative
    scratch: Scratch
