"""A clone of the project with the tiny trio in English, Chinese and Russian, and a tiny source model."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import torch
from ruamel.yaml import YAML
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer, UnigramTrainer
from transformers import (
    AlbertConfig,
    AlbertTokenizerFast,
    AutoModel,
    BertConfig,
    BertTokenizerFast,
    ModernBertConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaTokenizerFast,
    XLNetConfig,
    XLNetTokenizerFast,
)

from crosswiki.bert.tokenization import train_tokenizer

ROOT = Path(__file__).parent.parent
TRIO = ROOT / "tests" / "trio"
MULTILINGUAL = ("xlm-roberta", "modernbert")  # kinds whose tiny models have read all three languages
STAGES = (  # in an order in which they can run
    *(f"{stage}@{role}" for stage in ("download", "prepare", "skipgram") for role in ("source", "target", "test")),
    *(
        "align@target",
        "align@test",
        "gloss@target",
        "gloss@test",
        "finetune_source",
        "transplant@target",
        "transplant@test",
        "adapt@target",
    ),
    *("neighbourhood", "distill", "finetune_target", "baselines", "peers", "evaluate", "report", "register"),
)


def trio_texts(language: str) -> list[str]:
    lines = (TRIO / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def tiny_tokenizer(texts: list[str], vocabulary: int = 600, **settings: Any) -> BertTokenizerFast:
    letters = sorted({letter for text in texts for letter in text.lower()})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    blank = BertTokenizerFast(vocab={token: place for place, token in enumerate([*special, *letters])}, **settings)
    return train_tokenizer(blank, texts, vocabulary)


def special_first(kind: str) -> list[str]:
    """Special tokens in the order of the published tokenizers."""
    if kind == "xlnet":
        return ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]
    return ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"] if kind == "albert" else ["<s>", "<pad>", "</s>", "<unk>"]


def tiny_tokenizer_like(kind: str, texts: list[str]) -> PreTrainedTokenizerFast:
    """A tokenizer of the kind that a published model has: WordPiece, BPE of bytes, or unigram."""
    if kind == "bert":
        return tiny_tokenizer(texts)
    special = special_first(kind)
    if kind == "modernbert":
        return _tiny_bpe(texts)
    if kind == "roberta":
        trainer: Any = BpeTrainer(
            vocab_size=600, special_tokens=special, initial_alphabet=ByteLevel.alphabet(), show_progress=False
        )
        model = json.loads(_trained(RobertaTokenizerFast(), texts, trainer))["model"]
        vocabulary = {**model["vocab"], "<mask>": len(model["vocab"])}  # RoBERTa's is the last one
        return RobertaTokenizerFast(vocab=vocabulary, merges=[tuple(pair) for pair in model["merges"]])
    known: dict[str, Any] = {"unk_token": "<unk>", "special_tokens": special}
    trainer = UnigramTrainer(vocab_size=2000 if kind in MULTILINGUAL else 600, show_progress=False, **known)
    tokenizers = {"xlnet": XLNetTokenizerFast, "xlm-roberta": XLMRobertaTokenizerFast, "albert": AlbertTokenizerFast}
    tokenizer: Any = tokenizers[kind]
    model = json.loads(_trained(tokenizer(), texts, trainer))["model"]
    last = [("<mask>", 0.0)] if kind == "xlm-roberta" else []
    return tokenizer(vocab=[(piece, score) for piece, score in model["vocab"]] + last)


def _tiny_bpe(texts: list[str]) -> PreTrainedTokenizerFast:
    """As ModernBERT's, which has no class of its own: byte-level BPE with special tokens at the end."""
    blank = Tokenizer(BPE())
    blank.pre_tokenizer = ByteLevel(add_prefix_space=False)
    alphabet = ByteLevel.alphabet()
    blank.train_from_iterator(texts, BpeTrainer(vocab_size=900, initial_alphabet=alphabet, show_progress=False))
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    blank.add_special_tokens(special)
    around = [(token, blank.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    single, pair = "[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]"
    blank.post_processor = TemplateProcessing(single=single, pair=pair, special_tokens=around)
    names = dict(zip(("unk", "cls", "sep", "pad", "mask"), special, strict=True))
    return PreTrainedTokenizerFast(
        tokenizer_object=blank,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{part}_token": token for part, token in names.items()},
    )


def _trained(like: PreTrainedTokenizerFast, texts: list[str], trainer: Any) -> str:
    blank = Tokenizer.from_str(
        json.dumps({**json.loads(like.backend_tokenizer.to_str()), "added_tokens": [], "post_processor": None})
    )
    blank.train_from_iterator(texts, trainer)
    return blank.to_str()


def make_tiny_model(folder: Path, kind: str = "bert", deviation: float = 0.02, tokens: int = 64) -> None:
    """A model with random weights, four layers of 32, and a tokenizer trained on the English articles.

    Its kind is bert, roberta, albert (whose layers share their weights, and whose embeddings are narrower) or xlnet, or
    one of `MULTILINGUAL`.
    With weights of a usual deviation it says nearly the same of all texts; with larger ones it does not. `tokens` are
    what a bert reads at most.
    """
    languages = ("en", "zh", "ru") if kind in MULTILINGUAL else ("en",)
    tokenizer = tiny_tokenizer_like(kind, [text for language in languages for text in trio_texts(language)])
    size = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id, "initializer_range": deviation}
    long = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64}
    config: Any = {
        "bert": lambda: BertConfig(**size, **long, max_position_embeddings=tokens),
        "roberta": lambda: RobertaConfig(**size, **long, max_position_embeddings=66, type_vocab_size=1),
        "albert": lambda: AlbertConfig(**size, **long, embedding_size=16, max_position_embeddings=64),
        "xlm-roberta": lambda: XLMRobertaConfig(**size, **long, max_position_embeddings=66, type_vocab_size=1),
        "modernbert": lambda: ModernBertConfig(
            **size,
            **long,
            **dict.fromkeys(("bos_token_id", "eos_token_id")),
            **{f"{part}_token_id": getattr(tokenizer, f"{part}_token_id") for part in ("cls", "sep")},
            max_position_embeddings=64,
            local_attention=16,
            global_attn_every_n_layers=2,
        ),
        "xlnet": lambda: XLNetConfig(**size, d_model=32, n_layer=4, n_head=4, d_inner=64),
    }[kind]()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModel.from_config(config)
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
    # Into files, as a worker of DVC's queue that stays behind would keep a pipe open.
    with TemporaryFile("w+") as out, TemporaryFile("w+") as error:
        variables = clean_environment(**environment)
        code = subprocess.run(command, cwd=folder, env=variables, stdout=out, stderr=error, check=False).returncode
        texts = [file.read() for file in (out, error) if file.seek(0) == 0]
    answer = subprocess.CompletedProcess(command, code, *texts)
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
    kernels = Path("crosswiki/embeddings/skipgram/__pycache__")
    for path in (ROOT / kernels).glob("*.nb[ci]"):  # what numba has compiled, and finds by its source's time and size
        (folder / kernels).mkdir(exist_ok=True)
        shutil.copy2(path, folder / kernels)
    shutil.copy2(TRIO / "corpus.yaml", folder / "data" / "corpora" / "trio.yaml")
    make_tiny_model(folder / "models" / "tiny")
    yaml = YAML()
    params = yaml.load((folder / "params.yaml").read_text(encoding="utf-8"))
    small = YAML(typ="safe", pure=True).load((TRIO / "params.yaml").read_text(encoding="utf-8"))
    _update(params, small)
    params["peers"]["encoders"] = small["peers"]["encoders"]  # no network: the tiny source model, frozen
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)
    run(folder, "git", "init", "-q")
    run(folder, "git", "config", "user.name", "test")
    run(folder, "git", "config", "user.email", "test@example.org")
    run(folder, "git", "add", "-A")
    run(folder, "git", "commit", "-qm", "tiny")
    return folder


