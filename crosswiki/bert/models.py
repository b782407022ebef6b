"""Classifiers and their tokenizers: loading, saving, fewer layers, and freezing of the output layer."""

import copy
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from torch import Tensor, nn
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from crosswiki.bert.truncation import remove_cut
from crosswiki.pipeline.errors import UserError

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
logging.getLogger("transformers").setLevel(logging.ERROR)


PAIRS = "pairs"  # the key of config.json: whether the classifier has learnt from texts in pairs
PER_LAYER = ("layer_types", "attention_window")  # keys of config.json with a value for each layer
TEMPERATURE = "calibration_temperature"  # the key of config.json; `temperature` means another thing to transformers


@dataclass(frozen=True)
class Classifier:
    """A model with a classification head, its tokenizer, and its topics."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast

    @property
    def topics(self) -> list[str]:
        """Topics in the order of the logits."""
        names = self.model.config.id2label
        return [names[place] for place in range(len(names))]

    @property
    def temperature(self) -> float:
        """The temperature of calibration, by which logits are divided before the softmax; 1 where none was fitted."""
        return float(getattr(self.model.config, TEMPERATURE, 1.0))

    def calibrate(self, temperature: float) -> None:
        """Keep a temperature in config.json; what is copied from this classifier inherits it."""
        setattr(self.model.config, TEMPERATURE, round(temperature, 6))


def forked() -> AbstractContextManager[None]:
    """Inside the block, torch's global generators go on from their state, which is restored after it."""
    # Of several GPUs this process uses one; to fork them all would initialise each, and warn of it.
    return torch.random.fork_rng([torch.cuda.current_device()] if torch.cuda.is_available() else [])


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global generators inside the block, and restore their state after it."""
    with forked():
        torch.manual_seed(seed)
        yield


def read_pairs(classifier: Classifier) -> None:
    """Let a classifier read texts in pairs. It is kept in config.json; what is copied from the classifier inherits it.

    A model that has types of tokens is given them: they say which text of a pair a token is in.
    """
    setattr(classifier.model.config, PAIRS, True)
    if getattr(classifier.model.config, "type_vocab_size", 0) > 1 or token_types(classifier.tokenizer):
        name_types(classifier.tokenizer)


def name_types(tokenizer: PreTrainedTokenizerFast) -> None:
    """Have token types passed to the model, by transformers' pipelines too."""
    names = list(dict.fromkeys([*tokenizer.model_input_names, "token_type_ids"]))
    tokenizer.model_input_names = tokenizer.init_kwargs["model_input_names"] = names


def token_types(tokenizer: PreTrainedTokenizerFast) -> dict[int, int]:
    """Special tokens whose type in a single text is not 0, with their type: XLNet's <cls> has 2."""
    empty = tokenizer("", return_token_type_ids=True)
    return {token: kind for token, kind in zip(empty["input_ids"], empty["token_type_ids"], strict=True) if kind}


def load_classifier(folder: Path) -> Classifier:
    """Load what `save_classifier` wrote.

    Raises:
        UserError: there is no model in that folder.
    """
    if not (folder / "model.safetensors").is_file():
        raise UserError(f"{folder}: no model there: run the stage that makes it first (dvc repro)")
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    remove_cut(tokenizer.backend_tokenizer)
    classifier = Classifier(model, tokenizer)
    if getattr(model.config, PAIRS, False):
        read_pairs(classifier)
    return classifier


def save_classifier(classifier: Classifier, folder: Path) -> None:
    """Write model.safetensors, config.json and the tokenizer's files."""
    classifier.model.save_pretrained(folder)
    if classifier.tokenizer.padding_side == "left":  # XLNet's: transformers knows it by the class, others by the file
        classifier.tokenizer.init_kwargs["padding_side"] = "left"
    classifier.tokenizer.save_pretrained(folder)


@contextmanager
def with_embeddings(model: PreTrainedModel, embeddings: nn.Module) -> Iterator[None]:
    """Give a model other token embeddings inside the block."""
    before = model.get_input_embeddings()
    model.set_input_embeddings(embeddings)
    try:
        yield
    finally:
        model.set_input_embeddings(before)


