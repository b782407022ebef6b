"""skipgram@role: train skip-gram vectors with negative sampling on a language's words."""

import time
from pathlib import Path

import numpy
from tqdm import tqdm

from stages.command import command, stage
from stages.corpora.vocabulary import load_vocabulary
from stages.devices import choose_device
from stages.embeddings.skipgram import train_skipgram
from stages.embeddings.vectors import WordVectors, save_vectors
from stages.evaluation.curves import save_curve
from stages.outputs import replacing, write_json
from stages.parameters import Role, load_parameters


def main(role: Role) -> None:
    """Write models/skipgram/{role}/, metrics/skipgram/{role}.json and its loss curve."""
    params = load_parameters()
    with stage("skipgram", params, params.skipgram, role) as run:
        prepared = Path("data/prepared") / role
        vocabulary = load_vocabulary(prepared / "vocabulary.tsv")
        tokens = numpy.load(prepared / "tokens.npy", mmap_mode="r")
        offsets = numpy.load(prepared / "offsets.npy", mmap_mode="r")
        curve: list[tuple[int, float]] = []
        started = time.perf_counter()
        total = len(tokens) * params.skipgram.epochs
        with tqdm(total=total, desc="skip-gram", unit=" words", unit_scale=True, disable=None, leave=False) as bar:

            def report(read: int, loss: float) -> None:
                curve.append((read, loss))
                bar.set_postfix(loss=f"{loss:.3f}")
                bar.update(read - bar.n)
                run.metrics({"loss": loss, "words_per_second": read / (time.perf_counter() - started)}, step=read)

            centres, contexts = train_skipgram(
                tokens,
                offsets,
                vocabulary.counts,
                **params.skipgram.model_dump(),
                seed=params.seed,
                device=choose_device(params.device),
                report=report,
            )
        with replacing(Path("models/skipgram") / role, directory=True) as folder:
            save_vectors(WordVectors(vocabulary, centres), folder, contexts=contexts)
        save_curve(curve, Path("metrics/plots/skipgram") / f"{role}.csv", x="words")
        tail = [loss for _, loss in curve[-max(1, len(curve) // 10) :]]
        summary = {"loss": round(float(numpy.mean(tail)), 6), "vocabulary": len(vocabulary), "tokens": len(tokens)}
        write_json(Path("metrics/skipgram") / f"{role}.json", summary)
        run.metrics(summary)


if __name__ == "__main__":
    command(main)
