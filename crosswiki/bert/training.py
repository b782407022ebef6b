"""The training loop of all models: transformers.Trainer with a given loss, a loss curve, and checkpoints.

Several ranks train one model, each with a share of every batch: the Trainer of each knows of no other.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor, nn
from tqdm import tqdm
from transformers import PreTrainedModel, TrainerCallback

from crosswiki.bert.batches import LengthBuckets
from crosswiki.bert.loss_trainer import Loss, LossTrainer, OneProcess
from crosswiki.bert.memory import WHOLE_BATCHES, Memory, forgetting_states
from crosswiki.bert.models import layers_from_the_top
from crosswiki.bert.precision import fast_attention, half_precision
from crosswiki.bert.rows import only_rows_read
from crosswiki.bert.schedules import Schedule
from crosswiki.pipeline.outputs import checkpoint_path, remove
from crosswiki.pipeline.ranks import hidden, rank

Collate = Callable[[list[dict[str, Any]]], dict[str, Tensor]]
Report = Callable[[dict[str, float], int], None]
Measure = Callable[[], dict[str, float]]
History = list[dict[str, float]]  # points: `step`, the mean `loss` since the last point, and the results of `measure`
Waiting = Sequence[tuple[float, Sequence[nn.Parameter]]]  # parameters that are frozen for a share of the steps

CHECKPOINT_SECONDS = 120.0
POINTS, MEASURED = 50, 5  # points of a history, about, and those of them at which `measure` is called


def gradually(model: PreTrainedModel, share: float) -> Waiting:
    """Gradual unfreezing: layers begin to learn one by one, the last one first (Howard and Ruder 2018, section 3.3).

    Args:
        model: a model whose output layer may be frozen.
        share: of the steps, after which all layers learn.

    Returns:
        Each layer's parameters, with the share of the steps for which they stay as they are.
    """
    groups = layers_from_the_top(model)
    last = len(groups) - 1
    trained = ([parameter for parameter in group if parameter.requires_grad] for group in groups)
    return [(share * place / last, group) for place, group in enumerate(trained)] if share else []


@contextmanager
def _dropping_out(model: PreTrainedModel, share: float) -> Iterator[None]:
    """Set a model's dropout inside the block."""
    before = {module: module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}
    try:
        for module in before:
            module.p = share
        yield
    finally:
        for module, p in before.items():
            module.p = p


class _Thaw(TrainerCallback):
    """Freezes parameters until their step; the optimiser skips parameters without a gradient."""

    def __init__(self, waiting: Waiting) -> None:
        self.waiting = waiting

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        for share, parameters in self.waiting:
            for parameter in parameters:
                parameter.requires_grad_(state.global_step >= share * state.max_steps)


