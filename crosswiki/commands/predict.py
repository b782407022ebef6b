"""Say the topic of texts, as JSON Lines: of texts on the command line, of a file, or of a pipe."""

import argparse
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from crosswiki.corpora.text import is_unicode
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters import Role, load_parameters
from crosswiki.pipeline.presets import languages_of
from crosswiki.serving.answers import RUNTIMES, load_reader
from crosswiki.serving.texts import as_json, read_records, with_answer

MODELS: dict[Role, Path] = {
    "source": Path("models/source"),
    "target": Path("models/target"),
    "test": Path("models/transplanted/test"),
}
BATCH = 1024  # texts that are read and classified at a time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="what to classify")
    parser.add_argument("--file", type=Path, help="one text a line, or JSON Lines with the key text; - is a pipe")
    parser.add_argument("--language", help="what the texts are written in, and so which model reads them")
    parser.add_argument("--model", help='a folder, or a registered one, such as "models:/crosswiki-fr@champion"')
    parser.add_argument("--all", action="store_true", help="with the probability of every topic")
    parser.add_argument("--abstain", type=float, default=0.0, metavar="P", help="no topic below this probability")
    parser.add_argument("--runtime", choices=RUNTIMES, default="torch", help="onnx and int8: of an exported folder")


def _check(arguments: argparse.Namespace) -> None:
    """Refuse combinations of arguments that are not allowed, before anything is loaded."""
    if arguments.texts and arguments.file:
        arguments.parser.error("texts are given, or a file, not both")
    if not arguments.texts and not arguments.file:
        if sys.stdin.isatty():
            arguments.parser.error("a text, --file or a pipe is needed")
        arguments.file = Path("-")
    if not 0 <= arguments.abstain <= 1:
        raise UserError(f"--abstain: found {arguments.abstain:g}; a probability from 0 to 1 is needed")
    if any(not text.strip() for text in arguments.texts):
        raise UserError("the text is empty: there is nothing to classify")
    if not all(map(is_unicode, arguments.texts)):
        raise UserError("the text is not UTF-8: set the terminal to UTF-8, or give a file in UTF-8 with --file")


def choose(language: str | None, model: str | None) -> tuple[Path, str | None, bool]:
    """Choose a model: its folder, and from params.yaml its language and whether it reads ё as е.

    Raises:
        UserError: no model here reads that language, or there is none in the folder or under the registered name.
    """
    if model and model.startswith("models:/"):
        from crosswiki.serving.registry import fetch

        return fetch(model), None, False  # its config.json has both
    params = load_parameters()
    languages = languages_of(params)
    folders = {MODELS[role]: language for role, language in languages.items()}
    reads = {code: folder for folder, code in folders.items() if code}
    if language and not model and language not in reads:
        raise UserError(f"--language: found {language!r}; the models here read {', '.join(reads)}")
    folder = Path(model) if model else reads[language] if language else MODELS["target"]
    if not (folder / "model.safetensors").is_file():
        raise UserError(f"{folder}: no model there: run the stage that makes it first (dvc repro)")
    return folder, language or folders.get(folder), params.prepare.fold_yo


def run(arguments: argparse.Namespace) -> None:
    """Write one JSON object a text to standard output, in the texts' order."""
    _check(arguments)
    folder, language, fold_yo = choose(arguments.language, arguments.model)
    records: Iterable[dict[str, Any]] = [{"text": text} for text in arguments.texts] or read_records(arguments.file)
    waiting, unread, total = iter(records), 0, 0
    batch = list(islice(waiting, BATCH))
    reader = load_reader(folder, language, fold_yo=fold_yo, runtime=arguments.runtime, device="auto")
    while batch:
        for record, answer in zip(batch, reader.answer([r["text"] for r in batch], arguments.abstain), strict=True):
            found = {"topic": answer.topic, "probability": answer.probability, "language": reader.language}
            every = {"probabilities": answer.probabilities} if arguments.all else {}
            print(as_json(with_answer(record, {**found, "model": arguments.model or str(folder), **every})))
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
