"""Exact search for the most similar rows, in blocks of both sides, so that memory does not grow with their number.

CSLS corrects for hubs, rows that are near to many others: Lample et al. 2018 (MUSE), equations 6 and 7.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

QUERIES, KEYS = 256, 16_384  # rows of a block on either side: 16 MB of similarities at a time

Likeness = Callable[[slice, slice], Tensor]  # of some queries and some keys, [queries, keys]


class Found(NamedTuple):
    """The most similar keys of each query, the most similar first."""

    similarity: Tensor  # float32, [queries, best]
    rows: Tensor  # of the keys, int64, [queries, best]


def nearest(queries: Tensor, keys: Tensor, neighbours: int, best: int, likeness: Likeness | None = None) -> Found:
    """The best keys of each query under CSLS; see `most_similar` and `hubness`, of which this is both."""
    return most_similar(queries, keys, best, hubness(keys, queries, neighbours), likeness)


def most_similar(
    queries: Tensor, keys: Tensor, best: int, hubs: Tensor | None = None, likeness: Likeness | None = None
) -> Found:
    """The keys with the highest cosine or CSLS, cos(x, y) or 2cos(x, y) − r(y); rows are of unit length.

    CSLS (equation 7) also takes away r(x), which does not change the order of a query's keys.

    Args:
        queries: [queries, dim].
        keys: [keys, dim].
        best: number of keys for each query; fewer if there are fewer.
        hubs: r of the keys, see `hubness`; None: the cosine, [keys].
        likeness: of another kind, which is added to the similarity.
    """
    found = [
        _most_similar(queries, slice(start, start + QUERIES), keys, min(best, len(keys)), hubs, likeness)
        for start in range(0, max(len(queries), 1), QUERIES)
    ]
    return Found(torch.cat([block.similarity for block in found]), torch.cat([block.rows for block in found]))


def _most_similar(
    queries: Tensor, places: slice, keys: Tensor, best: int, hubs: Tensor | None, likeness: Likeness | None
) -> Found:
    some = queries[places]
    similarity, rows = some.new_zeros(len(some), 0), torch.zeros(len(some), 0, dtype=torch.int64)
    for start in range(0, len(keys), KEYS):
        columns = slice(start, start + KEYS)
        block = some @ keys[columns].mT
        if hubs is not None:
            block = 2 * block - hubs[columns]
        if likeness:
            block += likeness(places, columns)
        near = block.topk(min(best, block.shape[1]), dim=1)
        similarity = torch.cat([similarity, near.values], dim=1)
        rows = torch.cat([rows, near.indices + start], dim=1)
        kept = similarity.topk(min(best, similarity.shape[1]), dim=1)
        similarity, rows = kept.values, rows.gather(1, kept.indices)
    return Found(similarity, rows)


def hubness(keys: Tensor, queries: Tensor, neighbours: int) -> Tensor:
    """Each key's mean cosine with its nearest queries: r of CSLS (equation 6), [keys].

    Args:
        keys: rows of unit length, [keys, dim].
        queries: the same of the other language, [queries, dim].
        neighbours: how many are near; 0 for every key where there is no query.
    """
    if not len(queries):
        return keys.new_zeros(len(keys))
    return most_similar(keys, queries, neighbours).similarity.mean(1)
