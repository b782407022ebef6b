"""Alignment beside MUSE's supervised method (Lample et al. 2018): the same vectors, dictionary and held-out words.

`python -m benchmarks.muse --muse FOLDER` after `make repro`, with FOLDER a clone of facebookresearch/MUSE, whose
supervised.py runs there unchanged. It learns from the same pairs as align and is scored on the same held-out pairs by
its own code: precision under CSLS with 10 neighbours among all words. MUSE keeps the round that scores best on the
held-out words, so its figure is the best of six; align never sees those words.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from crosswiki.corpora.text import Spelling
from crosswiki.embeddings.alignment import Pairs, precision, standardise
from crosswiki.embeddings.seed_dictionary import load_seed_dictionary
from crosswiki.embeddings.vectors import WordVectors, load_vectors
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.stage import ending_clearly

NORMALISED = {"muse": "", "muse centred": "renorm,center,renorm"}  # as published, and with the normalisation of align
AT = (1, 5)


def write_text_vectors(words: WordVectors, path: Path) -> None:
    """Vectors as MUSE reads them: word2vec's text format."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{len(words.vectors)} {words.vectors.shape[1]}\n")
        for word, row in zip(words.vocabulary.words, words.vectors.tolist(), strict=True):
            file.write(f"{word} {' '.join(f'{value:.6g}' for value in row)}\n")


def write_pairs(pairs: Pairs, source: WordVectors, other: WordVectors, path: Path) -> None:
    """A dictionary as MUSE reads it: a word, a space, and the word that it is mapped to, here the source's."""
    names = source.vocabulary.words, other.vocabulary.words
    rows = zip(pairs.other.tolist(), pairs.source.tolist(), strict=True)
    path.write_text("".join(f"{names[1][o]} {names[0][s]}\n" for o, s in rows), encoding="utf-8")


def run_muse(muse: Path, folder: Path, dim: int, normalised: str, rounds: int) -> list[dict[str, float]]:
    """Run MUSE's supervised.py on the files in a folder, and read what it logs of each round.

    Raises:
        UserError: it ended with an error.
    """
    arguments = {
        "src_lang": "other",
        "tgt_lang": "source",
        "src_emb": str(folder / "other.vec"),
        "tgt_emb": str(folder / "source.vec"),
        "dico_train": str(folder / "learnt.txt"),
        "dico_eval": str(folder / "held.txt"),
        "emb_dim": str(dim),
        "max_vocab": "-1",
        "n_refinement": str(rounds),
        "normalize_embeddings": normalised,
        "cuda": str(torch.cuda.is_available()),
        "exp_path": str(folder),
        "exp_name": normalised or "plain",
        "export": "",  # its export is read back by unpickling
    }
    options = [part for name, value in arguments.items() for part in (f"--{name}", value)]
    answer = subprocess.run(
        [sys.executable, "supervised.py", *options], cwd=muse, capture_output=True, text=True, check=False
    )
    records = [line.partition("__log__:")[2] for line in (answer.stdout + answer.stderr).splitlines()]
    found = [json.loads(line) for line in records if line]
    if answer.returncode != 0 or len(found) != rounds + 1:
        raise UserError(f"{muse}/supervised.py: ended with {answer.returncode}: {answer.stderr.strip()[-400:]}")
    return found


def measure(roles: list[Role], muse: Path) -> Iterator[dict[str, Any]]:
    """One row for each role and system, in percent."""
    params = load_parameters()
    settings, spelling = params.align, Spelling(params.prepare.fold_yo)
    source = load_vectors(Path("models/skipgram/source"))
    for role in roles:
        other, aligned = (load_vectors(Path("models") / made / role) for made in ("skipgram", "aligned"))
        seeds = load_seed_dictionary(role, source.vocabulary, other.vocabulary, settings, spelling)
        common = {"role": role, "n": len(seeds.held_out.other.unique()), "dictionary_size": len(seeds.train)}
        at = precision(standardise(source.vectors), aligned.vectors, seeds.held_out, settings.csls_neighbours, AT)
        yield {
            **common,
            "system": "crosswiki",
            **{f"precision_at_{k}": round(100 * share, 2) for k, share in at.items()},
        }
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_text_vectors(source, folder / "source.vec")
            write_text_vectors(other, folder / "other.vec")
            write_pairs(seeds.train, source, other, folder / "learnt.txt")
            write_pairs(seeds.held_out, source, other, folder / "held.txt")
            for system, normalised in NORMALISED.items():
                rounds = run_muse(muse, folder, source.vectors.shape[1], normalised, rounds=5)
                best = max(rounds, key=lambda scores: scores["precision_at_1-csls_knn_10"])
                shares = {f"precision_at_{k}": round(best[f"precision_at_{k}-csls_knn_10"], 2) for k in AT}
                last = round(rounds[-1]["precision_at_1-csls_knn_10"], 2)
                yield {**common, "system": system, **shares, "last_round": last}


def main() -> None:
    """Measure, and print a table for people or rows for machines."""
    parser = argparse.ArgumentParser("python -m benchmarks.muse", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--muse", type=Path, required=True, help="a clone of github.com/facebookresearch/MUSE")
    parser.add_argument("--roles", nargs="+", choices=["target", "test"], default=["target", "test"])
    parser.add_argument("--json", action="store_true", help="print one row a system and nothing else")
    arguments = parser.parse_args()
    if not (arguments.muse / "supervised.py").is_file():
        raise UserError(f"--muse: found {arguments.muse}, which has no supervised.py; a clone of MUSE is needed")
    if not arguments.json:
        print(f"{'role':8} {'system':14} {'P@1':>6} {'P@5':>6} {'P@1 last round':>15} {'words':>6} {'entries':>8}")
    for row in measure(arguments.roles, arguments.muse):
        if arguments.json:
            print(json.dumps(row), flush=True)
            continue
        last = f"{row['last_round']:.1f}" if "last_round" in row else ""
        scores = f"{row['precision_at_1']:6.1f} {row['precision_at_5']:6.1f} {last:>15}"
        print(f"{row['role']:8} {row['system']:14} {scores} {row['n']:6} {row['dictionary_size']:8,}", flush=True)


if __name__ == "__main__":
    with ending_clearly():
        main()
