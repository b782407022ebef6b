"""Size and computing cost of a classifier, as counts, which are the same on every machine."""

from typing import TypedDict

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from crosswiki.bert.models import Classifier


class Size(TypedDict):
    """The size of one classifier, as metrics/sizes.json has it."""

    layers: int
    parameters: int
    embedding_parameters: int  # of the token embeddings
    vocabulary: int
    gigaflops: float  # floating-point operations for one text of full length


def size_of(classifier: Classifier) -> Size:
    """Count parameters, and the operations of one forward pass."""
    model, tokens = classifier.model.eval(), classifier.tokenizer.model_max_length
    # Operations of fused attention are not counted, and depend on the device.
    with FlopCounterMode(display=False) as counter, torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        model(input_ids=torch.zeros(1, tokens, dtype=torch.int64), attention_mask=torch.ones(1, tokens))
    return Size(
        layers=model.config.num_hidden_layers,
        parameters=model.num_parameters(),
        embedding_parameters=model.get_input_embeddings().weight.numel(),
        vocabulary=len(classifier.tokenizer),
        gigaflops=round(counter.get_total_flops() / 1e9, 6),
    )
