"""params.yaml as typed, frozen objects; the whole file is checked before anything runs."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from crosswiki.pipeline.checked_yaml import Section, as_tuple, check, read_yaml
from crosswiki.pipeline.renamed import RENAMED

Role = Literal["source", "target", "test"]
ClassWeights = Literal["none", "balanced"]
Teacher = Literal["adapted", "neighbours", "glossed"]
ROLES: tuple[Role, ...] = get_args(Role)

FOLDS = 5  # of the cross-validation by which the baselines choose their penalty

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Above0 = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Below1 = Annotated[float, Field(ge=0, lt=1)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z]+)*$")]


class Languages(Section):
    """The language of each role; null takes the corpus preset's."""

    source: Language | None
    target: Language | None
    test: Language | None

    @model_validator(mode="after")
    def _differ(self) -> "Languages":
        languages = [language for language in (self.source, self.target, self.test) if language]
        if len(set(languages)) < len(languages):
            raise ValueError(f"found {', '.join(map(repr, languages))}; different languages are needed")
        return self


class Download(Section):
    """Limits of what is downloaded."""

    languages: Languages
    max_articles: Positive | None
    max_characters: Positive
    max_bad_records: Share


class Prepare(Section):
    """Normalisation, vocabulary and splits."""

    validation: Below1
    test: Rate
    fold: Count
    min_count: Positive
    max_vocabulary: Positive
    fold_yo: bool
    max_unlabelled: Count
    max_characters: Annotated[int, Field(ge=100)]
    link_titles: Share | None

    @model_validator(mode="after")
    def _leave_something_to_train_on(self) -> "Prepare":
        if self.validation + self.test >= 1:
            raise ValueError(f"validation {self.validation:g} + test {self.test:g} must stay below 1")
        if (self.fold + 1) * self.test > 1 + 1e-9:
            raise ValueError(
                f"fold {self.fold} must stay below {round(1 / self.test, 3):g}, the number of folds (1 / test)"
            )
        return self


class PretrainedVectors(Section):
    """Files of word vectors to start from, as `pipeline.paths.checked_file` reads their names; null: none."""

    source: str | None
    target: str | None
    test: str | None


class SkipGram(Section):
    """Skip-gram with negative sampling (Mikolov et al. 2013)."""

    dim: Positive
    window: Positive
    dynamic_window: bool
    negatives: Positive
    noise_exponent: Share
    subsample: Below1
    epochs: Positive
    max_words: Positive | None
    learning_rate: Rate
    shared_negatives: Annotated[int, Field(ge=1, le=1000)]
    shards: Annotated[int, Field(ge=1, le=256)]
    words_per_step: Positive | None
    ensemble: Positive
    vectors: Literal["sum", "centres"]
    subword_prior: NotNegative
    pretrained: PretrainedVectors
    pretrained_prior: NotNegative


class Align(Section):
    """The orthogonal map into the source space, and its refinement."""

    identical_min_length: Positive
    held_out: Rate
    refinement_rounds: Count
    refinement_words: Positive
    csls_neighbours: Positive
    spelling_weight: NotNegative


class Gloss(Section):
    """Texts of the language, read word for word in the source's."""

    context_weight: NotNegative


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
