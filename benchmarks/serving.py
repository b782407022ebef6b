"""Start-up, memory and texts per second of an exported folder: PyTorch, ONNX, 8 bits, and transformers' own pipeline.

    crosswiki export /tmp/model
    python -m benchmarks.serving /tmp/model --beside models/source

Each system runs in a process of its own, on the threads that --threads names. `beside` is another model for
transformers' pipeline, say the fine-tuned six-layer one that people would take instead. Texts are the first 512 of the
target's test split as data/prepared has them, or the lines of --texts. On a machine that does other work meanwhile the
figures are lower bounds.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

BATCHES = (1, 32)
TEXTS = 512
SECONDS = 5.0  # for which each batch size is repeated, at least
SYSTEMS = ("torch", "onnx", "int8", "pipeline")


def texts_of(file: Path | None) -> list[str]:
    """The texts to classify."""
    if file:
        return file.read_text(encoding="utf-8").splitlines()[:TEXTS]
    import pandas

    articles = pandas.read_parquet("data/prepared/target/articles.parquet", columns=["split", "text"])
    return [str(text) for text in articles.loc[articles["split"] == "test", "text"].iloc[:TEXTS]]


def classifier(system: str, folder: Path) -> Callable[[list[str]], object]:
    """What classifies a batch of texts."""
    if system == "pipeline":
        from transformers import pipeline

        classify = pipeline("text-classification", model=str(folder), device="cpu", truncation=True)
        return lambda texts: classify(texts, batch_size=len(texts))
    from crosswiki.serving.answers import load_reader

    return load_reader(folder, runtime=system).answer


def measure(system: str, folder: Path, texts: list[str], threads: int) -> dict[str, float]:
    """Measure a system in this process."""
    started = time.perf_counter()
    classify = classifier(system, folder)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)
    classify(texts[:1])
    measured = {"start-up s": time.perf_counter() - started}
    for batch in BATCHES:
        classify(texts[:batch])
        times: list[float] = []
        while sum(times) < SECONDS:
            start = len(times) * batch % len(texts)
            before = time.perf_counter()
            classify(texts[start : start + batch])
            times.append(time.perf_counter() - before)
        measured[f"texts/s at {batch}"] = batch * len(times) / sum(times)
        ranked = sorted(times)
        for share in (50, 99):
            measured[f"p{share} ms at {batch}"] = 1000 * ranked[len(ranked) * share // 100]
    measured["memory MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return measured


def main() -> None:
    """Measure each system in a process of its own, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of crosswiki export")
    parser.add_argument("--beside", type=Path, help="another model for transformers' pipeline")
    parser.add_argument("--texts", type=Path, help="lines to classify")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--system", choices=SYSTEMS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.system:
        print(json.dumps(measure(given.system, given.folder, texts_of(given.texts), given.threads[0])))
        return
    rows = [(system, given.folder) for system in SYSTEMS]
    rows += [("pipeline", given.beside)] if given.beside else []
    heads: list[str] = []
    for threads in given.threads:
        for system, folder in rows:
            command = [sys.executable, "-m", "benchmarks.serving", str(folder), "--system", system]
            command += ["--threads", str(threads), *(["--texts", str(given.texts)] if given.texts else [])]
            environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
            output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
            found = json.loads(output.splitlines()[-1])
            if not heads:
                heads = list(found)
                print(f"| threads | system | model | {' | '.join(heads)} |\n|{' --- |' * (3 + len(heads))}")
            cells = " | ".join(f"{found[head]:,.1f}" for head in heads)
            print(f"| {threads} | {system} | {folder.name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
