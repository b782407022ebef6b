"""The classifier as MLflow serves it: loaded from safetensors and JSON by this module, so nothing is unpickled."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas

from crosswiki.pipeline.devices import choose_device
from crosswiki.serving.answers import Reader, load_reader

COLUMN = "text"


class ServedClassifier:
    """What MLflow calls `predict` of."""

    def __init__(self, reader: Reader) -> None:
        """Take the classifier, and the device that CROSSWIKI_DEVICE names (auto)."""
        self.reader = reader
        self.device = choose_device(os.environ.get("CROSSWIKI_DEVICE", "auto"))

    def predict(
        self, texts: pandas.DataFrame | Sequence[str], params: dict[str, Any] | None = None
    ) -> pandas.DataFrame:
        """Classify texts.

        Args:
            texts: a table with the column `text`, or the texts themselves.
            params: none are known.

        Returns:
            A row for each text: topic, probability, and the probabilities of all topics.
        """
        column = texts[COLUMN] if isinstance(texts, pandas.DataFrame) else texts
        return pandas.DataFrame(
            [asdict(answer) for answer in self.reader.answer(list(column), self.device)], dtype=object
        )


def _load_pyfunc(path: str) -> ServedClassifier:
    """Load the model: MLflow looks for a function of this name."""
    return ServedClassifier(load_reader(Path(path)))
