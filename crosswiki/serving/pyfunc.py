"""The classifier as MLflow serves it. This module loads it from safetensors and JSON, so nothing is unpickled."""

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy
import pandas

from crosswiki.corpora.pairs import PAIR, Text, in_pair
from crosswiki.serving.answers import Reader, load_reader

COLUMN, ABSTAIN = "text", "abstain"  # the column of the input, the parameter of a request


class ServedClassifier:
    """A classifier with the method `predict`, which MLflow calls from several threads."""

    def __init__(self, reader: Reader) -> None:
        """Keep the classifier."""
        self.reader = reader

    def predict(
        self, texts: pandas.DataFrame | Sequence[str], params: dict[str, Any] | None = None
    ) -> pandas.DataFrame:
        """Classify texts.

        Args:
            texts: a table with the column `text`, and for texts in pairs `pair`, or a sequence of texts.
            params: abstain: the topic is null where its probability is lower (default 0).

        Returns:
            A row for each text: topic, probability, and the probabilities of all topics.

        Raises:
            MlflowException: there are no such texts; a server answers with its message and status 400.
        """
        abstain = (params or {}).get(ABSTAIN, 0.0)
        if not 0 <= abstain <= 1:
            raise _refusal(f"params: abstain: found {abstain}; a probability from 0 to 1 is needed")
        answers = self.reader.answer(_texts(texts, self.reader.pairs), abstain)
        return pandas.DataFrame([asdict(answer) for answer in answers], dtype=object)


def _texts(body: Any, pairs: bool) -> list[Text | None]:
    """The texts of a request, in which None is a gap; in pairs, if the model reads them and there is such a column."""
    if isinstance(body, pandas.DataFrame):
        if COLUMN not in body:
            raise _refusal(f"a list of texts is needed, or a table with the column {COLUMN}")
        texts = _strings(_cells(body, COLUMN), "text")
        if not pairs or PAIR not in body:
            return [*texts]
        second = _strings(_cells(body, PAIR), PAIR)
        if len(second) != len(texts):
            raise _refusal(f"{len(texts)} texts and {len(second)} pairs: as many are needed")
        return [text and in_pair(text, pair) for text, pair in zip(texts, second, strict=True)]
    if isinstance(body, str) or not hasattr(body, "__iter__"):
        raise _refusal(f"a list of texts is needed; found {_kind(body)}")
    return [*_strings(body, "text")]


def _cells(body: pandas.DataFrame, column: str) -> Any:
    cells = body[column].tolist()
    # MLflow puts a whole batch without null (`inputs`) into one cell.
    return cells[0] if len(cells) == 1 and isinstance(cells[0], list | numpy.ndarray) else cells


def _strings(body: Iterable[Any], what: str) -> list[str | None]:
    texts = [None if isinstance(text, float) and math.isnan(text) else text for text in body]  # a gap is NaN there
    for place, text in enumerate(texts):
        if not isinstance(text, str | None):
            raise _refusal(f"{what} {place + 1} of {len(texts)}: a string is needed; found {_kind(text)}")
    return texts


def _kind(value: Any) -> str:
    return "null" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"


def _refusal(message: str) -> Exception:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

    return MlflowException(message, INVALID_PARAMETER_VALUE)


def _load_pyfunc(path: str) -> ServedClassifier:
    """Load the model: MLflow looks for a function of this name.

    An exported folder has the model as ONNX too, which is read where ONNX Runtime is installed. CROSSWIKI_RUNTIME names
    another runtime; CROSSWIKI_DEVICE is PyTorch's device (default: auto).
    """
    exported = (Path(path) / "onnx").is_dir() and find_spec("onnxruntime")
    runtime = os.environ.get("CROSSWIKI_RUNTIME", "onnx" if exported else "torch")
    return ServedClassifier(load_reader(Path(path), runtime=runtime, device=os.environ.get("CROSSWIKI_DEVICE", "auto")))
