"""Loss curves as DVC plots them."""

import csv
from collections.abc import Iterable
from pathlib import Path

from stages.outputs import replacing


def save_curve(points: Iterable[tuple[int, float]], path: Path, x: str = "step") -> None:
    """Write a CSV file with the columns `x` and loss."""
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([(x, "loss"), *((at, f"{loss:.6g}") for at, loss in points)])
