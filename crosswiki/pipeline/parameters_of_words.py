"""The sections of params.yaml from the texts to the gloss: what words there are, and what each is in the source."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from crosswiki.pipeline.checked_yaml import Section
from crosswiki.pipeline.parameter_values import Below1, Count, Language, NotNegative, Positive, Rate, Share


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
