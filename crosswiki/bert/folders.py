"""A source model in a folder, looked at without torch: whether it is there, and whether later stages can take it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crosswiki.bert.truncation import positions_of
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.paths import user_path

PARAMETER = "params.yaml: finetune_source.model"


def model_folder(name: str, parameter: str = PARAMETER) -> Path | None:
    """The folder that a parameter names; None for a model of the hub or of a package.

    `~`, environment variables and relative paths are read as in presets.

    Args:
        name: of the model.
        parameter: the parameter and its file, for the message.

    Raises:
        UserError: it can only be a folder, and there is none.
    """
    if name.startswith("wheel:"):
        return None
    folder = user_path(name)
    if folder.is_dir():
        return folder
    parent = folder.parent
    if name.startswith((".", "/", "~", "$")) or name.count("/") > 1 or (parent != Path() and parent.is_dir()):
        raise UserError(f"{parameter}: {name!r}: no such folder: check its path (relative to the project's folder)")
    return None


def check_folder(name: str, tokens: int, layers: int | Sequence[int] | None) -> None:
    """Compare a model's config.json, if the model is in a folder, with what later stages need.

    Args:
        name: the parameter finetune_source.model.
        tokens: the parameter finetune_source.max_length.
        layers: the parameter distill.layers.

    Raises:
        UserError: no model is there, or none that later stages can take with these parameters.
    """
    folder = model_folder(name)
    if folder is None:
        return
    config = _config(folder, name)
    if not any(folder.glob("*.safetensors")):
        raise UserError(f"{PARAMETER}: {name!r}: no *.safetensors in it: save the model with save_pretrained")
    kind = config["model_type"]
    if config.get("is_encoder_decoder"):
        raise UserError(f"{PARAMETER}: {name!r} ({kind}) has a decoder: an encoder such as BERT is needed")
    positions = positions_of(config)
    if positions and positions < tokens:
        raise UserError(f"params.yaml: finetune_source.max_length: found {tokens}; the model reads {positions} tokens")
    depth = next((config[key] for key in ("num_hidden_layers", "n_layers", "n_layer") if key in config), None)
    most = layers if isinstance(layers, int) else max(layers or [0])
    if isinstance(depth, int) and most > depth:
        found = layers if isinstance(layers, int) else list(layers or [])
        raise UserError(f"params.yaml: distill.layers: found {found}; the teacher has {depth}")


def _config(folder: Path, name: str) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise UserError(f"{PARAMETER}: {name!r}: no config.json in it, so no model")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise UserError(f"{path}: no model_type in it, so no model of transformers")
    return config
