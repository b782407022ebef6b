"""Several trainings of skip-gram with different seeds, whose vectors are concatenated."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from crosswiki.embeddings.skipgram.trainer import Trained, train_skipgram, words_to_read
from crosswiki.pipeline.parameters_of_words import SkipGram
from crosswiki.pipeline.ranks import hidden

LONG = 60  # seconds that are worth a line
Curve = list[tuple[int, float]]  # points (tokens read, mean loss in nats)


@dataclass(frozen=True)
class Ensemble:
    """What the trainings have learnt, float32 on the CPU."""

    vectors: Tensor  # a word vector for each word, [vocabulary, ensemble · dim]
    curve: Curve  # the mean of the trainings' loss curves

    @property
    def final_loss(self) -> float:
        """The mean loss over the last tenth of the curve's points."""
        tail = [loss for _, loss in self.curve[-max(1, len(self.curve) // 10) :]]
        return float(numpy.mean(tail))


def train_ensemble(
    tokens: NDArray[numpy.int32],
    offsets: NDArray[numpy.int64],
    counts: NDArray[numpy.int64],
    settings: SkipGram,
    *,
    seed: int,
    device: torch.device,
    report: Callable[[dict[str, float], int], None],
    checkpoints: Path,
    announce: Callable[[str], None] = lambda line: None,
    centres: Tensor | None = None,
) -> Ensemble:
    """Train `settings.ensemble` models one after the other, with a progress bar; see `train_skipgram`.

    Args:
        tokens: word ids of all documents, [tokens].
        offsets: where each document starts, and the end of the last one, [documents + 1].
        counts: how often each word occurs, [vocabulary].
        settings: the section `skipgram` of params.yaml.
        seed: of the whole ensemble; training number i has the seed `seed` · `ensemble` + i.
        device: where the work is done.
        report: called with {"loss", "words_per_second"}, the first time without the latter, and the number of tokens
            read so far.
        checkpoints: a folder with one checkpoint for each training.
        announce: called once, if the trainings take more than a minute, with how long they will take.
        centres: see `train_skipgram`.
    """
    tokens_each = words_to_read(len(tokens), settings)
    trainings: list[Trained] = []
    total, points = tokens_each * settings.ensemble, list[tuple[int, float]]()
    with tqdm(total=total, desc="skip-gram", unit=" words", unit_scale=True, disable=hidden(), leave=False) as bar:

        def report_point(read: int, loss: float) -> None:
            read += tokens_each * len(trainings)
            bar.set_postfix(loss=f"{loss:.3f}")
            bar.update(read - bar.n)
            points.append((read, time.perf_counter()))
            (before, then), (_, now) = points[0], points[-1]
            if len(points) == 1:  # its time is that of compiling too, or all of it was read by a killed run
                report({"loss": loss}, read)
                return
            rate = (read - before) / (now - then)
            report({"loss": loss, "words_per_second": rate}, read)
            if len(points) == 2 and rate * LONG < total:
                announce(f"about {total / rate / 60:.0f} min for {total:,} words, at {rate / 1e6:.2g} M words/s")

        for number in range(settings.ensemble):
            trained = train_skipgram(
                tokens,
                offsets,
                counts,
                settings,
                seed=seed * settings.ensemble + number,
                device=device,
                report=report_point,
                checkpoint=checkpoints / f"{number}.safetensors",
                centres=centres,
            )
            trainings.append(trained)
    return Ensemble(
        vectors=torch.cat([trained.vectors(settings.vectors) for trained in trainings], dim=1),
        curve=mean_curve([trained.curve for trained in trainings]),
    )


def mean_curve(curves: list[Curve]) -> Curve:
    """Average loss curves point by point; a curve may lack a point, where its training drew no pair."""
    points: dict[int, list[float]] = {}
    for curve in curves:
        for read, loss in curve:
            points.setdefault(read, []).append(loss)
    return [(read, sum(losses) / len(losses)) for read, losses in sorted(points.items())]


def training_digest(
    inputs: list[Path], settings: SkipGram, seed: int, device: str, centres: Tensor | None = None
) -> str:
    """A digest of all that the vectors depend on, so that a checkpoint is only used by the training that wrote it.

    Args:
        inputs: the files that are trained on.
        settings: the section `skipgram` of params.yaml.
        seed: of the ensemble.
        device: the kind of device.
        centres: that the training starts from.

    Returns:
        A digest of these and of the code in crosswiki/embeddings, 24 hexadecimal digits.
    """
    room = Path(__file__).parents[1]
    code = sorted(room.rglob("*.py"), key=lambda path: path.relative_to(room).as_posix())
    whole = hashlib.blake2b(f"{seed} {device} {settings.model_dump_json()}".encode(), digest_size=12)
    if centres is not None:
        whole.update(centres.contiguous().numpy().tobytes())
    for path in [*inputs, *code]:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "blake2b").digest())
    return whole.hexdigest()
