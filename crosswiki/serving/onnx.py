"""A classifier's logits by ONNX Runtime, without PyTorch and transformers."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from crosswiki.pipeline.errors import UserError
from crosswiki.serving.encoding import Batch, Encoder, load_encoder

FILES = {"onnx": Path("onnx/model.onnx"), "int8": Path("onnx/model_int8.onnx")}


@dataclass(frozen=True)
class OnnxModel:
    """A session of ONNX Runtime, which threads may share."""

    session: Any

    def __call__(self, batch: Batch) -> NDArray[numpy.float32]:
        """Logits, [texts, topics]."""
        logits: NDArray[numpy.float32] = self.session.run(["logits"], batch)[0]
        return logits


def load_onnx(folder: Path, runtime: str) -> tuple[OnnxModel, Encoder]:
    """Load what `crosswiki export` wrote.

    Args:
        folder: with onnx/, tokenizer.json and tokenizer_config.json.
        runtime: onnx or int8.

    Raises:
        UserError: ONNX Runtime is not installed, or there is no such file.
    """
    try:
        from onnxruntime import InferenceSession, SessionOptions
    except ImportError as error:
        raise UserError("ONNX Runtime is not installed: pip install onnxruntime, or 'crosswiki[onnx]'") from error
    file = folder / FILES[runtime]
    if not file.is_file():
        raise UserError(f"{file}: no such file: `crosswiki export FOLDER` makes a folder with it; --model names it")
    options = SessionOptions()
    options.log_severity_level = 3  # errors only
    if threads := os.environ.get("OMP_NUM_THREADS"):  # as PyTorch; ONNX Runtime's own pool does not look at it
        options.intra_op_num_threads = int(threads)
    return OnnxModel(InferenceSession(file, options, providers=["CPUExecutionProvider"])), load_encoder(folder)
