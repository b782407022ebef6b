"""A clone of the project with the tiny trio in English, Chinese and Russian, and a tiny source model."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from ruamel.yaml import YAML
from transformers import BertConfig, BertModel, BertTokenizerFast

from stages.bert.tokenization import train_tokenizer

ROOT = Path(__file__).parent.parent
TRIO = ROOT / "tests" / "trio"


def trio_texts(language: str) -> list[str]:
    lines = (TRIO / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def tiny_tokenizer(texts: list[str], vocabulary: int = 600) -> BertTokenizerFast:
    letters = sorted({letter for text in texts for letter in text.lower()})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    blank = BertTokenizerFast(vocab={token: place for place, token in enumerate([*special, *letters])})
    return train_tokenizer(blank, texts, vocabulary)


def make_tiny_model(folder: Path) -> None:
    """A BERT with random weights, four layers of 32, and a tokenizer trained on the English articles."""
    tokenizer = tiny_tokenizer(trio_texts("en"))
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def clean_environment(**changes: str) -> dict[str, str]:
    """This interpreter's programs first on the PATH, one thread each, as the tests share the cores, and no settings."""
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "MLFLOW_", "CROSSWIKI_"))
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", "")])
    settings = {"HF_HUB_OFFLINE": "1", "DVC_NO_ANALYTICS": "1", "PYTHONPATH": "", "OMP_NUM_THREADS": "1"}
    return {**inherited, "PATH": path, **settings, **changes}


def run(folder: Path, *command: str, status: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a clone, with this interpreter's programs first on the PATH and no network settings."""
    answer = subprocess.run(
        command, cwd=folder, env=clean_environment(**environment), capture_output=True, text=True, check=False
    )
    if status is not None:
        assert answer.returncode == status, (
            f"{command} ended with {answer.returncode}\n{answer.stdout}\n{answer.stderr}"
        )
    return answer


def clone(folder: Path) -> Path:
    """Copy what git knows of the project's working tree, set it up for the tiny trio, and commit it."""
    names = run(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard", "-z").stdout.split("\0")
    for name in names:
        if name and (ROOT / name).is_file() and name != "dvc.lock" and not name.startswith("metrics/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    shutil.copy2(TRIO / "corpus.yaml", folder / "data" / "corpora" / "trio.yaml")
    make_tiny_model(folder / "models" / "tiny")
    yaml = YAML()
    params = yaml.load((folder / "params.yaml").read_text(encoding="utf-8"))
    small = YAML(typ="safe", pure=True).load((TRIO / "params.yaml").read_text(encoding="utf-8"))
    _update(params, small)
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)
    run(folder, "git", "init", "-q")
    run(folder, "git", "config", "user.name", "test")
    run(folder, "git", "config", "user.email", "test@example.org")
    run(folder, "git", "add", "-A")
    run(folder, "git", "commit", "-qm", "tiny")
    return folder


def _update(values: Any, changes: dict[str, Any]) -> None:
    for key, change in changes.items():
        if isinstance(change, dict):
            _update(values[key], change)
        else:
            values[key] = change
