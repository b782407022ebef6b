"""Training only those rows of the token embeddings that the texts read.

An embedding table of a hundred thousand tokens is most of a small model. With the whole table, most of a step's time
goes into clearing, clipping and adding gradients that are zero.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow.compute
import torch
from datasets import Dataset
from torch import Tensor, nn
from transformers import PreTrainedModel

from crosswiki.pipeline.ranks import world


@contextmanager
def only_rows_read(model: PreTrainedModel, texts: Dataset, device: torch.device, sparse: bool = True) -> Iterator[None]:
    """While the block trains a model, reduce its embedding table to the tokens that the texts have.

    These tokens learn what they would learn in the whole table. The others do not change, not even by weight decay.

    Args:
        model: takes the same token ids as before; an id that is neither in the texts nor padding is an IndexError.
        texts: all texts of the training, with the column input_ids.
        device: where the model is trained.
        sparse: whether each step computes gradients once, which may be sparse then; those that are added up are dense.
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
    # On other devices allocation is cheap, or sparse gradients are not supported; ranks add up dense ones.
    if sparse and device.type == "cpu" and world() == 1:
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
    """Keep one dense gradient for all steps, and clear only the rows that the last step has written."""
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
