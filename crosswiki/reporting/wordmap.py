"""A map of aligned words: things that have a word in every language, and their places by the vectors' directions."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from crosswiki.embeddings.alignment import nearest
from crosswiki.embeddings.vectors import WordVectors
from crosswiki.pipeline.parameters import Role

MOST_FREQUENT, SKIPPED = 3000, 100  # the first hundred are words such as "the", which mean little on a map
CSLS = 10


@dataclass(frozen=True)
class Place:
    """A word on the map, which goes from 0 to 1 both ways."""

    word: str
    x: float
    y: float


Thing = dict[Role, Place]  # what has a word in each language


def word_map(vectors: Mapping[Role, WordVectors], most: int) -> list[Thing]:
    """Choose words that are each other's nearest in all languages, and place them by their two main directions.

    The closest come first. Words that the source spells alike are left out: they were in the seed dictionary.

    Args:
        vectors: every role's, in one space, rows of unit length.
        most: things at most.
    """
    things = translations(vectors)
    if len(vectors) < 2 or len(things) < 2:
        return []
    rows = torch.stack([torch.stack([vectors[role].vectors[thing[role]] for role in vectors]) for thing in things])
    closest = rows.double().sum(1).norm(dim=1).sort(descending=True, stable=True).indices[:most]
    points = _in_frame(_main_directions(rows[closest])).tolist()
    return [
        {
            role: Place(vectors[role].vocabulary.words[things[number][role]], x, y)
            for role, (x, y) in zip(vectors, corners, strict=True)
        }
        for number, corners in zip(closest.tolist(), points, strict=True)
    ]


def translations(vectors: Mapping[Role, WordVectors]) -> list[dict[Role, int]]:
    """Row numbers of words that are mutual nearest neighbours (CSLS) between the source and every other language."""
    source = vectors["source"]
    known = source.vocabulary.words[:MOST_FREQUENT]
    partners: dict[Role, dict[int, int]] = {}
    for role in [role for role in vectors if role != "source"]:
        here, other = source.vectors[:MOST_FREQUENT], vectors[role].vectors[:MOST_FREQUENT]
        there, back = nearest(here, other, CSLS, 1)[:, 0].tolist(), nearest(other, here, CSLS, 1)[:, 0].tolist()
        words = vectors[role].vocabulary.words
        mutual = {row: partner for row, partner in enumerate(there) if back[partner] == row}
        partners[role] = {
            row: partner for row, partner in mutual.items() if words[partner] != known[row] and words[partner].isalpha()
        }
    skipped = SKIPPED if len(known) > 2 * SKIPPED else 0
    shared = [row for row in range(skipped, len(known)) if all(row in found for found in partners.values())]
    long = [row for row in shared if len(known[row]) >= 4 and known[row].isalpha()] or shared
    return [{"source": row, **{role: found[row] for role, found in partners.items()}} for row in long]


def _main_directions(rows: Tensor) -> Tensor:
    """Project [things, languages, dim] on the two directions in which the things differ most."""
    things = rows.double().mean(1)
    directions = torch.linalg.svd(things - things.mean(0), full_matrices=False).Vh[:2]
    largest = directions.abs().argmax(1)
    signs = directions[torch.arange(len(directions)), largest].sign()  # the decomposition leaves the sign open
    return (rows.double() - things.mean(0)) @ (directions * signs[:, None]).mT


def _in_frame(points: Tensor) -> Tensor:
    """Stretch points over the frame, half of the way by their ranks: the middle would be too full."""
    flat = points.reshape(-1, points.shape[-1])
    low, high = flat.min(0).values, flat.max(0).values
    even = (flat - low) / (high - low).clamp(min=1e-9)
    ranks = flat.argsort(0).argsort(0).double() / max(len(flat) - 1, 1)
    return (0.5 * even + 0.5 * ranks).reshape(points.shape)
