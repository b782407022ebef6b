"""Skip-gram on a GPU: blocks of text instead of single pairs, so that all the work is in dense products.

The kept words are cut into blocks of `SIZE` positions. A block's contexts are its own positions and `window` more on
each side; all its scores are one matrix product, of which a mask keeps the true pairs (near enough under word2vec's
random window, in the same document). The block's centres share as many noise words as it has positions, each counted
`negatives / SIZE` times for every pair of a centre: the expectation of equation 4 (Mikolov et al. 2013) stays the
same, its products become dense.
"""

from dataclasses import dataclass

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

from crosswiki.embeddings.skipgram.reference import generate_negative_samples, keep_probability, noise_distribution
from crosswiki.pipeline.parameters import SkipGram

SIZE = 32  # positions in a block
LOSS_EVERY = 16  # blocks between two whose loss is taken, as it takes scores of its own
MOST = 1.25  # a row takes the gradients of so many pairs a step in full, times the learning rate; see `descend`


@dataclass(frozen=True)
class Blocks:
    """Some blocks, ready to be scored. P positions a block, P + 2·window contexts."""

    centres: Tensor  # word ids, [blocks, P]
    contexts: Tensor  # word ids, [blocks, P + 2·window]; 0 where there is none
    mask: Tensor  # 1 where centre and context are a pair, else 0, [blocks, P, P + 2·window]
    noise: Tensor  # word ids, [blocks, P]


class BlockTrainer:
    """Both matrices on a device, and how a step is taken on them."""

    def __init__(self, counts: NDArray[numpy.int64], centres: Tensor, contexts: Tensor, settings: SkipGram) -> None:
        """Take the matrices, which are trained in place.

        Args:
            counts: how often each word occurs, [vocabulary].
            centres: on the device where the work is to be done, [vocabulary, dim].
            contexts: on the same device, [vocabulary, dim].
            settings: window, subsampling and noise.
        """
        self.settings = settings
        self.centres, self.contexts = centres, contexts
        # MPS has no float64, which the distributions need: there the CPU draws.
        self._drawing_device = centres.device if centres.device.type == "cuda" else torch.device("cpu")
        frequency = torch.from_numpy(counts).to(self._drawing_device)
        self._noise = noise_distribution(frequency, settings.noise_exponent)
        self._keep = keep_probability(frequency, settings.subsample)

    def step(
        self, pieces: list[tuple[NDArray[numpy.int32], NDArray[numpy.int64]]], rate: float, seed: int
    ) -> tuple[float, int]:
        """Take one step on pieces of text; arguments and result are those of `shards.ShardTrainer.step`."""
        device, own = self._drawing_device, self.settings
        generator = torch.Generator(device).manual_seed(seed)
        loss, pairs = 0.0, 0
        for tokens, ends in pieces:
            ids = torch.from_numpy(tokens).to(device, torch.int64)
            places = torch.arange(len(ids), device=device)
            documents = torch.searchsorted(torch.from_numpy(ends).to(device), places, right=True)
            chosen = torch.rand(len(ids), generator=generator, dtype=torch.float64, device=device) < self._keep[ids]
            if not chosen.any():
                continue
            blocks = cut(ids[chosen], documents[chosen], own.window, own.dynamic_window, self._noise, generator)
            blocks = Blocks(*(part.to(self.centres.device) for part in vars(blocks).values()))
            some = Blocks(*(part[::LOSS_EVERY] for part in vars(blocks).values()))
            loss += pair_loss(self.centres, self.contexts, some, own.negatives)  # before the step sees these pairs
            pairs += int(some.mask.sum())
            descend(self.centres, self.contexts, blocks, own.negatives, rate)
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
    """Cut kept words into blocks, and draw each centre's reach and each block's noise words.

    Args:
        ids: word ids, [words], at least one.
        documents: the number of the document that each is in, [words].
        window: contexts are at most so many words away.
        dynamic: whether each centre's reach is drawn from 1 to the window, or is the window.
        noise: probability of each word as noise, [vocabulary].
        generator: where the draws come from, on the ids' device.
        size: positions in a block.
    """
    blocks = -(-len(ids) // size)
    margin = (window, blocks * size - len(ids) + window)
    around = torch.nn.functional.pad(ids, margin).unfold(0, size + 2 * window, size)
    inside = torch.nn.functional.pad(documents, margin, value=-1).unfold(0, size + 2 * window, size)
    own = slice(window, window + size)
    offset = torch.arange(size + 2 * window, device=ids.device) - window
    distance = (offset - torch.arange(size, device=ids.device)[:, None]).abs()
    centre_documents = inside[:, own, None]
    shape, device = centre_documents.shape, ids.device
    reach = torch.randint(1, window + 1, shape, generator=generator, device=device) if dynamic else window
    mask = (distance <= reach) & (distance > 0)
    mask = mask & (inside[:, None, :] == centre_documents) & (centre_documents >= 0)
    drawn = generate_negative_samples(noise, (blocks, size), generator)
    return Blocks(around[:, own], around, mask.float(), drawn)


def descend(centres: Tensor, contexts: Tensor, blocks: Blocks, negatives: int, rate: float, most: float = MOST) -> None:
    """Take one step of gradient descent in place.

    A row that occurs often in a step collects the gradients of many pairs at once, all taken at the same place:
    their sum overshoots, and on a small vocabulary diverges. So a row's step is that of at most `most / rate` pairs;
    where it has more, their mean direction counts.

    Args:
        centres: matrix of centre vectors, [vocabulary, dim].
        contexts: matrix of context vectors, [vocabulary, dim].
        blocks: which pairs and which noise words.
        negatives: noise words for each pair, in expectation.
        rate: the learning rate.
        most: pairs, times the rate, whose gradients a row takes in full; infinity for all.
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
        share = (most / rate / total[ids]).clamp_(max=1)  # where nothing was collected, the gradient is 0
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
    """The loss of all true pairs with their share of noise, in nats."""
    centre = centres[blocks.centres]
    positive = torch.nn.functional.logsigmoid(torch.bmm(centre, contexts[blocks.contexts].mT)) * blocks.mask
    negative = torch.nn.functional.logsigmoid(-torch.bmm(centre, contexts[blocks.noise].mT))
    total = positive.sum() + (negative * _noise_weight(blocks, negatives)).sum()
    return float(-total)


def _noise_weight(blocks: Blocks, negatives: int) -> Tensor:
    """What each shared noise word counts for each centre, [blocks, P, 1]."""
    return blocks.mask.sum(-1, keepdim=True) * (negatives / blocks.noise.shape[1])
