"""Schedules: length, learning rate and regularisation of trainings, as params.yaml gives them."""

from dataclasses import dataclass

from crosswiki.pipeline.parameters_of_models import MaskedLanguageModel, RepresentationDistillation, Training


@dataclass(frozen=True)
class Schedule:
    """Length, learning rate and regularisation of a training."""

    epochs: float
    batch_size: int
    learning_rate: float
    warmup_ratio: float  # share of the steps
    weight_decay: float
    dropout: float
    min_steps: int = 0  # few texts are read for more epochs, until there are so many steps

    def steps(self, texts: int) -> int:
        """The number of steps for so many texts; 0 if `epochs` is 0."""
        return max(1, round(texts * self.epochs / self.batch_size), self.min_steps) if self.epochs else 0


def schedule_of(settings: Training) -> Schedule:
    """The schedule that a section of params.yaml gives."""
    return Schedule(**{field: getattr(settings, field) for field in Schedule.__dataclass_fields__})


def one_epoch(settings: RepresentationDistillation | MaskedLanguageModel) -> Schedule:
    """One pass over as many batches as there are steps, without weight decay."""
    batch_size, rate, dropout = settings.batch_size, settings.learning_rate, settings.dropout
    return Schedule(1, batch_size, rate, warmup_ratio=0.1, weight_decay=0.0, dropout=dropout)
