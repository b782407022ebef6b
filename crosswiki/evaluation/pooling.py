"""Several systems' answers as one, for those who have no label that says which of them to believe.

The logarithmic opinion pool with equal weights (Genest and Zidek 1986, section 3), also called a product of experts
(Hinton 2002): P(topic) ∝ Π over the members of P_member(topic)^(1 / members). A topic that one member thinks next to
impossible is not answered while another one is left that all of them can imagine.
"""

from collections.abc import Sequence

import numpy
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax, softmax

from crosswiki.evaluation.confidence import Answers
from crosswiki.evaluation.topic_shares import LEAST


def pool(probabilities: ArrayLike) -> NDArray[numpy.float64]:
    """The logarithms of the normalised geometric mean of the members' probabilities, [members, ..., topics]."""
    return log_softmax(numpy.mean(numpy.log(numpy.maximum(probabilities, LEAST)), axis=0), axis=-1)


def pool_answers(members: Sequence[Answers], topics: Sequence[str]) -> Answers:
    """The answers of a pool, whose members have the probabilities that they are calibrated to.

    Args:
        members: answers to the same texts, with topics in the same order; at least one.
        topics: in that order.
    """
    logits = pool([softmax(given.logits / given.temperature, axis=1) for given in members])
    return Answers([topics[place] for place in logits.argmax(1)], logits, 1.0)
