"""Exact search for the most similar rows, in blocks of both sides, so that memory does not grow with their number."""

from typing import NamedTuple

import torch
from torch import Tensor

QUERIES, KEYS = 256, 16_384  # rows of a block on either side: 16 MB of similarities at a time


class Found(NamedTuple):
    """The most similar keys of each query, the most similar first."""

    similarity: Tensor  # float32, [queries, best]
    rows: Tensor  # of the keys, int64, [queries, best]


def most_similar(queries: Tensor, keys: Tensor, best: int, hubness: Tensor | None = None) -> Found:
    """The keys with the highest cosine or CSLS, cos(x, y) or 2cos(x, y) − r(y); rows are of unit length.

    CSLS (Lample et al. 2018, equation 7) also takes away r(x), which a query's keys have in common.

    Args:
        queries: [queries, dim].
        keys: [keys, dim].
        best: number of keys for each query; fewer if there are fewer.
        hubness: r of the keys, see `hubness`; None: the cosine, [keys].
    """
    found = [_most_similar(rows, keys, min(best, len(keys)), hubness) for rows in queries.split(QUERIES)]
    return Found(torch.cat([block.similarity for block in found]), torch.cat([block.rows for block in found]))


def _most_similar(queries: Tensor, keys: Tensor, best: int, hubness: Tensor | None) -> Found:
    similarity, rows = queries.new_zeros(len(queries), 0), torch.zeros(len(queries), 0, dtype=torch.int64)
    for start in range(0, len(keys), KEYS):
        block = queries @ keys[start : start + KEYS].mT
        if hubness is not None:
            block = 2 * block - hubness[start : start + KEYS]
        near = block.topk(min(best, block.shape[1]), dim=1)
        similarity = torch.cat([similarity, near.values], dim=1)
        rows = torch.cat([rows, near.indices + start], dim=1)
        kept = similarity.topk(min(best, similarity.shape[1]), dim=1)
        similarity, rows = kept.values, rows.gather(1, kept.indices)
    return Found(similarity, rows)


def hubness(keys: Tensor, queries: Tensor, neighbours: int) -> Tensor:
    """Each key's mean cosine with its nearest queries: r of CSLS (Lample et al. 2018, equation 6), [keys].

    Args:
        keys: rows of unit length, [keys, dim].
        queries: the same of the other language, [queries, dim].
        neighbours: how many are near; 0 for every key where there is no query.
    """
    if not len(queries):
        return keys.new_zeros(len(keys))
    return most_similar(keys, queries, neighbours).similarity.mean(1)
