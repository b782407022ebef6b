"""Which words of a dictionary's phrases translate one another: IBM Model 1 (Brown et al. 1993, section 4.2)."""

from collections import defaultdict
from collections.abc import Iterable

Phrase = tuple[str, ...]

NULL = ""  # the word that source words without a counterpart come from
ROUNDS = 8  # of expectation maximisation


def expected_counts(pairs: Iterable[tuple[Phrase, Phrase]], rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Find how often each word is the other's translation in a dictionary's entries, as the model expects it.

    A dictionary may translate the French `pas` as "step" and nothing else; that it is "not" is what its phrases say:
    pas encore, not yet; pas du tout, not at all.

    Args:
        pairs: (source, other) of any number of words each.
        rounds: of expectation maximisation; the first one starts from equal probabilities.

    Returns:
        For each word of the other language, the expected count of each source word.
    """
    pairs = list(pairs)
    probability: dict[str, dict[str, float]] = {}
    counts: dict[str, dict[str, float]] = {}
    for _ in range(rounds):
        counts = defaultdict(lambda: defaultdict(float))
        for source, other in pairs:
            causes = (NULL, *other)
            for word in source:
                weights = [probability[cause][word] if probability else 1.0 for cause in causes]
                total = sum(weights)
                for cause, weight in zip(causes, weights, strict=True):
                    counts[cause][word] += weight / total
        probability = {}
        for cause, row in counts.items():
            total = sum(row.values())
            # Far below what any entry expects, but never 0: a word must have some cause.
            probability[cause] = {word: max(count / total, 1e-12) for word, count in row.items()}
    return {cause: dict(row) for cause, row in counts.items() if cause != NULL}
