"""The fast training of skip-gram: steps through the text, a trainer for each kind of device, and checkpoints.

The trainer is `shards.py` on the CPU and `blocks.py` elsewhere. Both minimise the loss that `reference.py` defines.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from crosswiki.embeddings.skipgram.blocks import BlockTrainer
from crosswiki.embeddings.skipgram.reference import SkipGramModel
from crosswiki.embeddings.skipgram.shards import ShardTrainer
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import replacing
from crosswiki.pipeline.parameters_of_words import SkipGram
from crosswiki.pipeline.ranks import rank

POINTS = 200  # of the loss curve, at most
CHECKPOINT_SECONDS = 60.0


@dataclass(frozen=True)
class Trained:
    """The two matrices, float32 on the CPU, and the loss curve."""

    centres: Tensor  # [vocabulary, dim]
    contexts: Tensor  # [vocabulary, dim]
    curve: list[tuple[int, float]]  # (tokens read, mean loss of a pair with its noise words, in nats)

    def vectors(self, which: Literal["sum", "centres"]) -> Tensor:
        """A vector for each word: its centre vector, or the sum of both (Levy, Goldberg and Dagan 2015, section 3.3).

        With the sum, a word is similar to words with similar contexts and also to its contexts.
        """
        return self.centres + self.contexts if which == "sum" else self.centres


def train_skipgram(
    tokens: NDArray[numpy.int32],
    offsets: NDArray[numpy.int64],
    counts: NDArray[numpy.int64],
    settings: SkipGram,
    *,
    seed: int,
    device: torch.device,
    report: Callable[[int, float], None] = lambda read, loss: None,
    checkpoint: Path | None = None,
    centres: Tensor | None = None,
) -> Trained:
    """Train skip-gram vectors; the learning rate falls linearly to 1/10,000 of its start.

    The draws of a step depend only on the seed and the step's number, so a training that continues from a checkpoint
    gives the same bytes as one without interruption.

    Args:
        tokens: word ids of all documents, [tokens]; may be memory-mapped, as only a step's tokens are read at a time.
        offsets: where each document starts, and the end of the last one, [documents + 1].
        counts: how often each word occurs, [vocabulary].
        settings: the section `skipgram` of params.yaml.
        seed: of all draws.
        device: where the work is done.
        report: called with each point of the loss curve: tokens read, loss.
        checkpoint: a file to continue from if it is there; it is written every `CHECKPOINT_SECONDS` and at the end.
        centres: to start from, [vocabulary, dim]; rows of zeros are drawn, and all of them where there is None.

    Raises:
        UserError: the loss is not finite.
    """
    model = SkipGramModel(len(counts), settings.dim, torch.Generator().manual_seed(seed)).requires_grad_(False)
    if centres is not None:
        given = centres.any(1)
        model.centres[given] = centres[given]
    start, curve = 0, []
    if checkpoint and checkpoint.is_file():
        saved = load_file(checkpoint)
        model.load_state_dict({name: saved[name] for name in ("centres", "contexts")})
        start, curve = int(saved["steps"]), [(int(read), loss) for read, loss in saved["curve"].tolist()]
    trainer: ShardTrainer | BlockTrainer
    if device.type == "cpu":
        trainer = ShardTrainer(counts, model.centres, model.contexts, settings)
    else:
        trainer = BlockTrainer(counts, model.centres.to(device), model.contexts.to(device), settings)

    size = settings.words_per_step or words_per_step(len(tokens), len(counts), settings.shards, device)
    parts = settings.shards if device.type == "cpu" else 1
    words, steps_per_epoch = words_to_read(len(tokens), settings), -(-len(tokens) // (size * parts))
    epochs, rest = divmod(words, max(len(tokens), 1))
    steps = epochs * steps_per_epoch + -(-rest // (size * parts))
    every, total, pairs = max(1, steps // POINTS), 0.0, 0
    saved_at = time.monotonic()
    for step in range(start, steps):
        epoch, within = divmod(step, steps_per_epoch)
        read = epoch * len(tokens) + within * size * parts
        # An epoch that is not whole takes its steps from everywhere in the text.
        first = within * steps_per_epoch // min(steps_per_epoch, steps - epoch * steps_per_epoch) * size * parts
        pieces = [piece(tokens, offsets, first + part * size, size) for part in range(parts)]
        rate = settings.learning_rate * max(1 - read / words, 1e-4)
        loss, counted = trainer.step([part for part in pieces if len(part[0])], rate, step_seed(seed, step))
        total, pairs = total + loss, pairs + counted
        if not numpy.isfinite(loss):
            raise UserError(
                "params.yaml: skipgram: the loss is no longer a number: lower skipgram.learning_rate, or "
                "skipgram.words_per_step if it is set"
            )
        if (step + 1) % every == 0 and pairs:
            curve.append((min(read + size * parts, (epoch + 1) * len(tokens)), total / pairs))
            report(*curve[-1])
            total, pairs = 0.0, 0
            # Only at a point of the curve, as the sums for the next point are not saved.
            if checkpoint and time.monotonic() - saved_at > CHECKPOINT_SECONDS:
                _save(checkpoint, trainer, step + 1, curve)
                saved_at = time.monotonic()
    if checkpoint:  # a later training of the ensemble may be interrupted
        _save(checkpoint, trainer, steps, curve)
    centres, contexts = (matrix.cpu().contiguous() for matrix in (trainer.centres, trainer.contexts))
    return Trained(centres, contexts, curve)


def words_to_read(tokens: int, settings: SkipGram) -> int:
    """The words that one training reads: the whole text for so many epochs, or as many as `max_words` allows."""
    return min(tokens * settings.epochs, settings.max_words or tokens * settings.epochs)


def words_per_step(tokens: int, vocabulary: int, shards: int, device: torch.device) -> int:
    """The default of `skipgram.words_per_step`: tokens in a step (on the CPU, of each shard).

    On the CPU, few large steps need fewer merges, and at least 10 steps an epoch keep the shards similar. All steps
    have the same size, as a small last step would cost as much to merge as a large one. On a GPU, large steps use the
    device well, but with a small vocabulary many pairs of a step would update the same rows.
    """
    if device.type == "cpu":
        most = shards * min(max(tokens // (10 * shards), 1000), 50_000)
        return -(-tokens // (shards * max(-(-tokens // most), 1)))
    return 32 * min(max(vocabulary // 64, 16), 4096)


def piece(
    tokens: NDArray[numpy.int32], offsets: NDArray[numpy.int64], start: int, size: int
) -> tuple[NDArray[numpy.int32], NDArray[numpy.int64]]:
    """Read a part of the text: its word ids, [tokens], and the ends of the documents in it, [documents].

    A document that is longer ends with the part; the few pairs across its border are left out.
    """
    ids = numpy.array(tokens[start : start + size], dtype=numpy.int32)
    inside = slice(
        numpy.searchsorted(offsets, start, side="right"), numpy.searchsorted(offsets, start + len(ids), side="left") + 1
    )
    return ids, numpy.minimum(numpy.asarray(offsets[inside], dtype=numpy.int64) - start, len(ids))


def step_seed(seed: int, step: int) -> int:
    """The seed of a step, 63 bits."""
    return int(numpy.random.SeedSequence([seed, step]).generate_state(1, numpy.uint64)[0] >> numpy.uint64(1))


def _save(path: Path, trainer: ShardTrainer | BlockTrainer, steps: int, curve: list[tuple[int, float]]) -> None:
    if rank() > 0:
        return
    tensors = {"centres": trainer.centres.cpu().contiguous(), "contexts": trainer.contexts.cpu().contiguous()}
    tensors |= {"steps": torch.tensor(steps), "curve": torch.tensor(curve, dtype=torch.float64)}
    with replacing(path) as partial:
        save_file(tensors, partial)
