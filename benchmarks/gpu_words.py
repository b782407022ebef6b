"""How fast skip-gram is on a device, for `benchmarks.gpu`: words by Zipf's law, and what a device can copy."""

import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import numpy
import torch
from numpy.typing import NDArray

from crosswiki.embeddings.skipgram.blocks import SIZE, BlockTrainer
from crosswiki.embeddings.skipgram.reference import SkipGramModel, keep_probability
from crosswiki.embeddings.skipgram.trainer import piece, step_seed, words_per_step
from crosswiki.pipeline.parameters_of_words import SkipGram

Texts = tuple[NDArray[numpy.int32], NDArray[numpy.int64], NDArray[numpy.int64]]  # tokens, offsets, counts


def zipf(tokens: int, words: int) -> Texts:
    """Words whose frequencies follow Zipf's law, in documents of 100."""
    share = 1 / numpy.arange(1, words + 1)
    edges, generator = numpy.cumsum(share / share.sum()), numpy.random.default_rng(1)
    parts = [generator.random(min(10**7, tokens - start)) for start in range(0, tokens, 10**7)]
    ids = numpy.concatenate([numpy.searchsorted(edges[:-1], part).astype(numpy.int32) for part in parts])
    offsets = numpy.append(numpy.arange(0, tokens, 100), tokens)
    return ids, offsets, numpy.maximum(numpy.bincount(ids, minlength=words), 1)


def bytes_per_word(counts: NDArray[numpy.int64], settings: SkipGram) -> float:
    """Bytes that must be moved for each word of the text: the rows of kept words, each read once and written once."""
    kept = keep_probability(torch.from_numpy(counts), settings.subsample).numpy()
    rows = 2 + (SIZE + 2 * settings.window) / SIZE  # its centre and noise word, and its share of its block's contexts
    return float((kept * counts).sum() / counts.sum()) * rows * settings.dim * 4 * 2


def settle(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def copy_bandwidth(device: torch.device, numbers: int = 2**26) -> float:
    """Bytes a second that a large copy on the device reads and writes."""
    one = torch.empty(numbers, device=device)
    other, times = torch.empty_like(one), []
    for _ in range(10):
        settle(device)
        started = time.perf_counter()
        other.copy_(one)
        settle(device)
        times.append(time.perf_counter() - started)
    return 2 * one.nbytes / min(times)


def skipgram_steps(texts: Texts, settings: SkipGram, device: torch.device, seconds: float) -> Iterator[tuple[int, Any]]:
    """Take steps until the time is over; after each, the words read and the trainer."""
    tokens, offsets, counts = texts
    model = SkipGramModel(len(counts), settings.dim, torch.Generator().manual_seed(1)).requires_grad_(False)
    trainer = BlockTrainer(counts, model.centres.to(device), model.contexts.to(device), settings)
    size = words_per_step(len(tokens), len(counts), 1, torch.device("cuda"))
    started, step = time.perf_counter(), 0
    while time.perf_counter() - started < seconds or step < 3:
        first = step * size % max(len(tokens) - size, 1)
        trainer.step([piece(tokens, offsets, first, size)], settings.learning_rate, step_seed(1, step))
        settle(device)
        step += 1
        yield step * size, trainer


def words_a_second(texts: Texts, settings: SkipGram, device: torch.device, seconds: float) -> float:
    """Of skip-gram, without the first two steps."""
    points = [(read, time.perf_counter()) for read, _ in skipgram_steps(texts, settings, device, seconds)][1:]
    return (points[-1][0] - points[0][0]) / max(points[-1][1] - points[0][1], 1e-9)


def skipgram_bytes(texts: Texts, settings: SkipGram, device: torch.device) -> str:
    """A digest of the vectors after three steps."""
    *_, (_, trainer) = skipgram_steps(texts, settings, device, 0)
    return sha256(trainer.centres.cpu().numpy().tobytes()).hexdigest()
