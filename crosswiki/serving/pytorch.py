"""A classifier's logits by PyTorch."""

from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from crosswiki.bert.models import load_classifier
from crosswiki.bert.precision import choose_attention, half_precision
from crosswiki.serving.encoding import Batch, Encoder, encoder_of


@dataclass(frozen=True)
class TorchModel:
    """A model on its device. A call changes nothing in it, so threads may share it."""

    model: PreTrainedModel
    device: torch.device

    def __call__(self, batch: Batch) -> NDArray[numpy.float64]:
        """Logits, [texts, topics]."""
        inputs = {name: torch.from_numpy(values).to(self.device) for name, values in batch.items()}
        half = torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=half_precision(self.device))
        with torch.inference_mode(), half:
            return self.model(**inputs).logits.double().cpu().numpy()


def load_torch(folder: Path, device: torch.device) -> tuple[TorchModel, Encoder]:
    """Load a classifier, as `save_classifier` wrote it.

    Raises:
        UserError: there is no model in that folder.
    """
    classifier = load_classifier(folder)
    model, tokenizer = classifier.model.eval().to(device), classifier.tokenizer
    choose_attention(model, device)
    names = ("model_max_length", "pad_token", "unk_token", "padding_side", "truncation_side")
    settings = {name: getattr(tokenizer, name) for name in names}
    return TorchModel(model, device), encoder_of(tokenizer.backend_tokenizer, settings)
