"""Skip-gram on a GPU: blocks of text instead of single pairs, so that the work is in dense matrix products.

The kept words are cut into blocks of `SIZE` positions. A block's contexts are its positions and `window` more on each
side. One matrix product gives the scores of all combinations, and a mask selects the true pairs (within the centre's
window, in the same document). A block has as many noise words as positions, which all its centres share; each counts
`negatives / SIZE` times for every pair of a centre, so the expectation of equation 4 (Mikolov et al. 2013) is kept.
"""

from dataclasses import dataclass

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

from crosswiki.embeddings.skipgram.reference import generate_negative_samples, keep_probability, noise_distribution
from crosswiki.pipeline.parameters_of_words import SkipGram

SIZE = 32  # positions in a block
LOSS_EVERY = 16  # the loss is measured on every 16th block, as it needs scores of its own
MAX_STEP = 1.25  # learning rate times pairs, up to which a row takes the sum of its gradients; see `descend`


@dataclass(frozen=True)
class Blocks:
    """Blocks of P positions, with P + 2·window contexts each."""

    centres: Tensor  # word ids, [blocks, P]
    contexts: Tensor  # word ids, 0 beyond the text, [blocks, P + 2·window]
    mask: Tensor  # 1 where centre and context are a true pair, else 0, [blocks, P, P + 2·window]
    noise: Tensor  # word ids, [blocks, P]


class BlockTrainer:
    """Trains both matrices on a device, step by step."""

    def __init__(self, counts: NDArray[numpy.int64], centres: Tensor, contexts: Tensor, settings: SkipGram) -> None:
        """Take the matrices, which are trained in place.

        Args:
            counts: how often each word occurs, [vocabulary].
            centres: on the device that does the work, [vocabulary, dim].
            contexts: on the same device, [vocabulary, dim].
            settings: window, subsampling and noise.
        """
        self.settings = settings
        self.centres, self.contexts = centres, contexts
        # The distributions need float64, which MPS lacks: there the CPU draws.
        self._drawing_device = centres.device if centres.device.type == "cuda" else torch.device("cpu")
        frequency = torch.from_numpy(counts).to(self._drawing_device)
        self._noise = noise_distribution(frequency, settings.noise_exponent)
        self._keep = keep_probability(frequency, settings.subsample)

    def step(
        self, pieces: list[tuple[NDArray[numpy.int32], NDArray[numpy.int64]]], rate: float, seed: int
    ) -> tuple[float, int]:
        """Take one step on pieces of text; arguments and result are those of `shards.ShardTrainer.step`."""
        device, settings = self._drawing_device, self.settings
        generator = torch.Generator(device).manual_seed(seed)
        loss, pairs = 0.0, 0
        for tokens, ends in pieces:
            ids = torch.from_numpy(tokens).to(device, torch.int64)
            places = torch.arange(len(ids), device=device)
            documents = torch.searchsorted(torch.from_numpy(ends).to(device), places, right=True)
            chosen = torch.rand(len(ids), generator=generator, dtype=torch.float64, device=device) < self._keep[ids]
            if not chosen.any():
                continue
            blocks = cut(
                ids[chosen], documents[chosen], settings.window, settings.dynamic_window, self._noise, generator
            )
            blocks = Blocks(*(part.to(self.centres.device) for part in vars(blocks).values()))
            measured = Blocks(*(part[::LOSS_EVERY] for part in vars(blocks).values()))
            loss += pair_loss(
                self.centres, self.contexts, measured, settings.negatives
            )  # before the step sees these pairs
            pairs += int(measured.mask.sum())
            descend(self.centres, self.contexts, blocks, settings.negatives, rate)
        return loss, pairs


def cut(
    ids: Tensor,
    documents: Tensor,
    window: int,
    dynamic: bool,
    noise: Tensor,
    generator: torch.Generator,
    size: int = SIZE,
) -> Blocks:
    """Cut kept words into blocks, and draw each centre's window and each block's noise words.

    Args:
        ids: word ids, [words], at least one.
        documents: number of each word's document, [words].
        window: largest distance of a context.
        dynamic: whether each centre's window is drawn from 1 to `window`, or is always `window`.
        noise: probability of each word as noise, [vocabulary].
        generator: of the draws, on the ids' device.
        size: positions in a block.
    """
    blocks = -(-len(ids) // size)
    margin = (window, blocks * size - len(ids) + window)
    around = torch.nn.functional.pad(ids, margin).unfold(0, size + 2 * window, size)
    inside = torch.nn.functional.pad(documents, margin, value=-1).unfold(0, size + 2 * window, size)
    centre = slice(window, window + size)
    offset = torch.arange(size + 2 * window, device=ids.device) - window
    distance = (offset - torch.arange(size, device=ids.device)[:, None]).abs()
    centre_documents = inside[:, centre, None]
    shape, device = centre_documents.shape, ids.device
    reach = torch.randint(1, window + 1, shape, generator=generator, device=device) if dynamic else window
    mask = (distance <= reach) & (distance > 0)
    mask = mask & (inside[:, None, :] == centre_documents) & (centre_documents >= 0)
    drawn = generate_negative_samples(noise, (blocks, size), generator)
    return Blocks(around[:, centre], around, mask.float(), drawn)


def descend(
    centres: Tensor, contexts: Tensor, blocks: Blocks, negatives: int, rate: float, max_step: float = MAX_STEP
) -> None:
    """Take one step of gradient descent in place.

    A row that occurs often in a step gets the gradients of many pairs, all computed at the same point. Their sum
    overshoots, and diverges on a small vocabulary. So a row with n pairs takes the sum of its gradients times
    min(1, max_step / (rate · n)).

    Args:
        centres: matrix of centre vectors, [vocabulary, dim].
        contexts: matrix of context vectors, [vocabulary, dim].
        blocks: which pairs and which noise words.
        negatives: noise words for each pair, in expectation.
        rate: the learning rate.
        max_step: see above; infinity for the plain sum.
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
        share = (max_step / rate / total[ids]).clamp_(max=1)  # where nothing was collected, the gradient is 0
        matrix.index_add_(0, ids, gradient.flatten(0, 1).mul_(share[:, None]), alpha=-rate)


@dataclass(frozen=True)
class Gradients:
    """Gradients of the summed loss, a row for each id in `Blocks`."""

    centres: Tensor  # [blocks, P, dim]
    contexts: Tensor  # [blocks, P + 2·window, dim]
    noise: Tensor  # [blocks, P, dim]


def gradients(centres: Tensor, contexts: Tensor, blocks: Blocks, negatives: int) -> Gradients:
    """Gradients of the loss of some blocks: ∂/∂score is σ − 1 for a true pair and weight · σ for a noise word.

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
    """The summed loss of all true pairs and their noise words, in nats."""
    centre = centres[blocks.centres]
    positive = torch.nn.functional.logsigmoid(torch.bmm(centre, contexts[blocks.contexts].mT)) * blocks.mask
    negative = torch.nn.functional.logsigmoid(-torch.bmm(centre, contexts[blocks.noise].mT))
    total = positive.sum() + (negative * _noise_weight(blocks, negatives)).sum()
    return float(-total)


def _noise_weight(blocks: Blocks, negatives: int) -> Tensor:
    """The weight of each shared noise word for each centre, [blocks, P, 1]."""
    return blocks.mask.sum(-1, keepdim=True) * (negatives / blocks.noise.shape[1])