def run_stages(folder: Path, *names: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run stages in a clone, say adapt or align@target, without records: all in one process, as each takes seconds."""
    lines = ["import importlib, sys", "for name in sys.argv[1:]:", "    stage, *role = name.split('@')"]
    lines.append("    main = importlib.import_module(f'stages.{stage}').main")
    lines.append("    main(*role[: main.__code__.co_argcount])")  # adapt@target asks for no role
    settings = {"CROSSWIKI_TRACKING": "off", "DVC_ROOT": str(folder), **environment}
    return run(folder, "python", "-c", "\n".join(lines), *names, **settings)


def stages_made(output: str) -> list[str]:
    """The stages that say, in their last line, what they have made."""
    return re.findall(r"^(\S+): made \S+ \([\d.]+ [kM]B\).* in [\d.]+ s$", output, re.MULTILINE)


def finished_clone(folder: Path) -> Path:
    """A clone in which every stage has run, all in one process, and whose results are committed.

    Its hashes of strings are others than any other test's: what does not depend on them is the same all the same.
    """
    clone(folder)
    answer = run_stages(folder, *STAGES, PYTHONHASHSEED="7")
    assert stages_made(answer.stdout) == list(STAGES)
    run(folder, "dvc", "commit", "--force")
    run(folder, "git", "add", "dvc.lock", "metrics")
    run(folder, "git", "commit", "--quiet", "--message", "A first run")
    return folder


def results_alone(folder: Path, other: Path) -> Path:
    """Copy a clone's working tree, without what git, DVC and MLflow keep: for stages that are run by hand."""
    kept = shutil.ignore_patterns(".git", ".dvc", ".checkpoints", "mlruns", "mlflow.db")
    return Path(shutil.copytree(folder, other, ignore=kept))


def _update(values: Any, changes: dict[str, Any]) -> None:
    for key, change in changes.items():
        if isinstance(change, dict) and key in values:
            _update(values[key], change)
        else:
            values[key] = change
