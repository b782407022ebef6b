"""How neighbours vote, chosen by validation labels; and how likely an answer makes the right topics."""

from collections.abc import Sequence
from itertools import product

from torch import Tensor

from crosswiki.embeddings.search import Found
from crosswiki.evaluation.nearest_articles import Reading, Voting, gather, votes
from crosswiki.evaluation.topic_shares import LEAST
from crosswiki.pipeline.parameters_of_models import Neighbourhood as Settings


def first_voting(settings: Settings) -> Voting:
    """The first value of each list: what holds where no validation label chooses."""
    return Voting(
        settings.vectors_weight[0], settings.neighbours[0], settings.temperature[0], settings.encoder_share[0]
    )


def choose_voting(
    source: Reading,
    labels: Tensor,
    reference: Reading,
    validation: Reading,
    actual: Tensor,
    topics: Sequence[str],
    settings: Settings,
) -> tuple[Voting, float]:
    """Choose the values with which most validation texts are answered rightly; of equal ones the first.

    Args:
        source: see `gather`.
        labels: see `gather`.
        reference: see `gather`.
        validation: labelled texts of the language that nothing is trained on.
        actual: their topics as places in `topics`; negative ones are topics that no article has, [texts].
        topics: see `gather`.
        settings: the section `neighbourhood` of params.yaml.

    Returns:
        The values, and the share of validation texts that are answered rightly with them.
    """
    chosen, most = first_voting(settings), -1.0
    encoder = validation.logits.softmax(1)
    for weight in settings.vectors_weight:
        wide = Voting(weight, max(settings.neighbours), 1.0, 0.0)
        found = gather(source, labels, reference, topics, "", wide).nearest(validation)
        for neighbours, temperature in product(settings.neighbours, settings.temperature):
            near = Found(found.similarity[:, :neighbours], found.rows[:, :neighbours])
            voted = votes(near, labels, len(topics), temperature)
            for share in settings.encoder_share:
                mixed = share * encoder + (1 - share) * voted
                right = float((mixed.argmax(1) == actual).double().mean())
                if right > most:
                    chosen, most = Voting(weight, neighbours, temperature, share), right
    return chosen, most


def negative_log_likelihood(probabilities: Tensor, actual: Tensor) -> float:
    """The mean −log P(right topic), over the texts whose topic has a place.

    Args:
        probabilities: [texts, topics].
        actual: the topics' places, negative where there is none, [texts].
    """
    known = actual >= 0
    likelihoods = probabilities[known].gather(1, actual[known, None]).clamp(min=LEAST)
    return -float(likelihoods.log().double().mean())
