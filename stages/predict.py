"""predict: the topic of texts, as JSON Lines: python -m stages.predict "un texte" (or --file texts.txt, or a pipe)."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from stages.command import command
from stages.corpora.presets import languages_of
from stages.errors import UserError
from stages.parameters import Role, load_parameters
from stages.serving.records import read_records

MODELS: dict[Role, Path] = {
    "source": Path("models/source"),
    "target": Path("models/target"),
    "test": Path("models/transplanted/test"),
}
BATCH = 1024  # texts that are read before the first of them is answered


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m stages.predict", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="what to classify")
    parser.add_argument("--file", type=Path, help="one text a line, or JSON Lines with the key text; - is a pipe")
    parser.add_argument("--language", help="what the texts are written in, and so which model reads them")
    parser.add_argument("--model", help='a folder, or a registered one, such as "models:/crosswiki-fr@champion"')
    parser.add_argument("--all", action="store_true", help="with the probability of every topic")
    given = parser.parse_args(arguments)
    if given.texts and given.file:
        parser.error("texts are given, or a file, not both")
    if not given.texts and not given.file:
        if sys.stdin.isatty():
            parser.error("a text, --file or a pipe is needed")
        given.file = Path("-")
    return given


def choose(language: str | None, model: str | None) -> tuple[Path, str | None, bool]:
    """The folder of the model that is asked for, and what params.yaml says it reads: the language, and with ё folded.

    Raises:
        UserError: no model here reads that language, or there is none in the folder or under the registered name.
    """
    if model and model.startswith("models:/"):
        from stages.serving.registry import fetch

        return fetch(model), None, False  # it says itself what it reads
    params = load_parameters()
    languages = languages_of(params)
    folders = {MODELS[role]: languages[role] for role in MODELS}
    reads = {code: folder for folder, code in folders.items() if code}
    if language and not model and language not in reads:
        raise UserError(f"--language: found {language!r}; the models here read {', '.join(reads)}")
    folder = Path(model) if model else reads[language] if language else MODELS["target"]
    if not (folder / "model.safetensors").is_file():
        raise UserError(f"{folder}: no model there: run the stage that makes it first (dvc repro)")
    return folder, language or folders.get(folder), params.prepare.fold_yo


def main() -> None:
    """Write one JSON object a text to standard output, in the texts' order."""
    given = parse(sys.argv[1:])
    if any(not text.strip() for text in given.texts):
        raise UserError("the text is empty: there is nothing to classify")
    folder, language, fold_yo = choose(given.language, given.model)
    records: Iterable[dict[str, Any]] = [{"text": text} for text in given.texts] or read_records(given.file)
    waiting, unread, total = iter(records), 0, 0
    batch = list(islice(waiting, BATCH))
    from stages.devices import choose_device  # PyTorch and transformers, once the question is known to make sense
    from stages.serving.answers import load_reader

    reader, device = load_reader(folder, language, fold_yo=fold_yo), choose_device("auto")
    while batch:
        for record, answer in zip(batch, reader.answer([r["text"] for r in batch], device), strict=True):
            found = {"topic": answer.topic, "probability": answer.probability, "language": reader.language}
            every = {"probabilities": answer.probabilities} if given.all else {}
            print(json.dumps({**record, **found, "model": given.model or str(folder), **every}, ensure_ascii=False))
            unread += answer.topic is None
        sys.stdout.flush()
        total += len(batch)
        batch = list(islice(waiting, BATCH))
    if unread:
        print(
            f"predict: {unread} of {total} texts have no topic: they are empty, or in letters that the model "
            f"({reader.language}) cannot read",
            file=sys.stderr,
        )


if __name__ == "__main__":
    command(main, arguments=True)
