"""Skip-gram beside gensim and fastText: words a second and word similarity, on the source corpus, in one process.

`make bench` after `make repro`. All train on the same words with the same settings, in turn, but for the noise words
that crosswiki's contexts share (`--shared`). fastText takes part where it is installed (`pip install fasttext-ng`,
which compiles it), without its subwords. Similarity is Spearman's correlation on the files that gensim carries. The
time that each needs to count words is left out.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy
import torch
from gensim.models import KeyedVectors, Word2Vec
from gensim.test.utils import datapath
from numpy.typing import NDArray

from benchmarks.gpu_words import bytes_per_word, copy_bandwidth
from crosswiki.corpora.vocabulary import Vocabulary, load_vocabulary
from crosswiki.embeddings.skipgram.trainer import train_skipgram
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.parameters_of_words import SkipGram

try:
    import fasttext as library
except ImportError:
    library = None

FILES = {"wordsim353": "wordsim353.tsv", "simlex999": "simlex999.txt"}
Result = tuple[float, list[str], NDArray[numpy.float32]]  # words a second, the words, their vectors
System = Callable[["Text", SkipGram, int, torch.device, int], Result]


@dataclass(frozen=True)
class Text:
    """The source corpus, as ids and as words."""

    tokens: NDArray[numpy.int32]
    offsets: NDArray[numpy.int64]
    vocabulary: Vocabulary
    sentences: list[list[str]]


def load_text(folder: Path) -> Text:
    """Read what `prepare` made."""
    vocabulary = load_vocabulary(folder / "vocabulary.tsv")
    tokens, offsets = numpy.load(folder / "tokens.npy"), numpy.load(folder / "offsets.npy")
    documents = numpy.split(tokens, offsets[1:-1])
    return Text(tokens, offsets, vocabulary, [[vocabulary.words[token] for token in some] for some in documents])


def crosswiki(text: Text, settings: SkipGram, seed: int, device: torch.device, threads: int) -> Result:
    """The trainer of this project."""
    started = time.perf_counter()
    trained = train_skipgram(text.tokens, text.offsets, text.vocabulary.counts, settings, seed=seed, device=device)
    rate = len(text.tokens) * settings.epochs / (time.perf_counter() - started)
    return rate, list(text.vocabulary.words), trained.vectors(settings.vectors).numpy()


def gensim(text: Text, settings: SkipGram, seed: int, device: torch.device, threads: int) -> Result:
    """The Word2Vec of gensim."""
    model = Word2Vec(
        vector_size=settings.dim,
        window=settings.window,
        negative=settings.negatives,
        ns_exponent=settings.noise_exponent,
        sample=settings.subsample,
        alpha=settings.learning_rate,
        min_alpha=settings.learning_rate * 1e-4,
        sg=1,
        min_count=1,
        workers=threads,
        seed=seed,
    )
    model.build_vocab(text.sentences)
    started = time.perf_counter()
    model.train(text.sentences, total_examples=len(text.sentences), epochs=settings.epochs)
    rate = len(text.tokens) * settings.epochs / (time.perf_counter() - started)
    return rate, model.wv.index_to_key, model.wv.vectors


def fasttext(text: Text, settings: SkipGram, seed: int, device: torch.device, threads: int) -> Result:
    """FastText's skipgram without subwords; it counts words before it trains, and that time is measured apart."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text"
        path.write_text("\n".join(map(" ".join, text.sentences)) + "\n", encoding="utf-8")

        def run(epochs: int, dim: int) -> tuple[float, Any]:
            started = time.perf_counter()
            model = library.train_unsupervised(
                str(path),
                model="skipgram",
                dim=dim,
                ws=settings.window,
                neg=settings.negatives,
                t=settings.subsample,
                epoch=epochs,
                lr=settings.learning_rate,
                minCount=1,
                minn=0,
                maxn=0,
                bucket=0,
                loss="ns",
                thread=threads,
                verbose=0,
            )
            return time.perf_counter() - started, model

        counting = run(0, 1)[0]
        seconds, model = run(settings.epochs, settings.dim)
        words = [word for word in model.get_words() if word in text.vocabulary.ids]
        vectors = numpy.stack([model.get_word_vector(word) for word in words])
    return len(text.tokens) * settings.epochs / max(seconds - counting, 1e-9), words, vectors


