"""One GPU, in nine minutes: skip-gram, training and prediction, what determinism costs, and whether two runs agree.

`python -m benchmarks.gpu` prints JSON. Texts are random words by Zipf's law, and models have random weights: speed
depends on neither. Word similarity needs `data/prepared/source` (any machine's) and gensim; without them it is null, as
is what the time did not suffice for. `--small` goes through all of it on a CPU in seconds; its figures mean nothing.
"""

import argparse
import importlib.util
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_models import Form, examples_a_second, label_step, predictions_a_second, weights_after
from benchmarks.gpu_words import Texts, bytes_per_word, copy_bandwidth, skipgram_bytes, words_a_second, zipf
from crosswiki.bert.distillation import batch_loss
from crosswiki.embeddings.skipgram.trainer import train_skipgram
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.parameters_of_words import SkipGram

Figure = tuple[str, Callable[[], Any]]  # a name, and what measures it


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    tokens: int = 200_000_000
    words: int = 400_000
    dims: tuple[int, ...] = (100, 300)
    form: Form = field(default_factory=Form)
    batches: tuple[int, ...] = (32, 256)
    compiling: bool = True
    seconds: float = 8.0  # for each figure
    limit: float = 500.0  # for all of them
    epochs: int = 20  # on the English corpus
    copied: int = 2**28  # numbers in the copy that measures bandwidth


SMALL = Size(
    tokens=20_000,
    words=300,
    dims=(8, 24),
    form=Form(layers=1, hidden=16, vocabulary=100, length=8),
    batches=(2, 4),
    compiling=False,
    seconds=0.05,
    epochs=1,
    copied=2**10,
)


def word_figures(size: Size, device: torch.device, texts: Texts, settings: SkipGram) -> Iterator[Figure]:
    """Skip-gram's speed, beside what the device's memory allows."""
    bandwidth = copy_bandwidth(device, size.copied)
    yield "copy_gigabytes_per_second", lambda: bandwidth / 1e9
    for dim in size.dims:
        changed = settings.model_copy(update={"dim": dim})
        moved = bytes_per_word(texts[2], changed)

        def speed(changed: SkipGram = changed, moved: float = moved) -> dict[str, float]:
            rate = words_a_second(texts, changed, device, 2 * size.seconds)
            return {
                "words_per_second": round(rate),
                "bytes_per_word": round(moved),
                "share_of_bandwidth": rate * moved / bandwidth,
            }

        yield f"skipgram.dim_{dim}", speed


def model_figures(size: Size, device: torch.device, compiled: bool) -> Iterator[Figure]:
    """Examples a second of `finetune_source`, of `distill` and of its student's predictions."""
    kind = "compiled" if compiled else "eager"
    distil = batch_loss(temperature=2.0, soft=0.7, hidden=0.0)
    half = max(1, size.form.layers // 2)
    trainings = {"finetune_source": (label_step, size.form.layers), "distill": (distil, half)}
    for batch, (name, (loss, layers)) in product(size.batches, trainings.items()):
        work = partial(examples_a_second, size.form, layers, loss, batch, device, size.seconds, compiled)
        yield f"{name}.batch_{batch}.{kind}_examples_per_second", work
    for batch in size.batches:
        work = partial(predictions_a_second, size.form, half, batch, device, size.seconds, compiled)
        yield f"prediction.batch_{batch}.{kind}_examples_per_second", work


@contextmanager
def deterministic() -> Iterator[None]:
    """Only algorithms whose result does not depend on threads' timing."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def deterministic_figures(size: Size, device: torch.device, texts: Texts, settings: SkipGram) -> Iterator[Figure]:
    """Whether two runs agree, and what it costs that they do."""

    def inside(work: Callable[[], Any]) -> Any:
        with deterministic():
            return work()

    def agree(work: Callable[[], str]) -> bool:
        return work() == work()

    settings, batch = settings.model_copy(update={"dim": size.dims[0]}), size.batches[0]
    works = {
        "skipgram": partial(skipgram_bytes, texts, settings, device),
        "finetune_source": partial(weights_after, size.form, batch, device),
    }
    for name, work in works.items():
        yield f"two_runs_agree.{name}.usual", partial(agree, work)
        yield f"two_runs_agree.{name}.deterministic", partial(inside, partial(agree, work))
    words = partial(words_a_second, texts, settings, device, size.seconds)
    yield "deterministic.skipgram_words_per_second", partial(inside, words)
    layers = size.form.layers
    examples = partial(examples_a_second, size.form, layers, label_step, batch, device, size.seconds, compiled=False)
    yield "deterministic.finetune_source_examples_per_second", partial(inside, examples)


def similarities(device: torch.device, epochs: int) -> dict[str, Any] | None:
    """Word similarity of vectors of the English corpus, from this device and from the CPU."""
    folder = Path("data/prepared/source")
    if importlib.util.find_spec("gensim") is None or not folder.is_dir():
        return None
    from benchmarks.skipgram import load_text, similarity  # with gensim

    text, settings = load_text(folder), load_parameters().skipgram.model_copy(update={"epochs": epochs})
    found = {}
    for name in dict.fromkeys((device.type, "cpu")):
        started, where = time.perf_counter(), torch.device(name)
        trained = train_skipgram(text.tokens, text.offsets, text.vocabulary.counts, settings, seed=1, device=where)
        rate = len(text.tokens) * epochs / (time.perf_counter() - started)
        scores = similarity(list(text.vocabulary.words), trained.vectors(settings.vectors).numpy())
        found[name] = {**scores, "words_per_second": round(rate)}
    return found


def figures(size: Size, device: torch.device) -> Iterator[Figure]:
    """All that is measured; what takes longest comes last."""
    settings = load_parameters().skipgram.model_copy(update={"window": 5})
    texts = zipf(size.tokens, size.words)
    yield from word_figures(size, device, texts, settings)
    yield from model_figures(size, device, compiled=False)
    yield from deterministic_figures(size, device, texts, settings)
    yield "similarity", partial(similarities, device, size.epochs)
    if size.compiling:
        yield from model_figures(size, device, compiled=True)


def rounded(value: Any) -> Any:
    """A figure, or figures by name, with as many digits as mean something."""
    if isinstance(value, dict):
        return {name: rounded(inner) for name, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    """Measure, and print JSON."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # which deterministic matrix products need
    parser = argparse.ArgumentParser("python -m benchmarks.gpu", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--small", action="store_true", help="everything once and tiny, on a CPU too")
    arguments = parser.parse_args()
    device, size = choose_device(arguments.device), SMALL if arguments.small else Size()
    name = torch.cuda.get_device_name() if device.type == "cuda" else device.type
    started, found = time.perf_counter(), dict[str, Any]()
    for figure, work in figures(size, device):
        found[figure] = rounded(work()) if time.perf_counter() - started < size.limit else None
    seconds = round(time.perf_counter() - started, 1)
    print(json.dumps({"device": name, "torch": torch.__version__, **found, "seconds": seconds}, indent=2))


if __name__ == "__main__":
    main()
