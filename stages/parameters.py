"""params.yaml as typed, frozen objects, checked whole before anything runs."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from stages.checked_yaml import Section, as_tuple, check, read_yaml

Role = Literal["source", "target", "test"]
ROLES: tuple[Role, ...] = get_args(Role)

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Above0 = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Below1 = Annotated[float, Field(ge=0, lt=1)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z]+)*$")]


class Languages(Section):
    """Which language plays which role; null leaves it to the corpus preset."""

    source: Language | None
    target: Language | None
    test: Language | None

    @model_validator(mode="after")
    def _differ(self) -> "Languages":
        given = [language for language in (self.source, self.target, self.test) if language]
        if len(set(given)) < len(given):
            raise ValueError(f"found {', '.join(map(repr, given))}; three different languages are needed")
        return self


class Download(Section):
    """What is fetched."""

    languages: Languages
    articles: Positive | None
    max_characters: Positive
    bad_records: Share


class Prepare(Section):
    """How text becomes words, and articles become splits."""

    validation: Below1
    test: Rate
    fold: Count
    min_count: Positive
    max_vocabulary: Positive
    fold_yo: bool
    unlabelled: Count
    characters: Annotated[int, Field(ge=100)]

    @model_validator(mode="after")
    def _leave_something_to_train_on(self) -> "Prepare":
        if self.validation + self.test >= 1:
            raise ValueError(f"validation {self.validation:g} + test {self.test:g} must stay below 1")
        if (self.fold + 1) * self.test > 1 + 1e-9:
            raise ValueError(
                f"fold {self.fold} must stay below {round(1 / self.test, 3):g}, the number of folds (1 / test)"
            )
        return self


class SkipGram(Section):
    """Skip-gram with negative sampling (Mikolov et al. 2013)."""

    dim: Positive
    window: Positive
    dynamic_window: bool
    negatives: Positive
    noise_exponent: Share
    subsample: Below1
    epochs: Positive
    learning_rate: Rate
    shared: Annotated[int, Field(ge=1, le=1000)]
    shards: Annotated[int, Field(ge=1, le=256)]
    words_per_step: Positive | None
    runs: Positive
    vectors: Literal["sum", "centres"]
    parts: NotNegative


class Align(Section):
    """The orthogonal map into the source space, and its refinement."""

    min_length: Positive
    held_out: Rate
    rounds: Count
    refine_words: Positive
    csls_neighbours: Positive
    spelling: NotNegative


class Training(Section):
    """What every BERT training has in common."""

    epochs: Above0
    least_steps: Count
    batch: Positive
    learning_rate: Rate
    warmup: Share
    weight_decay: Share
    dropout: Below1


class Mixtures(Section):
    """Tokens that the teacher reads as mixtures of their neighbours while it learns."""

    share: Annotated[float, Field(ge=0, le=0.5)]
    neighbours: Positive
    temperature: Above0


class FinetuneSource(Training):
    """The teacher: a pretrained source model, fine-tuned on source topics."""

    model: str
    labels: Positive
    tokens: Annotated[int, Field(ge=8)]
    mixtures: Mixtures


class Transplant(Section):
    """The new language's tokenizer and the embeddings of its tokens."""

    method: Literal["csls_mixtures", "wechsel", "focus", "random", "mean"]
    tokenizer: Literal["extended", "trained"] | None
    tokens: Annotated[int, Field(ge=100)]
    pieces: Count
    neighbours: Positive
    temperature: Above0
    spelling: NotNegative
    dictionary: NotNegative
    copied_length: Positive


class Representation(Section):
    """Representation distillation on short parallel text."""

    steps: Count
    batch: Positive
    learning_rate: Rate
    dropout: Below1
    glossed: Share
    strings: Share
    strung: Positive

    @model_validator(mode="after")
    def _shares(self) -> "Representation":
        if self.glossed + self.strings > 1 + 1e-9:
            raise ValueError(f"glossed {self.glossed:g} + strings {self.strings:g} must not be more than 1")
        return self


class MaskedLanguageModel(Section):
    """Masked-language-model training on the target's text."""

    steps: Count
    batch: Positive
    learning_rate: Rate
    dropout: Below1
    masked: Rate
    embeddings_alone: Below1
    joint: bool


class Adapt(Section):
    """How the transplanted encoder is fitted to the target without labels."""

    representation: Representation
    masked_language_model: MaskedLanguageModel


class Distill(Training):
    """The smaller student, taught softly (Hinton et al. 2015)."""

    epochs: NotNegative
    layers: Positive | Annotated[tuple[Positive, ...], Field(min_length=1)] | None
    temperature: Above0
    soft: Share
    hidden: NotNegative
    texts: Positive | None

    @model_validator(mode="before")
    @classmethod
    def _layers(cls, values: Any) -> Any:
        return as_tuple(values, "layers")

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
    gradual: Below1
    worth: NotNegative
    scratch: Scratch


class Baselines(Section):
    """Linear classifiers, which learn from as many labels as the models."""

    penalties: Annotated[tuple[Above0, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _penalties(cls, values: Any) -> Any:
        return as_tuple(values, "penalties")


class Evaluate(Section):
    """How systems are compared."""

    resamples: Annotated[int, Field(ge=100)]
    confidence: Rate


class Parameters(Section):
    """The whole of params.yaml."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    corpus: Annotated[str, Field(pattern=r"^[\w-]+$")]
    device: Literal["auto", "cpu", "cuda", "mps"]
    download: Download
    prepare: Prepare
    skipgram: SkipGram
    align: Align
    finetune_source: FinetuneSource
    transplant: Transplant
    adapt: Adapt
    distill: Distill
    finetune_target: FinetuneTarget
    baselines: Baselines
    evaluate: Evaluate


def load_parameters(path: Path = Path("params.yaml")) -> Parameters:
    """Load and check the parameter file.

    Raises:
        UserError: see `read_yaml` and `check`.
    """
    return check(Parameters, read_yaml(path), path)
