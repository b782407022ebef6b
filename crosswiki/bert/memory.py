"""How a training fits into a device's memory. It says how a model is trained and not what: the result is the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from transformers import PreTrainedModel

from crosswiki.bert.shares import drawing_again
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters import Parameters


@dataclass(frozen=True)
class Memory:
    """What a training may keep in memory."""

    texts_at_once: int | None = None  # of a batch, that are read together; None: all
    gradient_checkpointing: bool = False  # compute hidden states again for the gradients, and do not keep them


WHOLE_BATCHES = Memory()


def memory_of(params: Parameters) -> Memory:
    """What params.yaml says of it."""
    return Memory(params.texts_at_once, params.gradient_checkpointing)


@contextmanager
def forgetting_states(model: PreTrainedModel, wanted: bool) -> Iterator[None]:
    """Inside the block, keep a layer's input alone until its gradients are computed (Chen et al. 2016).

    Training Deep Nets with Sublinear Memory Cost. A step takes about a third longer.

    Args:
        model: to train.
        wanted: nothing is done unless this is so.

    Raises:
        UserError: transformers cannot do it with this architecture.
    """
    if not wanted:
        yield
        return
    if not model.supports_gradient_checkpointing:
        kind = model.config.model_type
        raise UserError(f"params.yaml: gradient_checkpointing: transformers has none for {kind}: set it to false")
    model.activation_checkpointing_enable({"use_reentrant": False, "context_fn": drawing_again})
    try:
        yield
    finally:
        model.activation_checkpointing_disable()