class _Watch(TrainerCallback):
    """Shows progress, reports the loss, and requests a checkpoint every `CHECKPOINT_SECONDS`."""

    def __init__(self, what: str, report: Report, measure: Measure | None) -> None:
        self.what = what
        self.report = report
        self.measure = measure
        self.saved = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.bar = tqdm(total=state.max_steps, initial=state.global_step, desc=self.what, disable=hidden(), leave=False)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.bar.update(state.global_step - self.bar.n)
        if rank() == 0 and time.monotonic() - self.saved > CHECKPOINT_SECONDS and state.global_step < state.max_steps:
            control.should_save = True
            self.saved = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        if logs and "loss" in logs:
            self.bar.set_postfix(loss=f"{logs['loss']:.3f}")
            measured: dict[str, float] = {}
            if self.measure and state.global_step % max(1, state.max_steps // MEASURED) < args.logging_steps:
                measured = self.measure()
                state.log_history[-1].update(measured)  # the history, which is in checkpoints
            values = {"loss": logs["loss"], "learning_rate": logs["learning_rate"], **measured}
            self.report(values, state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.bar.close()


def train(
    model: PreTrainedModel,
    texts: Dataset,
    loss: Loss,
    collate: Collate,
    schedule: Schedule,
    *,
    seed: int,
    device: torch.device,
    what: str,
    report: Report,
    waiting: Waiting = (),
    measure: Measure | None = None,
    whole_table: bool = False,
    memory: Memory = WHOLE_BATCHES,
    depends: Sequence[str | Tensor] = (),
) -> History:
    """Train a model in place, with AdamW, linear warm-up and decay, in bf16 where the device has it.

    After an interruption, a training with the same model, texts and settings continues from its last checkpoint.
    Checkpoints are in `$DVC_ROOT/.checkpoints` and are removed when the training ends.

    Args:
        model: its parameters with `requires_grad` are trained.
        texts: rows for `collate`, with the column `length`, by which batches are formed.
        loss: from model and batch to a scalar.
        collate: from rows to a batch of tensors.
        schedule: see `Schedule`.
        seed: of the order and of dropout.
        device: where.
        what: label of the progress bar, and name of the checkpoints.
        report: called with the values (loss, learning_rate and those of `measure`) and the step.
        waiting: parameters that are frozen until a share of the steps is done.
        measure: called at a few points of the history, where its values are added.
        whole_table: whether the loss reads embeddings of tokens that are in no text, as that of masked tokens does.
        memory: how a batch fits into the device's.
        depends: what else the loss depends on: settings, tensors. A checkpoint of others is none of this training.

    Returns:
        The history; empty if there are no steps.
    """
    steps = schedule.steps(len(texts))
    if steps == 0:
        return []
    settings = [what, vars(schedule), seed, [share for share, _ in waiting]]
    folder = _checkpoints(what, model, texts, [json.dumps(settings), *depends])
    at_once = memory.texts_at_once if (memory.texts_at_once or schedule.batch_size) < schedule.batch_size else None
    trainer = LossTrainer(
        loss=loss,
        sampler=LengthBuckets(texts["length"], schedule.batch_size, seed),
        texts_at_once=at_once,
        model=model,
        train_dataset=texts,
        data_collator=collate,
        callbacks=[_Thaw(waiting), _Watch(what, report, measure)],
        args=OneProcess(
            output_dir=str(folder),
            per_device_train_batch_size=schedule.batch_size,
            max_steps=steps,
            learning_rate=schedule.learning_rate,
            warmup_steps=round(schedule.warmup_ratio * steps),
            weight_decay=schedule.weight_decay,
            logging_steps=max(1, steps // POINTS),
            save_strategy="no",
            save_total_limit=1,
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=device.type == "cuda",
            bf16=half_precision(device),
            use_cpu=device.type == "cpu",
            seed=seed,
        ),
    )
    rows = nullcontext() if whole_table else only_rows_read(model, texts, device, sparse=at_once is None)
    states = forgetting_states(model, memory.gradient_checkpointing)
    with rows, fast_attention(model, device), _dropping_out(model, schedule.dropout), states:
        trainer.train(resume_from_checkpoint=trainer.last_checkpoint())
    remove(folder)
    model.to("cpu")
    return [row for row in trainer.state.log_history if "loss" in row]


def curve(history: History, name: str = "loss") -> list[tuple[int, float]]:
    """The points (step, value) of a history that have a value of this name."""
    return [(int(row["step"]), row[name]) for row in history if name in row]


def _checkpoints(what: str, model: PreTrainedModel, texts: Dataset, depends: Sequence[str | Tensor]) -> Path:
    """A folder for this training's checkpoints, named by a digest of all that it depends on, this room's code too."""
    digest = hashlib.blake2b(digest_size=12)
    for one in depends:
        digest.update(one.encode() if isinstance(one, str) else one.detach().cpu().contiguous().numpy().tobytes())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    for name, parameter in model.named_parameters():
        digest.update(f"{name} {parameter.requires_grad}".encode())
        digest.update(parameter.detach().cpu().numpy().tobytes())
    for column in sorted(texts.column_names):
        for chunk in texts.data.column(column).chunks:
            for buffer in chunk.buffers():
                if buffer is not None:
                    digest.update(buffer)
    return checkpoint_path(what, digest.hexdigest())
