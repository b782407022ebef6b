"""How large a classifier is, and how much it computes: counted, so that it is the same on every machine."""

from typing import TypedDict

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from crosswiki.bert.models import Classifier


class Size(TypedDict):
    """What metrics/sizes.json says of one classifier."""

    layers: int
    parameters: int
    embedding_parameters: int  # of its tokens
    vocabulary: int
    gigaflops: float  # floating-point operations for one text of full length


def size_of(classifier: Classifier) -> Size:
    """Count parameters, and the operations of one forward pass."""
    model, tokens = classifier.model.eval(), classifier.tokenizer.model_max_length
    # The fused kernels' operations are not counted, and differ from device to device.
    with FlopCounterMode(display=False) as counter, torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        model(input_ids=torch.zeros(1, tokens, dtype=torch.int64), attention_mask=torch.ones(1, tokens))
    return Size(
        layers=model.config.num_hidden_layers,
        parameters=model.num_parameters(),
        embedding_parameters=model.get_input_embeddings().weight.numel(),
        vocabulary=len(classifier.tokenizer),
        gigaflops=round(counter.get_total_flops() / 1e9, 6),
    )
