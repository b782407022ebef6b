"""A classifier as ONNX, in float32 and with weights of 8 bits, and how far its answers are from PyTorch's."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from crosswiki.corpora.pairs import Text
from crosswiki.serving.answers import Reader
from crosswiki.serving.onnx import FILES

PACKAGES = ("onnx", "onnxruntime", "onnxscript")  # of the extra crosswiki[onnx]


@dataclass(frozen=True)
class Agreement:
    """How far two runtimes' answers to the same texts are from each other.

    Attributes:
        texts: that both have read.
        same_topic: texts that have the same topic.
        largest_difference: of the probabilities of a topic, over all texts and topics.
    """

    texts: int
    same_topic: int
    largest_difference: float


def can_convert() -> bool:
    """Whether the packages of the extra are installed."""
    return all(find_spec(package) for package in PACKAGES)


def convert(folder: Path) -> bool:
    """Write a classifier's onnx/model.onnx and onnx/model_int8.onnx.

    The weights of 8 bits are those of matrix products, with a scale for each column; activations get theirs when they
    are computed (dynamic quantisation). Token embeddings too have 8 bits.

    Args:
        folder: a classifier, as `save_classifier` wrote it.

    Returns:
        Whether PyTorch can convert the architecture; it cannot convert XLNet's attention.
    """
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from crosswiki.serving.pytorch import load_torch

    model, encoder = load_torch(folder, torch.device("cpu"), exact=True)
    example = {name: torch.from_numpy(ids) for name, ids in encoder.pad(encoder.encode(["a b c", "a"])).items()}
    texts, tokens = torch.export.Dim("texts"), torch.export.Dim("tokens")
    whole, small = (folder / FILES[runtime] for runtime in ("onnx", "int8"))
    with _quietly():
        try:
            program: Any = torch.onnx.export(
                _logits_alone(model.model),
                kwargs={"batch": example},
                input_names=list(example),
                output_names=["logits"],
                dynamic_shapes={"batch": {name: {0: texts, 1: tokens} for name in example}},
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError:
            return False
        whole.parent.mkdir(exist_ok=True)
        program.save(whole, external_data=False)
        quantize_dynamic(whole, small, weight_type=QuantType.QInt8, per_channel=True)
    return True


def _logits_alone(model: Any) -> Any:
    import torch

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
            return self.model(**batch).logits

    return Logits().eval()


def compare(ours: Reader, theirs: Reader, texts: Sequence[Text]) -> Agreement:
    """Compare two readers of the same model on texts; those that neither can read are the same."""
    pairs = list(zip(ours.answer(texts), theirs.answer(texts), strict=True))
    differences = [
        abs(probability - second.probabilities[topic])
        for first, second in pairs
        for topic, probability in first.probabilities.items()
    ]
    same = sum(first.topic == second.topic for first, second in pairs)
    return Agreement(len(pairs), same, max(differences, default=0.0))


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what the exporters say of their own code."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
