"""What ranks send each other, and how long a step takes for it: a model, with constants that are measured here.

`python -m benchmarks.cluster` prints docs/cluster.md's tables. The constants are CPU time of one core, so that other
work on the machine changes little: a shard's training, the merge of a row, and how many rows a shard changes, for
words by Zipf's law. The rest is arithmetic: bytes over bandwidth, without latency, and nothing beside the network.
"""

import argparse
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy
import torch

from benchmarks.gpu_models import Form, random_model, train_steps
from benchmarks.gpu_words import zipf
from crosswiki.bert.classification import label_loss
from crosswiki.embeddings.skipgram import kernels
from crosswiki.embeddings.skipgram.reference import SkipGramModel
from crosswiki.embeddings.skipgram.shards import ShardTrainer
from crosswiki.embeddings.skipgram.trainer import piece
from crosswiki.pipeline.parameters import load_parameters

NETWORKS = (1, 10, 100)  # Gbit/s
RANKS = 8  # with a shard each


@dataclass(frozen=True)
class ShardStep:
    """A step of one of `RANKS` shards."""

    words: int
    seconds: float  # of training
    rows: int  # that it changes, of both matrices
    row_bytes: int  # of a row and its word's number
    merging: float  # seconds until all shards' rows are merged, on one core

    def sending(self, gigabits: float) -> float:
        """Seconds until every rank has all other shards' rows, which the slowest link limits: each comes in once."""
        return (RANKS - 1) * self.rows * self.row_bytes * 8 / (gigabits * 1e9)

    def step(self, gigabits: float) -> float:
        """Seconds."""
        return self.seconds + self.merging + self.sending(gigabits)

    def speedup(self, gigabits: float) -> float:
        """Beside one core that trains all shards in turn."""
        return RANKS * self.seconds / self.step(gigabits)


def measure(vocabulary: int, dim: int, words: int) -> ShardStep:
    """Train one shard on a piece of text; the others are taken to be like it."""
    settings = load_parameters().skipgram.model_copy(update={"dim": dim, "shards": RANKS, "words_per_step": words})
    tokens, offsets, counts = zipf(2 * words, vocabulary)
    # The text is short and the vocabulary is that of a long one: counts are those that Zipf's law expects of it.
    share = 1 / numpy.arange(1, vocabulary + 1)
    counts = numpy.maximum(5, (share / share.sum() * 500 * vocabulary)).astype(numpy.int64)
    model = SkipGramModel(vocabulary, dim, torch.Generator().manual_seed(1)).requires_grad_(False)
    trainer = ShardTrainer(counts, model.centres, model.contexts, settings)
    times = []
    for turn in range(3):  # the first one compiles, and allocates
        trainer._places.fill(-1)
        started = time.thread_time()
        trainer._train(0, *piece(tokens, offsets, turn * words // 2, words), 0.025, turn)
        times.append(time.thread_time() - started)
    rows = int((trainer._places[:, 0] >= 0).sum())
    trainer._places[:, 1:] = trainer._places[:, :1]
    merging = 0.0
    for matrix, places, borrowed, weights in zip(
        trainer._matrices, trainer._places, trainer._borrowed, trainer._weights(words), strict=True
    ):
        everyones = tuple(borrowed[0] for _ in range(RANKS))
        kernels.merge(matrix, 0, 1, places, everyones, weights)
        started = time.thread_time()
        kernels.merge(matrix, 0, vocabulary, places, everyones, weights)
        merging += time.thread_time() - started
    return ShardStep(words, min(times), rows, 4 * trainer._matrices[0].shape[1] + 4, merging)


def skipgram_lines(words: list[int]) -> Iterator[str]:
    """A row for each vocabulary, dim and number of words that a shard reads before the merge."""
    yield "| vocabulary | dim | words a step | training | from a rank | merging | step at 1, 10, 100 Gbit/s | speedup |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for vocabulary in (40_000, 400_000):
        for dim in (100, 300):
            for count in words:
                shard = measure(vocabulary, dim, count)
                steps = ", ".join(f"{shard.step(speed):.1f}" for speed in NETWORKS)
                speedups = ", ".join(f"{shard.speedup(speed):.1f}" for speed in NETWORKS)
                sent = shard.rows * shard.row_bytes / 1e6
                yield (
                    f"| {vocabulary:,} | {dim} | {count:,} | {shard.seconds:.2f} s | {sent:.0f} MB | "
                    f"{shard.merging:.2f} s | {steps} s | {speedups} |"
                )


def model_lines(batch: int) -> Iterator[str]:
    """A training step of the default source model: gradients are added up in a ring, 2 (R − 1) / R times their size."""
    form = Form()
    model = random_model(form, form.layers)
    size = sum(parameter.numel() for parameter in model.parameters()) * 4

    def loss(model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        inputs.pop("teacher_logits")
        return label_loss(model, inputs)

    torch.set_num_threads(1)
    starts = train_steps(model, form, loss, batch, 10, torch.device("cpu"), time.process_time)
    seconds = median(numpy.diff(starts)[3:])
    yield f"gradients: {size / 1e6:.0f} MB; {batch} texts of {form.length} tokens: {seconds:.2f} s on one core"
    for ranks in (2, RANKS):
        sent = 2 * (ranks - 1) / ranks * size
        times = ", ".join(f"{sent * 8 / speed / 1e9:.2f}" for speed in NETWORKS)
        yield f"{ranks} ranks: {sent / 1e6:.0f} MB from a rank; {times} s at 1, 10, 100 Gbit/s"


def processor() -> str:
    """What the machine calls its processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser("python -m benchmarks.cluster", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--words", type=int, nargs="+", default=[50_000, 400_000], help="a shard's in a step")
    arguments = parser.parse_args()
    print(processor())
    for line in (*skipgram_lines(arguments.words), *model_lines(32)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
