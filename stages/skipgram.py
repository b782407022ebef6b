"""skipgram@role: train skip-gram vectors with negative sampling on a language's words."""

from functools import partial
from pathlib import Path

import numpy

from crosswiki.corpora.articles import language_in
from crosswiki.corpora.text import Spelling, normalise
from crosswiki.corpora.vocabulary import load_vocabulary
from crosswiki.embeddings.similarity import load_judgements, spearman
from crosswiki.embeddings.skipgram.ensemble import train_ensemble, training_digest
from crosswiki.embeddings.skipgram.published import finish, read_start
from crosswiki.embeddings.vectors import save_vectors
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import checkpoint_path, remove, replacing, save_curve, write_json
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.paths import checked_file
from crosswiki.pipeline.stage import run_stage, say, stage


def main(role: Role) -> None:
    """Write models/skipgram/{role}/, metrics/skipgram/{role}.json and its loss curve."""
    params = load_parameters()
    settings = params.skipgram
    with stage("skipgram", params, settings, role) as run:
        prepared, device = Path("data/prepared") / role, choose_device(params.device)
        vocabulary = load_vocabulary(prepared / "vocabulary.tsv")
        tokens = numpy.load(prepared / "tokens.npy", mmap_mode="r")
        offsets = numpy.load(prepared / "offsets.npy", mmap_mode="r")
        inputs = [prepared / name for name in ("vocabulary.tsv", "tokens.npy", "offsets.npy")]
        language, spelling = language_in(prepared / "articles.parquet"), Spelling(params.prepare.fold_yo)
        start = None
        if published := getattr(settings.pretrained, role):
            path = checked_file(published, f"skipgram.pretrained.{role}")
            start = read_start(path, vocabulary, params.prepare.max_vocabulary, language, spelling)
            say(f"skipgram@{role}: {start.summary}")
            settings = settings.model_copy(update={"dim": start.centres.shape[1], "ensemble": 1})
        centres = start.centres if start else None
        digest = training_digest(inputs, settings, params.seed, device.type, centres)
        checkpoints = checkpoint_path(f"skipgram {role}", digest)
        ensemble = train_ensemble(
            tokens,
            offsets,
            vocabulary.counts,
            settings,
            seed=params.seed,
            device=device,
            report=run.metrics,
            checkpoints=checkpoints,
            announce=lambda line: say(f"skipgram@{role}: {line}"),
            centres=centres,
        )
        words = finish(vocabulary, ensemble.vectors, settings, start)
        with replacing(Path("models/skipgram") / role, directory=True) as folder:
            save_vectors(words, folder)
        save_curve(ensemble.curve, Path("metrics/plots/skipgram") / f"{role}.csv", x="words")

        normalise_word = partial(normalise, language=language, spelling=spelling)
        judgements = load_judgements(Path("data/similarities") / f"{role}.tsv", normalise_word)
        similarity = spearman(words, judgements)
        summary = {"loss": round(ensemble.final_loss, 6), "vocabulary": len(words.vocabulary), "tokens": len(tokens)}
        write_json(Path("metrics/skipgram") / f"{role}.json", {**summary, "similarity": similarity})
        correlations = {name: scores["spearman"] for name, scores in similarity.items() if "spearman" in scores}
        run.metrics({**summary, **correlations})
        remove(checkpoints)


if __name__ == "__main__":
    run_stage(main, ranks=True)
