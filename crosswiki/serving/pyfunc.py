"""The classifier as MLflow serves it. This module loads it from safetensors and JSON, so nothing is unpickled."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy
import pandas

from crosswiki.pipeline.devices import choose_device
from crosswiki.serving.answers import Reader, load_reader

COLUMN = "text"


class ServedClassifier:
    """A classifier with the method `predict`, which MLflow calls."""

    def __init__(self, reader: Reader) -> None:
        """Keep the classifier, and choose the device that CROSSWIKI_DEVICE names (default: auto)."""
        self.reader = reader
        self.device = choose_device(os.environ.get("CROSSWIKI_DEVICE", "auto"))

    def predict(
        self, texts: pandas.DataFrame | Sequence[str], params: dict[str, Any] | None = None
    ) -> pandas.DataFrame:
        """Classify texts.

        Args:
            texts: a table with the column `text`, or a sequence of texts.
            params: ignored.

        Returns:
            A row for each text: topic, probability, and the probabilities of all topics.
        """
        column = texts[COLUMN] if isinstance(texts, pandas.DataFrame) else texts
        answers = self.reader.answer(one_by_one(column), self.device)
        return pandas.DataFrame([asdict(answer) for answer in answers], dtype=object)


def one_by_one(column: Iterable[Any]) -> list[Any]:
    """The texts of a column, of which MLflow has put a whole batch without null (`inputs`) into one cell."""
    return [text for cell in column for text in (cell if isinstance(cell, list | numpy.ndarray) else [cell])]


def _load_pyfunc(path: str) -> ServedClassifier:
    """Load the model: MLflow looks for a function of this name."""
    return ServedClassifier(load_reader(Path(path)))
