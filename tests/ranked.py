"""Programs that several ranks run together, each in a process of its own, as a launcher starts them."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
Trained = tuple[list[dict[str, float]], Any]  # the history, and logits


def run_ranks(warm: dict[str, str], count: int, program: str, *arguments: str) -> list[subprocess.Popen[str]]:
    """Start `python -m tests.ranked PROGRAM ARGUMENTS` as so many ranks, each by a `python` that starts at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    meeting = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, **warm}
    command = ["python", "-m", "tests.ranked", program, *arguments]
    return [
        subprocess.Popen(
            command,
            cwd=ROOT,
            executable=shutil.which("python", path=warm["PATH"]),
            env={**os.environ, **meeting, "RANK": str(number), "LOCAL_RANK": str(number)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]


def finish(processes: list[subprocess.Popen[str]]) -> None:
    """Wait for ranks that are to end well."""
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors


def skipgram(folder: Path) -> None:
    """Train four shards on a corpus that each rank makes for itself; every rank writes what it has."""
    import torch
    from safetensors.torch import save_file

    from crosswiki.embeddings.skipgram.trainer import train_skipgram
    from crosswiki.pipeline.ranks import rank, world
    from tests.words import settings_of, zipf

    settings = settings_of(shards=4, words_per_step=2000, dim=20)
    centres = torch.zeros(120, 20)
    centres[:60] = torch.rand(60, 20, generator=torch.Generator().manual_seed(4))  # published ones; others are drawn
    trained = train_skipgram(*zipf(120), settings, seed=3, device=torch.device("cpu"), centres=centres)
    curve = torch.tensor(trained.curve, dtype=torch.float64)
    tensors = {"centres": trained.centres, "contexts": trained.contexts, "curve": curve}
    save_file(tensors, folder / f"{world()}-{rank()}.safetensors")


def trainings(folder: Path) -> None:
    """Every training on a tiny model, with dropout and mixtures; every rank writes what it has."""
    import json

    import torch
    from safetensors.torch import save_file

    from crosswiki.bert import classification, training
    from crosswiki.pipeline.ranks import rank, world

    for module in (classification, training):  # bf16 rounds a gradient's parts, and so their sum, otherwise
        vars(module)["half_precision"] = lambda device: False
    histories, tensors = {}, {}
    for name, train_tiny in TRAININGS.items():
        histories[name], tensors[name] = train_tiny()
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / f"{world()}-{rank()}.tensors")
    (folder / f"{world()}-{rank()}.json").write_text(json.dumps(histories))
    assert torch.distributed.is_initialized() == (world() > 1)


def finetuning() -> Trained:
    """Topics with weights, and mixtures; the last batch has 5 texts."""
    import pandas
    import torch

    from crosswiki.bert.finetuning import finetune
    from crosswiki.bert.mixtures import reading_mixtures
    from tests.test_bert import CPU, TOPICS, tiny_classifier
    from tests.tiny import trio_texts

    classifier, texts = tiny_classifier(layers=2), trio_texts("en")[:29]
    labels = [TOPICS[place] for place in (0, 0, 0, 1, 0, 2, 1) * 4 + (0,)]
    vectors = torch.randn(len(classifier.tokenizer), 8, generator=torch.Generator().manual_seed(0))
    with reading_mixtures(classifier, vectors, 0.3, 4, 0.1):
        table = pandas.DataFrame({"text": texts, "topic": labels})
        history = finetune(classifier, table, schedule(), **options("finetuning"), class_weights="balanced")
    return history, classification_of(classifier, CPU)


def distillation() -> Trained:
    """A teacher's logits and states, and a batch of one text at the end, which one rank reads."""
    from crosswiki.bert.classification import encode, padding, read_texts
    from crosswiki.bert.distillation import UNKNOWN, batch_loss
    from crosswiki.bert.training import train
    from tests.test_bert import CPU, tiny_classifier
    from tests.tiny import trio_texts

    teacher, student, texts = tiny_classifier(1, 2), tiny_classifier(2, 2), trio_texts("en")[:25]
    logits, states = read_texts(teacher, texts, 32, CPU, "test", batch=4)
    columns = {"teacher_logits": logits.tolist(), "teacher_states": states.tolist()}
    rows = encode(texts, student.tokenizer, 32, labels=[0, UNKNOWN, 2, 1, 1] * 5, **columns)
    loss = batch_loss(2.0, 0.7, 0.5)
    history = train(student.model, rows, loss, padding(student.tokenizer), schedule(), **options("distillation"))
    return history, classification_of(student, CPU)


def representations() -> Trained:
    """Parallel texts."""
    from crosswiki.bert.adaptation import distil_representations
    from crosswiki.pipeline.parameters import load_parameters
    from tests.test_bert import CPU, tiny_classifier
    from tests.tiny import trio_texts

    teacher, adapted = tiny_classifier(1, 2), tiny_classifier(2, 2)
    settings = load_parameters(ROOT / "params.yaml").adapt.representation_distillation
    settings = settings.model_copy(update={"batch_size": 8, "steps": 6, "learning_rate": 0.01})
    texts = trio_texts("en")
    pairs = list(zip(texts[:36], reversed(texts[:36]), strict=True))
    history = distil_representations(teacher, adapted, pairs, settings, **options(None), measure=lambda: {"drift": 0.0})
    return history, classification_of(adapted, CPU)


def masked_tokens() -> Trained:
    """Hidden tokens of two languages, whose numbers differ from rank to rank."""
    from crosswiki.bert.masked_language import train_masked_language_model
    from crosswiki.pipeline.parameters import load_parameters
    from tests.test_bert import CPU, tiny_classifier
    from tests.tiny import trio_texts

    source, adapted = tiny_classifier(1, 2), tiny_classifier(2, 2)
    settings = load_parameters(ROOT / "params.yaml").adapt.masked_language_model
    changes = {"batch_size": 7, "steps": 6, "learning_rate": 0.01, "joint": True, "embeddings_only": 0.4}
    embeddings, texts = source.model.get_input_embeddings(), trio_texts("en")
    history = train_masked_language_model(
        adapted,
        texts[:30],
        source,
        embeddings,
        texts[15:45],
        settings.model_copy(update=changes),
        **options(None),
        measure=None,
    )
    return history, classification_of(adapted, CPU)


def interrupted(folder: Path) -> None:
    """The distillation, with a checkpoint after every step; where there is a file `kill`, rank 1 dies in the middle."""
    import signal

    from safetensors.torch import save_file

    from crosswiki.bert import training
    from crosswiki.pipeline.ranks import rank

    training.CHECKPOINT_SECONDS = 0.0
    common = options

    def report(_: dict[str, float], step: int) -> None:
        print(step, file=(folder / f"steps-{rank()}").open("a"))
        if rank() == 1 and step == 4 and (folder / "kill").exists():
            (folder / "kill").unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    globals()["options"] = lambda what: {**common(what), "report": report}
    _, logits = distillation()
    save_file({"logits": logits}, folder / f"{rank()}.safetensors")


TRAININGS = {
    "finetuning": finetuning,
    "distillation": distillation,
    "representations": representations,
    "masked_tokens": masked_tokens,
}


def schedule() -> Any:
    """Two epochs of batches of 8, with dropout."""
    from crosswiki.bert.schedules import Schedule

    return Schedule(2, 8, 0.01, warmup_ratio=0.1, weight_decay=0.01, dropout=0.1)


def options(what: str | None) -> dict[str, Any]:
    """Of `train`; without a name for what names itself."""
    import torch

    common = {"seed": 5, "device": torch.device("cpu"), "report": lambda values, step: None}
    return {**common, "what": what} if what else common


def classification_of(classifier: Any, device: Any) -> Any:
    """The logits of some texts, which the ranks share out."""
    from crosswiki.bert.classification import predict_logits
    from tests.tiny import trio_texts

    return predict_logits(classifier, trio_texts("en")[-19:], 32, device, "test", batch=3)


if __name__ == "__main__":
    from crosswiki.pipeline.ranks import join, leave, started_by_launcher

    if started_by_launcher():
        join("cpu")
    globals()[sys.argv[1]](*map(Path, sys.argv[2:]))
    leave()
