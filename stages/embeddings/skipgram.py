"""Skip-gram with negative sampling, fast: blocks of text instead of single pairs.

The token stream is cut into blocks of `block` positions. A block's contexts are its own positions and `window` more
on each side; all its scores are one matrix product, of which a mask keeps the true pairs (near enough under
word2vec's random window, in the same document). The block's centres share as many noise words as it has positions,
each counted `negatives / block` times for every pair of a centre: the expectation of equation 4 (Mikolov et al. 2013)
stays the same, its products become dense.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

from stages.embeddings.reference import generate_negative_samples, keep_probability, noise_distribution
from stages.errors import UserError

CHUNK = 4_000_000  # tokens that are in memory at a time
REPORT_EVERY = 100  # steps between two points of the loss curve


@dataclass(frozen=True)
class Blocks:
    """Some blocks, ready to be scored. P positions a block, P + 2·window contexts."""

    centres: Tensor  # word ids, [blocks, P]
    contexts: Tensor  # word ids, [blocks, P + 2·window]; 0 where there is none
    mask: Tensor  # 1 where centre and context are a pair, else 0, [blocks, P, P + 2·window]
    noise: Tensor  # word ids, [blocks, P]


def train_skipgram(
    tokens: NDArray[numpy.int32],
    offsets: NDArray[numpy.int64],
    counts: NDArray[numpy.int64],
    *,
    dim: int,
    window: int,
    negatives: int,
    noise_exponent: float,
    subsample: float,
    epochs: int,
    learning_rate: float,
    block: int,
    blocks_per_step: int,
    most_pairs: float,
    seed: int,
    device: torch.device,
    report: Callable[[int, float], None] = lambda tokens, loss: None,
) -> tuple[Tensor, Tensor]:
    """Train skip-gram vectors; the learning rate falls linearly to a ten-thousandth.

    Args:
        tokens: word ids of all documents, one after another; may be memory-mapped.
        offsets: where each document starts, and the end of the last one, shape [documents + 1].
        counts: how often each word occurs, shape [vocabulary].
        dim: length of a vector.
        window: contexts are at most so many kept words away; the reach is drawn anew for each centre.
        negatives: noise words for each pair, in expectation.
        noise_exponent: see `noise_distribution`.
        subsample: see `keep_probability`.
        epochs: passes over the tokens.
        learning_rate: at the start.
        block: positions in a block.
        blocks_per_step: blocks whose gradients are taken at the same parameters; too many of them on a small
            vocabulary let frequent words collect too many stale gradients.
        most_pairs: see `descend`.
        seed: of every draw.
        device: where the matrices are.
        report: called with (tokens read, mean loss of a pair) every `REPORT_EVERY` steps.

    Returns:
        The centres' and the contexts' matrices, float32 on the CPU, shape [vocabulary, dim].

    Raises:
        UserError: the loss is no longer a number.
    """
    # Draws come from a CPU generator, so that every device sees the same pairs.
    generator = torch.Generator().manual_seed(seed)
    frequency = torch.from_numpy(counts)
    noise = noise_distribution(frequency, noise_exponent)
    keep = keep_probability(frequency, subsample)
    centres = ((torch.rand(len(counts), dim, generator=generator) - 0.5) / dim).to(device)
    contexts = torch.zeros(len(counts), dim, device=device)
    total, read, steps, last = max(len(tokens) * epochs, 1), 0, 0, None
    for _ in range(epochs):
        for ids, documents in _chunks(tokens, offsets):
            chosen = torch.rand(len(ids), generator=generator, dtype=torch.float64) < keep[ids]
            stream = _cut(ids[chosen], documents[chosen], block, blocks_per_step, window, noise, generator, device)
            for share, blocks in stream:
                done = read + share * len(ids)
                if steps % REPORT_EVERY == 0:  # before the step, which has seen these very pairs
                    report(int(done), _finite(pair_loss(centres, contexts, blocks, negatives)))
                steps, last = steps + 1, blocks
                descend(centres, contexts, blocks, negatives, learning_rate * max(1 - done / total, 1e-4), most_pairs)
            read += len(ids)
    if last:
        _finite(pair_loss(centres, contexts, last, negatives))
    _finite(float(centres.sum() + contexts.sum()))
    return centres.cpu(), contexts.cpu()


def descend(centres: Tensor, contexts: Tensor, blocks: Blocks, negatives: int, rate: float, most_pairs: float) -> None:
    """Take one step of gradient descent in place.

    A row that occurs often in a step collects the gradients of many pairs at once, all taken at the same place:
    their sum overshoots, and on a small vocabulary diverges. So a row's step is that of at most `most_pairs` pairs;
    where it has more, their mean direction counts.

    Args:
        centres: matrix of centre vectors, [vocabulary, dim].
        contexts: matrix of context vectors, [vocabulary, dim].
        blocks: which pairs and which noise words.
        negatives: noise words for each pair, in expectation.
        rate: the learning rate.
        most_pairs: pairs whose gradients a row takes in full; infinity for all.
    """
    step = gradients(centres, contexts, blocks, negatives)
    pairs = blocks.mask.sum(2)
    weight = pairs.sum(1, keepdim=True).expand(-1, blocks.noise.shape[1]) * (negatives / blocks.noise.shape[1])
    occurring = torch.cat([blocks.contexts, blocks.noise], 1)
    updates = (
        (centres, blocks.centres, step.centres, pairs * (1 + negatives)),
        (contexts, occurring, torch.cat([step.contexts, step.noise], 1), torch.cat([blocks.mask.sum(1), weight], 1)),
    )
    for matrix, rows, gradient, collected in updates:
        ids, total = rows.flatten(), torch.zeros(len(matrix), device=matrix.device)
        total.index_add_(0, ids, collected.flatten())
        share = (most_pairs / total[ids]).clamp_(max=1)  # where nothing was collected, the gradient is 0
        matrix.index_add_(0, ids, gradient.flatten(0, 1).mul_(share[:, None]), alpha=-rate)


@dataclass(frozen=True)
class Gradients:
    """Gradients of the summed loss, one row for each id in `Blocks`."""

    centres: Tensor  # [blocks, P, dim]
    contexts: Tensor  # [blocks, P + 2·window, dim]
    noise: Tensor  # [blocks, P, dim]


def gradients(centres: Tensor, contexts: Tensor, blocks: Blocks, negatives: int) -> Gradients:
    """Differentiate the loss of some blocks by hand: ∂/∂score is σ − 1 for a true pair and weight · σ for noise.

    Args:
        centres: matrix of centre vectors, [vocabulary, dim].
        contexts: matrix of context vectors, [vocabulary, dim].
        blocks: which pairs and which noise words.
        negatives: noise words for each pair, in expectation.
    """
    centre, context, noise = centres[blocks.centres], contexts[blocks.contexts], contexts[blocks.noise]
    pull = torch.bmm(centre, context.mT).sigmoid_().sub_(1).mul_(blocks.mask)
    push = torch.bmm(centre, noise.mT).sigmoid_().mul_(_noise_weight(blocks, negatives))
    return Gradients(
        centres=torch.bmm(pull, context).baddbmm_(push, noise),
        contexts=torch.bmm(pull.mT, centre),
        noise=torch.bmm(push.mT, centre),
    )


def pair_loss(centres: Tensor, contexts: Tensor, blocks: Blocks, negatives: int) -> float:
    """The mean loss of a true pair with its share of noise, in nats."""
    centre = centres[blocks.centres]
    positive = torch.nn.functional.logsigmoid(torch.bmm(centre, contexts[blocks.contexts].mT)) * blocks.mask
    negative = torch.nn.functional.logsigmoid(-torch.bmm(centre, contexts[blocks.noise].mT))
    total = positive.sum() + (negative * _noise_weight(blocks, negatives)).sum()
    return float(-total / blocks.mask.sum().clamp(min=1))


def _noise_weight(blocks: Blocks, negatives: int) -> Tensor:
    """What each shared noise word counts for each centre, [blocks, P, 1]."""
    return blocks.mask.sum(-1, keepdim=True) * (negatives / blocks.noise.shape[1])


def _chunks(tokens: NDArray[numpy.int32], offsets: NDArray[numpy.int64]) -> Iterator[tuple[Tensor, Tensor]]:
    """Token ids and the number of the document that each is in, `CHUNK` tokens at a time."""
    for start in range(0, len(tokens), CHUNK):
        ids = numpy.asarray(tokens[start : start + CHUNK], dtype=numpy.int64)
        documents = numpy.searchsorted(offsets, numpy.arange(start, start + len(ids)), side="right")
        yield torch.from_numpy(ids), torch.from_numpy(documents)


def _cut(
    ids: Tensor,
    documents: Tensor,
    block: int,
    blocks_per_step: int,
    window: int,
    noise: Tensor,
    generator: torch.Generator,
    device: torch.device,
) -> Iterator[tuple[float, Blocks]]:
    """Cut a stream of kept tokens into blocks; with each step, the share of the stream that lies before it."""
    if len(ids) == 0:
        return
    blocks = -(-len(ids) // block)
    margin = (window, blocks * block - len(ids) + window)
    around = torch.nn.functional.pad(ids, margin).unfold(0, block + 2 * window, block)
    inside = torch.nn.functional.pad(documents, margin, value=-1).unfold(0, block + 2 * window, block)
    distance = (torch.arange(block + 2 * window) - window - torch.arange(block)[:, None]).abs()
    own = slice(window, window + block)
    for start in range(0, blocks, blocks_per_step):
        some = slice(start, start + blocks_per_step)
        centre_documents = inside[some, own, None]
        reach = torch.randint(1, window + 1, centre_documents.shape, generator=generator)
        mask = (distance <= reach) & (distance > 0)
        mask &= (inside[some, None, :] == centre_documents) & (centre_documents >= 0)
        drawn = generate_negative_samples(noise, (len(mask), block), generator)
        yield (
            start / blocks,
            Blocks(around[some, own].to(device), around[some].to(device), mask.float().to(device), drawn.to(device)),
        )


def _finite(loss: float) -> float:
    if not numpy.isfinite(loss):
        raise UserError(
            "params.yaml: skipgram: the loss is no longer a number: lower skipgram.learning_rate or "
            "skipgram.blocks_per_step"
        )
    return loss
