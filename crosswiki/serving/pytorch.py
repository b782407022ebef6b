"""A classifier's logits by PyTorch."""

from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
import transformers
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from crosswiki.bert.precision import choose_attention, half_precision
from crosswiki.pipeline.errors import UserError
from crosswiki.serving.encoding import Batch, Encoder, load_encoder

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


@dataclass(frozen=True)
class TorchModel:
    """A model on its device. A call changes nothing in it, so threads may share it."""

    model: PreTrainedModel
    device: torch.device
    half: bool  # whether it computes in bf16

    def __call__(self, batch: Batch) -> NDArray[numpy.float64]:
        """Logits, [texts, topics]."""
        inputs = {name: torch.from_numpy(values).to(self.device) for name, values in batch.items()}
        with torch.inference_mode(), torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.half):
            return self.model(**inputs).logits.double().cpu().numpy()


def load_torch(folder: Path, device: torch.device, exact: bool = False) -> tuple[TorchModel, Encoder]:
    """Load a classifier, as `save_classifier` wrote it.

    Args:
        folder: of the classifier.
        device: where it computes.
        exact: compute in float32 even where bf16 is faster.

    Raises:
        UserError: there is no model in that folder.
    """
    if not (folder / "model.safetensors").is_file():
        raise UserError(f"{folder}: no model there: run the stage that makes it first (dvc repro)")
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
    choose_attention(model, device)
    return TorchModel(model.eval().to(device), device, half_precision(device) and not exact), load_encoder(folder)
