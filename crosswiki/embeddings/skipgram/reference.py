"""Skip-gram with negative sampling as it stands in the paper: plain, slow, and what the fast trainer is tested against.

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
            generator: where the draws come from.
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
    """Equation 4, with its sign turned: −log σ(v'_c·v_w) − Σ_k weight_k log σ(−v'_nk·v_w), summed over pairs."""

    def forward(self, positive: Tensor, negative: Tensor, weight: Tensor | None = None) -> Tensor:
        """Sum the loss over pairs.

        Args:
            positive: scores of true pairs, shape [pairs].
            negative: scores of each pair's noise words, shape [pairs, k].
            weight: what each noise word counts, shape [pairs, k]; 1 where it is not given. Where k noise words stand
                for K draws, each counts K/k, and the expectation is equation 4's.
        """
        noise = logsigmoid(-negative)
        return -logsigmoid(positive).sum() - (noise if weight is None else noise * weight).sum()


def noise_distribution(counts: Tensor, exponent: float) -> Tensor:
    """P(n) ∝ count^exponent; the paper's exponent is 3/4.

    Args:
        counts: how often each word occurs, shape [vocabulary].
        exponent: 1 for the words' own frequencies, 0 for all alike.
    """
    weights = counts.double() ** exponent
    return weights / weights.sum()


def generate_negative_samples(distribution: Tensor, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw noise words, with replacement.

    Args:
        distribution: probability of each word, shape [vocabulary].
        shape: shape of the result.
        generator: where the draws come from.

    Returns:
        Word ids, int64, of that shape.
    """
    cumulative = distribution.cumsum(0)
    draws = torch.rand(shape, generator=generator, dtype=torch.float64, device=distribution.device)
    return torch.searchsorted(cumulative, draws * cumulative[-1]).clamp_(max=len(distribution) - 1)


def keep_probability(counts: Tensor, subsample: float) -> Tensor:
    """How likely an occurrence of each word is kept: √(t/f) of section 2.3, at most 1; all kept where t is 0."""
    if subsample == 0:
        return torch.ones(len(counts), dtype=torch.float64, device=counts.device)
    frequency = counts.double() / counts.sum()
    return (subsample / frequency).sqrt().clamp_(max=1.0)
