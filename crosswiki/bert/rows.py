"""A training pays for the embeddings of the tokens that its texts have, and for no others.

A table of a hundred thousand tokens is most of a small model. Were all of it trained, then most of a step would go into
clearing, clipping and adding gradients that are zero.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow.compute
import torch
from datasets import Dataset
from torch import Tensor, nn
from transformers import PreTrainedModel


@contextmanager
def only_rows_read(model: PreTrainedModel, texts: Dataset, device: torch.device) -> Iterator[None]:
    """While the block trains a model, let its token embeddings be those of the tokens that the texts have.

    What such a token learns is what it learns in the whole table. The others stay as they are, without weight decay.

    Args:
        model: which reads the same token ids as ever; others than the texts' and padding are an IndexError.
        texts: all that it will read, with the column input_ids.
        device: where it is trained.
    """
    table = model.get_input_embeddings()
    if not table.weight.requires_grad:
        yield
        return
    whole, padding = table.weight.data, table.padding_idx
    read = pyarrow.compute.unique(pyarrow.compute.list_flatten(texts.data.column("input_ids"))).to_pylist()
    rows = torch.tensor(sorted({*read, model.config.pad_token_id, padding} - {None}))
    places = torch.full((len(whole),), -1)
    places[rows] = torch.arange(len(rows))

    def renumber(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        nonlocal places
        places = places.to(inputs[0].device)
        return places[inputs[0]], *inputs[1:]

    table.weight.data = whole[rows]
    table.padding_idx = None if padding is None else int(places[padding])
    hooks = [table.register_forward_pre_hook(renumber)]
    if device.type == "cpu":  # elsewhere memory costs nothing to get, or gradients cannot be sparse
        hooks.append(_keep_gradient(table))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        table.sparse, table.padding_idx = False, padding
        table.weight.grad = None
        whole[rows] = table.weight.data.to(whole.device)
        table.weight.data = whole


def _keep_gradient(table: nn.Embedding) -> Any:
    """Write each step's gradient into the same memory, where only what the step before wrote needs clearing."""
    gradient, written = torch.zeros(0), torch.zeros(0, dtype=torch.int64)

    def densify(weight: Tensor) -> None:
        nonlocal gradient, written
        found = weight.grad.coalesce()  # type: ignore[union-attr]
        if gradient.shape != weight.shape:
            gradient = torch.zeros_like(weight)
        gradient[written] = 0
        written = found.indices()[0]
        gradient[written] = found.values()
        weight.grad = gradient

    table.sparse = True
    return table.weight.register_post_accumulate_grad_hook(densify)
