"""Skip-gram with negative sampling as in the paper: plain and slow, the reference for tests of the fast trainers.

Mikolov, Sutskever, Chen, Corrado and Dean, "Distributed Representations of Words and Phrases and their
Compositionality", NeurIPS 2013.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid


class SkipGramModel(nn.Module):
    """Two embedding matrices: v of centre words and v' of context words."""

    def __init__(self, vocabulary: int, dim: int, generator: torch.Generator) -> None:
        """Draw centres uniformly from ±0.5/dim and set contexts to zero, as word2vec does.

        Args:
            vocabulary: number of words.
            dim: length of a vector.
            generator: of the draws.
        """
        super().__init__()
        self.centres = nn.Parameter((torch.rand(vocabulary, dim, generator=generator) - 0.5) / dim)
        self.contexts = nn.Parameter(torch.zeros(vocabulary, dim))

    def forward(self, centre: Tensor, context: Tensor) -> Tensor:
        """Score pairs: v'_context · v_centre.

        Args:
            centre: word ids, shape [pairs].
            context: word ids, shape [pairs] or [pairs, k].

        Returns:
            Scores of the shape of `context`.
        """
        centres = self.centres[centre]
        contexts = self.contexts[context]
        return (contexts * (centres if context.dim() == 1 else centres.unsqueeze(1))).sum(-1)


class NegativeSamplingLoss(nn.Module):
    """The negative of equation 4: −log σ(v'_c·v_w) − Σ_k weight_k log σ(−v'_nk·v_w), summed over pairs."""

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        """Sum the loss over pairs.

        Args:
            positive: scores of true pairs, shape [pairs].
            negative: scores of each pair's noise words, shape [pairs, k].
            weight: of each noise word, shape [pairs, k]; None: 1. If k noise words stand for K draws, the weight K/k
                keeps the expectation of equation 4.
        """
        noise = logsigmoid(-negative)
        return -logsigmoid(positive).sum() - (noise if weight is None else noise * weight).sum()


def noise_distribution(counts: Tensor, exponent: float) -> Tensor:
    """P(n) ∝ count^exponent; the paper's exponent is 3/4.

    Args:
        counts: how often each word occurs, shape [vocabulary].
        exponent: 1 gives the words' frequencies, 0 the uniform distribution.
    """
    weights = counts.double() ** exponent
    return weights / weights.sum()


def generate_negative_samples(distribution: Tensor, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw noise words, with replacement.

    Args:
        distribution: probability of each word, shape [vocabulary].
        shape: shape of the result.
        generator: of the draws.

    Returns:
        Word ids, int64, of that shape.
    """
    cumulative = distribution.cumsum(0)
    draws = torch.rand(shape, generator=generator, dtype=torch.float64, device=distribution.device)
    return torch.searchsorted(cumulative, draws * cumulative[-1]).clamp_(max=len(distribution) - 1)


def keep_probability(counts: Tensor, subsample: float) -> Tensor:
    """The probability that an occurrence of a word is kept: min(1, √(t/f)) (section 2.3); 1 if t is 0."""
    if subsample == 0:
        return torch.ones(len(counts), dtype=torch.float64, device=counts.device)
    frequency = counts.double() / counts.sum()
    return (subsample / frequency).sqrt().clamp_(max=1.0)
