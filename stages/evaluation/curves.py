"""Curves as DVC plots them."""

import csv
from collections.abc import Iterable
from pathlib import Path

from stages.outputs import replacing


def save_curve(points: Iterable[tuple[int, float]], path: Path, x: str = "step", y: str = "loss") -> None:
    """Write a CSV file with the columns `x` and `y`."""
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([(x, y), *((at, f"{value:.6g}") for at, value in points)])
