"""A map of aligned words: the same things in three languages, each word beside its point, and no word on another."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from crosswiki.embeddings.alignment import nearest
from crosswiki.embeddings.vectors import WordVectors
from crosswiki.pipeline.parameters import ROLES, Role

WIDTH, HEIGHT, EDGE = 760, 520, 14  # in pixels
LETTER, LINE = 13.0, 15.0  # the size of the letters, and of a line of them
POINT, GAP = 4.0, 6.0  # a point's radius, and its distance from its word
MOST_FREQUENT, SKIPPED = 3000, 100  # the first hundred are words such as "the", which say little on a map
CSLS = 10

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Place:
    """A word on the map: its point, and where its letters start."""

    role: Role
    word: str
    x: float
    y: float
    left: float
    base: float


def word_map(vectors: Mapping[Role, WordVectors], most: int) -> list[list[Place]]:
    """Choose words that are each other's nearest in all three languages, and place them by their two main directions.

    The closest come first. Words that the source spells alike are left out, as the alignment was told of them; so are
    those for whose letters there is no room.

    Args:
        vectors: every role's, in one space, rows of unit length.
        most: things at most.

    Returns:
        For each thing its word in each language.
    """
    things = translations(vectors)
    if len(things) < 2:
        return []
    rows = torch.stack([torch.stack([vectors[role].vectors[thing[role]] for role in ROLES]) for thing in things])
    closest = rows.double().sum(1).norm(dim=1).sort(descending=True, stable=True).indices[: 3 * most]
    things, rows = [things[place] for place in closest.tolist()], rows[closest]
    points = _in_frame(_main_directions(rows))
    taken: list[Box] = []
    placed: list[list[Place]] = []
    for thing, corners in zip(things, points.tolist(), strict=True):
        words = {role: vectors[role].vocabulary.words[thing[role]] for role in ROLES}
        found = _place(words, corners, taken)
        if found:
            placed.append(found)
        if len(placed) == most:
            break
    return placed


def translations(vectors: Mapping[Role, WordVectors]) -> list[dict[Role, int]]:
    """Row numbers of words that are mutual nearest neighbours (CSLS) between the source and both other languages."""
    source = vectors["source"]
    known = source.vocabulary.words[:MOST_FREQUENT]
    partners: dict[Role, dict[int, int]] = {}
    for role in ROLES[1:]:
        own, other = source.vectors[:MOST_FREQUENT], vectors[role].vectors[:MOST_FREQUENT]
        there, back = nearest(own, other, CSLS, 1)[:, 0].tolist(), nearest(other, own, CSLS, 1)[:, 0].tolist()
        words = vectors[role].vocabulary.words
        mutual = {row: it for row, it in enumerate(there) if back[it] == row}
        partners[role] = {row: it for row, it in mutual.items() if words[it] != known[row] and words[it].isalpha()}
    skipped = SKIPPED if len(known) > 2 * SKIPPED else 0
    shared = [row for row in range(skipped, len(known)) if all(row in found for found in partners.values())]
    long = [row for row in shared if len(known[row]) >= 4 and known[row].isalpha()] or shared
    return [{"source": row, **{role: found[row] for role, found in partners.items()}} for row in long]


def width_of(word: str) -> float:
    """The width of a word on the screen, rather too large than too small; East Asian letters are square."""
    return sum(LETTER if unicodedata.east_asian_width(letter) in "WF" else 0.62 * LETTER for letter in word)


def _main_directions(rows: Tensor) -> Tensor:
    """Project [things, languages, dim] on the two directions in which the things differ most."""
    things = rows.double().mean(1)
    directions = torch.linalg.svd(things - things.mean(0), full_matrices=False).Vh[:2]
    largest = directions.abs().argmax(1)
    signs = directions[torch.arange(len(directions)), largest].sign()  # a direction's sign is anybody's choice
    return (rows.double() - things.mean(0)) @ (directions * signs[:, None]).mT


def _in_frame(points: Tensor) -> Tensor:
    """Stretch the points over the frame by their ranks, half of the way: the middle would be too full."""
    flat = points.reshape(-1, points.shape[-1])
    low, high = flat.min(0).values, flat.max(0).values
    even = (flat - low) / (high - low).clamp(min=1e-9)
    ranks = flat.argsort(0).argsort(0).double() / max(len(flat) - 1, 1)
    size = torch.tensor([WIDTH - 2 * EDGE - 80, HEIGHT - 2 * EDGE - 20], dtype=torch.float64)
    placed = (0.5 * even + 0.5 * ranks) * size + torch.tensor([EDGE + 40, EDGE + 10])
    return placed.reshape(points.shape).round(decimals=1)


def _place(words: Mapping[Role, str], corners: list[list[float]], taken: list[Box]) -> list[Place] | None:
    """Find room for a thing's points and words; None, and nothing taken, where there is none."""
    points = [(x - POINT, y - POINT, x + POINT, y + POINT) for x, y in corners]
    if any(_overlap(point, box) for point in points for box in taken):
        return None
    new, places = list(points), []
    for (role, word), (x, y) in zip(words.items(), corners, strict=True):
        free = (box for box in _around(x, y, width_of(word)) if not any(_overlap(box, it) for it in [*taken, *new]))
        box = next(free, None)
        if box is None:
            return None
        new.append(box)
        places.append(Place(role, word, x, y, round(box[0], 1), round(box[3] - 3.5, 1)))
    taken += new
    return places


def _around(x: float, y: float, width: float) -> Iterator[Box]:
    """Where a word can stand: right, left, above, below, and between these; inside the frame."""
    for distance in (GAP, 2.5 * GAP):
        for across, down in ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1)):
            left = x + distance if across > 0 else x - distance - width if across < 0 else x - width / 2
            top = y + distance if down > 0 else y - distance - LINE if down < 0 else y - LINE / 2
            if left >= 2 and top >= 2 and left + width <= WIDTH - 2 and top + LINE <= HEIGHT - 2:
                yield left, top, left + width, top + LINE


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