def similarity(words: list[str], vectors: NDArray[numpy.float32]) -> dict[str, float]:
    """Spearman's correlation with people's judgements."""
    keyed = KeyedVectors(vectors.shape[1])
    keyed.add_vectors(words, vectors)
    return {name: round(float(keyed.evaluate_word_pairs(datapath(file))[1][0]), 4) for name, file in FILES.items()}


def systems() -> dict[str, System]:
    """What can be compared here."""
    found: dict[str, System] = {"crosswiki": crosswiki, "gensim": gensim, "fasttext": fasttext}
    return found if library else {name: system for name, system in found.items() if name != "fasttext"}


def measure(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One row for each dim, seed and system; the systems take turns."""
    params = load_parameters()
    device, text = choose_device(arguments.device), load_text(Path("data/prepared/source"))
    threads = arguments.threads
    torch.set_num_threads(threads)
    changes: dict[str, Any] = {
        "epochs": arguments.epochs,
        "learning_rate": arguments.learning_rate,
        "shared_negatives": arguments.shared,
        "vectors": arguments.vectors,
        "window": 5,
        "negatives": 5,
        "ensemble": 1,
        "shards": threads,
    }
    for dim in arguments.dim:
        settings = SkipGram(**{**params.skipgram.model_dump(), **changes, "dim": dim})  # checks the names
        train_skipgram(  # compiles what is not compiled yet
            text.tokens[:1000], numpy.array([0, 1000]), text.vocabulary.counts, settings, seed=0, device=device
        )
        for seed, (name, system) in product(range(1, arguments.runs + 1), systems().items()):
            rate, words, vectors = system(text, settings, seed, device, threads)
            row = {"system": name, "dim": dim, "seed": seed, "words_per_second": round(rate)}
            yield {**row, **similarity(words, vectors)}


def summary(rows: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each dim and system, and crosswiki's ratio to each other system."""
    for dim in dict.fromkeys(row["dim"] for row in rows):
        rates: dict[str, list[int]] = {}
        for name in dict.fromkeys(row["system"] for row in rows):
            trainings = [row for row in rows if row["dim"] == dim and row["system"] == name]
            rates[name] = [row["words_per_second"] for row in trainings]
            quality = ", ".join(f"{file} {statistics.mean(row[file] for row in trainings):.3f}" for file in FILES)
            yield f"dim {dim}: {name}: {statistics.median(rates[name]):,.0f} words/s, {quality}"
        for name in list(rates)[1:]:
            ratios = [rate / other for rate, other in zip(rates["crosswiki"], rates[name], strict=True)]
            low, high = min(ratios), max(ratios)
            yield f"dim {dim}: {statistics.median(ratios):.2f} times {name} ({low:.2f} to {high:.2f})"


def main() -> None:
    """Measure, and print lines for people or rows for machines."""
    parser = argparse.ArgumentParser("python -m benchmarks.skipgram", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--dim", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--runs", type=int, default=3, help="of each, with seeds 1, 2, …")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--learning-rate", type=float, default=0.025)
    parser.add_argument("--shared", type=int, default=10, help="of crosswiki; a window of 5 has 10 contexts at most")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="auto")
    parser.add_argument("--vectors", choices=["sum", "centres"], default="sum", help="of crosswiki")
    parser.add_argument("--json", action="store_true", help="print one row a training and nothing else")
    arguments = parser.parse_args()
    rows = []
    for row in measure(arguments):
        rows.append(row)
        print(json.dumps(row), file=sys.stdout if arguments.json else sys.stderr, flush=True)
    if not arguments.json:
        print("\n".join(summary(rows)))
        device = choose_device(arguments.device)
        if device.type == "cuda":
            settings = load_parameters().skipgram
            for dim in arguments.dim:
                text = load_text(Path("data/prepared/source"))
                moved = bytes_per_word(text.vocabulary.counts, settings.model_copy(update={"dim": dim, "window": 5}))
                bandwidth = copy_bandwidth(device)
                rate = statistics.median(
                    row["words_per_second"] for row in rows if row["dim"] == dim and row["system"] == "crosswiki"
                )
                name = torch.cuda.get_device_name()
                print(f"dim {dim}: {moved:,.0f} bytes a word; {name} copies {bandwidth / 1e9:,.0f} GB/s")
                print(f"dim {dim}: {rate * moved / bandwidth:.1%} of that limit")


if __name__ == "__main__":
    main()
