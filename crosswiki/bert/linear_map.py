"""Token embeddings by a map that is learned: from word vectors to embeddings, on the source's own tokens.

After HyperOFA (Özeren, Liu and Schütze 2025), which learns a network for it; docs/decisions.md has one beside this.
"""

from sklearn.linear_model import RidgeCV
from torch import Tensor, from_numpy

from crosswiki.embeddings.vectors import unit

PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)  # among which generalised cross-validation chooses


def predict_embeddings(embeddings: Tensor, source: Tensor, other: Tensor) -> Tensor:
    """Predict new tokens' embeddings from their vectors by ridge regression (Hoerl and Kennard 1970).

    It is fitted on the source's tokens, whose vectors and embeddings are both known. The penalty is the one with the
    least error where each token is left out once (Golub, Heath and Wahba 1979).

    Args:
        embeddings: of the source's tokens, [source tokens, hidden].
        source: their vectors, [source tokens, dim].
        other: the new tokens' vectors in the same space, [tokens, dim].

    Returns:
        [tokens, hidden]. They are shorter than embeddings are, since what a vector does not tell is left out; zeros
        where fewer than two tokens have a vector to learn from.
    """
    if len(other) == 0 or len(source) < 2:
        return embeddings.new_zeros(len(other), embeddings.shape[1])
    ridge = RidgeCV(PENALTIES).fit(source.double().numpy(), embeddings.double().numpy())
    return from_numpy(ridge.predict(other.double().numpy())).to(embeddings.dtype)


def blend(mixtures: Tensor, predicted: Tensor, share: float) -> Tensor:
    """Turn mixtures towards predicted embeddings; each keeps its length.

    Args:
        mixtures: see `mix_embeddings`, [tokens, hidden].
        predicted: by `predict_embeddings`, [tokens, hidden]; only their directions count.
        share: of the predicted direction; 0: none.
    """
    return unit((1 - share) * unit(mixtures) + share * unit(predicted)) * mixtures.norm(dim=1, keepdim=True)
