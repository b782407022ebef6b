"""skipgram@role: train skip-gram vectors with negative sampling on a language's words."""

import hashlib
import time
from functools import partial
from pathlib import Path

import numpy
import torch
from tqdm import tqdm

from crosswiki.corpora.articles import language_in
from crosswiki.corpora.text import Spelling, normalise
from crosswiki.corpora.vocabulary import load_vocabulary
from crosswiki.embeddings.similarity import load_judgements, spearman
from crosswiki.embeddings.skipgram.trainer import Trained, train_skipgram
from crosswiki.embeddings.subwords import draw_to_parts
from crosswiki.embeddings.vectors import WordVectors, save_vectors
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import checkpoint_path, remove, replacing, save_curve, write_json
from crosswiki.pipeline.parameters import Parameters, Role, load_parameters
from crosswiki.pipeline.stage import run_stage, stage


def digest(prepared: Path, params: Parameters, device: str) -> str:
    """A name for all that the vectors depend on: parameters, text, code and kind of device."""
    settings = f"{params.seed} {device} {params.skipgram.model_dump_json()}"
    code = [Path(__file__), *Path(__file__).with_name("embeddings").glob("*.py")]
    files = [prepared / name for name in ("vocabulary.tsv", "tokens.npy", "offsets.npy")] + sorted(code)
    whole = hashlib.blake2b(settings.encode(), digest_size=12)
    for path in files:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "blake2b").digest())
    return whole.hexdigest()


def main(role: Role) -> None:
    """Write models/skipgram/{role}/, metrics/skipgram/{role}.json and its loss curve."""
    params = load_parameters()
    with stage("skipgram", params, params.skipgram, role) as run:
        prepared = Path("data/prepared") / role
        vocabulary = load_vocabulary(prepared / "vocabulary.tsv")
        tokens = numpy.load(prepared / "tokens.npy", mmap_mode="r")
        offsets = numpy.load(prepared / "offsets.npy", mmap_mode="r")
        device = choose_device(params.device)
        checkpoints = checkpoint_path(f"skipgram {role}", digest(prepared, params, device.type))
        started, text = time.perf_counter(), len(tokens) * params.skipgram.epochs
        total = text * params.skipgram.ensemble
        runs: list[Trained] = []
        with tqdm(total=total, desc="skip-gram", unit=" words", unit_scale=True, disable=None, leave=False) as bar:

            def report(read: int, loss: float) -> None:
                read += text * len(runs)
                bar.set_postfix(loss=f"{loss:.3f}")
                bar.update(read - bar.n)
                run.metrics({"loss": loss, "words_per_second": read / (time.perf_counter() - started)}, step=read)

            for number in range(params.skipgram.ensemble):
                trained = train_skipgram(
                    tokens,
                    offsets,
                    vocabulary.counts,
                    params.skipgram,
                    seed=params.seed * params.skipgram.ensemble + number,
                    device=device,
                    report=report,
                    checkpoint=checkpoints / f"{number}.safetensors",
                )
                runs.append(trained)
        own = torch.cat([trained.vectors(params.skipgram.vectors) for trained in runs], dim=1)
        words = WordVectors(vocabulary, draw_to_parts(WordVectors(vocabulary, own), params.skipgram.subword_prior))
        contexts = torch.cat([trained.contexts for trained in runs], dim=1)
        points: dict[int, list[float]] = {}  # a run may have drawn no pair where another has, and lack that point
        for trained in runs:
            for read, loss in trained.curve:
                points.setdefault(read, []).append(loss)
        curve = [(read, sum(losses) / len(losses)) for read, losses in sorted(points.items())]
        with replacing(Path("models/skipgram") / role, directory=True) as folder:
            save_vectors(words, folder, contexts=contexts)
        save_curve(curve, Path("metrics/plots/skipgram") / f"{role}.csv", x="words")
        tail = [loss for _, loss in curve[-max(1, len(curve) // 10) :]]
        summary = {"loss": round(float(numpy.mean(tail)), 6), "vocabulary": len(vocabulary), "tokens": len(tokens)}
        language, spelling = language_in(prepared / "articles.parquet"), Spelling(params.prepare.fold_yo)
        spelled = partial(normalise, language=language, spelling=spelling)
        judged = load_judgements(Path("data/similarities") / f"{role}.tsv", spelled)
        alike = spearman(words, judged)
        write_json(Path("metrics/skipgram") / f"{role}.json", {**summary, "similarity": alike})
        run.metrics({**summary, **{name: scores["spearman"] for name, scores in alike.items() if "spearman" in scores}})
        remove(checkpoints)


if __name__ == "__main__":
    run_stage(main)
