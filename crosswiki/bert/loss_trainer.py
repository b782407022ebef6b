"""transformers' Trainer with a given loss, a given order of the texts, and batches that are read in parts.

A part is what this process reads of a batch if there are several ranks, and of that again what it reads at once.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler
from transformers import PreTrainedModel, Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from transformers.trainer_utils import get_last_checkpoint

from crosswiki.bert.batches import LengthBuckets
from crosswiki.bert.shares import SHARE, ShareLoader, average_gradients, drawing_for_the_batch
from crosswiki.pipeline.outputs import replacing
from crosswiki.pipeline.ranks import world

Loss = Callable[[PreTrainedModel, dict[str, Tensor]], Tensor]


class OneProcess(TrainingArguments):
    """Arguments of a process that takes one GPU however many it sees, and knows of no other process.

    With more, transformers would wrap the model in `nn.DataParallel`, and multiply the batch by their number.
    """

    @property
    def n_gpu(self) -> int:
        """The number of GPUs that this process uses."""
        return min(1, int(super().n_gpu))


class LossTrainer(Trainer):
    """A Trainer with a given loss and a given order of the texts."""

    def __init__(self, loss: Loss, sampler: LengthBuckets, texts_at_once: int | None, **arguments: Any) -> None:
        """Make a Trainer that prints nothing.

        Args:
            loss: from model and batch to a scalar.
            sampler: the order of the texts.
            texts_at_once: of a batch, from which gradients are added up; None: all.
            arguments: of `Trainer`.
        """
        super().__init__(**arguments)
        self._loss = loss
        self._sampler = sampler
        self._at_once = texts_at_once
        self._whole = Path(self.args.output_dir) / "whole"  # the folder of the last checkpoint
        self._written = self._whole
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)

    def compute_loss(  # type: ignore[override]
        self, model: PreTrainedModel, inputs: dict[str, Any], return_outputs: bool = False, **_: Any
    ) -> Tensor:
        """The given loss."""
        return self._loss(model, inputs)

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *arguments: Any, **options: Any) -> Tensor:
        """Add a batch's gradients to the model's; the loss of the whole batch."""
        share = inputs.pop(SHARE, None)
        if share is None:
            return super().training_step(model, inputs, *arguments, **options)
        loss = torch.zeros((), device=self.args.device)
        for part in share.parts(self._at_once):
            own = {name: value[part.start - share.start : part.end - share.start] for name, value in inputs.items()}
            with drawing_for_the_batch(part, model, last=part.end == share.end):
                loss += super().training_step(model, own, *arguments, **options)
        return average_gradients(model, loss) if world() > 1 else loss

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches, or this rank's shares of them."""
        if world() == 1 and not self._at_once:
            return super().get_train_dataloader()
        pinned = self.args.dataloader_pin_memory
        return ShareLoader(self.train_dataset, self._sampler, self.data_collator, pin_memory=pinned)

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        return self._sampler

    def last_checkpoint(self) -> str | None:
        """The folder of the last checkpoint, if there is one."""
        return get_last_checkpoint(str(self._whole)) if self._whole.is_dir() else None

    def _save_checkpoint(self, *arguments: Any, **options: Any) -> None:
        """Save a checkpoint, which takes the last one's place when it is whole: half of one could not be read."""
        with replacing(self._whole, directory=True) as self._written:
            super()._save_checkpoint(*arguments, **options)

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._written)
