"""Size and computing cost of a classifier, as counts, which are the same on every machine."""

from collections.abc import Sequence
from typing import TypedDict

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from crosswiki.bert.models import Classifier, fewer_layers, output_layer, seeded
from crosswiki.bert.truncation import positions_of
from crosswiki.pipeline.errors import UserError


class Size(TypedDict):
    """The size of one classifier, as metrics/sizes.json has it."""

    layers: int
    parameters: int
    embedding_parameters: int  # of the token embeddings
    vocabulary: int
    gigaflops: float  # floating-point operations for one text of full length
    megabytes: float  # of the weights


class PeerSize(TypedDict):
    """The size of a peer: its frozen encoder's; see `SentenceEncoder`."""

    parameters: int
    megabytes: float


def size_of(classifier: Classifier) -> Size:
    """Count parameters, and the operations of one forward pass."""
    model, tokens = classifier.model.eval(), classifier.tokenizer.model_max_length
    # Operations of fused attention are not counted, and depend on the device. Gradients are recorded, as without them
    # the counter cannot follow DeBERTa's attention; it counts the forward pass alone all the same.
    with FlopCounterMode(display=False) as counter, torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        model(input_ids=torch.zeros(1, tokens, dtype=torch.int64), attention_mask=torch.ones(1, tokens))
    return Size(
        layers=model.config.num_hidden_layers,
        parameters=model.num_parameters(),
        embedding_parameters=model.get_input_embeddings().weight.numel(),
        vocabulary=len(classifier.tokenizer),
        gigaflops=round(counter.get_total_flops() / 1e9, 6),
        megabytes=round(sum(tensor.numel() * tensor.element_size() for tensor in model.parameters()) / 1e6, 6),
    )


def rehearse(teacher: Classifier, layers: int | Sequence[int] | None, name: str) -> None:
    """Do with a source model, before it is trained, what later stages need of it: fewer layers, and its size.

    Args:
        teacher: as `finetune_source` has loaded it.
        layers: the parameter distill.layers.
        name: the parameter finetune_source.model.

    Raises:
        UserError: the model is of a kind that a later stage cannot take, or has fewer layers, or shorter texts.
    """
    config, tokens = teacher.model.config, teacher.tokenizer.model_max_length
    what = f"params.yaml: finetune_source.model: {name!r} ({config.model_type})"
    if config.is_encoder_decoder:
        raise UserError(f"{what} has a decoder: an encoder such as BERT is needed")
    positions = positions_of(config.to_dict())
    if positions and tokens > positions:
        raise UserError(f"params.yaml: finetune_source.max_length: found {tokens}; the model reads {positions} tokens")
    if not output_layer(teacher.model):
        raise UserError(f"{what} has no output layer of its own above the encoder, which the transfer keeps")
    try:
        with seeded(0):
            student = fewer_layers(teacher.model, layers)
            size_of(Classifier(student, teacher.tokenizer))
    except UserError:
        raise
    except Exception as error:  # each kind of model has its own way to refuse
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UserError(f"{what} cannot be made smaller, as distill and evaluate need it ({reason})") from error