def output_layer(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """The parameters above the encoder, by name, which turn its output into logits."""
    encoder = model.base_model_prefix + "."
    return {name: parameter for name, parameter in model.named_parameters() if not name.startswith(encoder)}


def freeze_output_layer(model: PreTrainedModel) -> None:
    """Exclude the output layer from all later trainings."""
    for parameter in output_layer(model).values():
        parameter.requires_grad_(False)


def add_to_logits(model: PreTrainedModel, change: Tensor) -> None:
    """Add a number to each topic's logit, for all texts: to the bias of the last layer.

    Args:
        model: a classifier.
        change: [topics].

    Raises:
        UserError: that layer has no bias.
    """
    biases = [
        parameter
        for name, parameter in output_layer(model).items()
        if name.endswith("bias") and parameter.shape == change.shape
    ]
    if not biases:
        kind = model.config.model_type
        raise UserError(f"params.yaml: source_shares: the output layer of {kind} has no bias: set it to false")
    with torch.no_grad():
        biases[-1].add_(change.to(biases[-1]))


def from_random_weights(like: Classifier, seed: int) -> Classifier:
    """The same architecture and tokenizer with new random weights."""
    with seeded(seed):
        return Classifier(type(like.model)(copy.deepcopy(like.model.config)), like.tokenizer)


def encoder_layers(model: PreTrainedModel) -> tuple[str, nn.ModuleList] | None:
    """The list of transformer layers and its name; None where layers share their weights (ALBERT)."""
    if hasattr(model.config, "num_hidden_groups"):
        return None
    depth = model.config.num_hidden_layers
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == depth and name.startswith(model.base_model_prefix):
            return name, module
    return None


def layers_from_the_top(model: PreTrainedModel) -> list[list[nn.Parameter]]:
    """The parameters in groups: the last layer with all above it, each layer below, and at the end the embeddings.

    Layers that share their weights (ALBERT) are one group.
    """
    found = encoder_layers(model)
    depth = len(found[1]) if found else 1
    groups: list[list[nn.Parameter]] = [[] for _ in range(depth + 1)]
    under, embeddings = found is not None, model.get_input_embeddings().weight
    for name, parameter in model.named_parameters():
        layer = _layer_of(name, found[0]) if found else None
        under = under and layer is None
        if layer is not None:
            groups[depth - 1 - layer].append(parameter)
        else:
            groups[depth if under or parameter is embeddings else 0].append(parameter)
    return groups


def fewer_layers(model: PreTrainedModel, layers: int | Sequence[int] | None) -> PreTrainedModel:
    """Copy a model with some of its layers and all other parameters.

    Where layers share their weights, the shared layer is applied fewer times.

    Args:
        model: any classifier of transformers.
        layers: the number of layers to keep, evenly spaced and with the last one; or the layers, numbered from 1;
            None: half of them.

    Raises:
        UserError: the model has fewer layers.
    """
    depth = model.config.num_hidden_layers
    layers = layers or max(1, depth // 2)
    chosen = range(1, layers + 1) if isinstance(layers, int) else layers
    if not 1 <= min(chosen) <= max(chosen) <= depth:
        found_layers = layers if isinstance(layers, int) else list(layers)
        raise UserError(f"params.yaml: distill.layers: found {found_layers}; the teacher has {depth}")
    kept = [layer * depth // len(chosen) - 1 if isinstance(layers, int) else layer - 1 for layer in chosen]
    settings = model.config.to_dict()
    settings |= {key: [settings[key][old] for old in kept] for key in PER_LAYER if isinstance(settings.get(key), list)}
    config = type(model.config).from_dict({**settings, "num_hidden_layers": len(kept)})
    smaller: PreTrainedModel = type(model)(config)
    found = encoder_layers(model)
    state = model.state_dict()
    if found is not None:
        name = found[0]
        new_place = {old: new for new, old in enumerate(kept)}
        state = {_moved(key, name, new_place): value for key, value in state.items() if _stays(key, name, new_place)}
        # ModernBERT's first layer has one norm fewer than the others, as the embeddings below it are normalised.
        extra = {key for key in state if key.startswith(f"{name}.0.")} - smaller.state_dict().keys()
        state = {key: value for key, value in state.items() if key not in extra}
    smaller.load_state_dict(state)
    return smaller


def _layer_of(key: str, name: str) -> int | None:
    match = re.match(re.escape(name) + r"\.(\d+)\.", key)
    return int(match[1]) if match else None


def _stays(key: str, name: str, new_place: dict[int, int]) -> bool:
    layer = _layer_of(key, name)
    return layer is None or layer in new_place


def _moved(key: str, name: str, new_place: dict[int, int]) -> str:
    layer = _layer_of(key, name)
    return key if layer is None else key.replace(f"{name}.{layer}.", f"{name}.{new_place[layer]}.", 1)
