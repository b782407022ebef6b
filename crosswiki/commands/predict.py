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
    parser.add_argument(
        "--gloss", action="store_true", help="the teacher reads each text's gloss in its own language, which is shown"
    )
    parser.add_argument("--all", action="store_true", help="with the probability of every topic")


def _check(arguments: argparse.Namespace) -> None:
    """Refuse combinations of arguments that are not allowed, before anything is loaded."""
    if arguments.texts and arguments.file:
        arguments.parser.error("texts are given, or a file, not both")
    if not arguments.texts and not arguments.file:
        if sys.stdin.isatty():
            arguments.parser.error("a text, --file or a pipe is needed")
        arguments.file = Path("-")
    if arguments.gloss and arguments.model:
        arguments.parser.error("--gloss is read by the teacher: --model does not go with it")
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


def choose_lexicon(language: str | None) -> Path:
    """The folder of the lexicon for a language, or for the target's.

    Raises:
        UserError: no lexicon here is of that language, or its stage has not run.
    """
    languages = languages_of(load_parameters())
    folders = {code: Path("models/gloss") / role for role, code in languages.items() if code and role != "source"}
    if language and language not in folders:
        raise UserError(f"--language: found {language!r}; the lexicons here are of {', '.join(folders)}")
    folder = folders[language] if language else Path("models/gloss/target")
    if not (folder / "lexicon.json").is_file():
        raise UserError(f"{folder}: no lexicon there: run the stage that makes it first (dvc repro gloss)")
    return folder


def run(arguments: argparse.Namespace) -> None:
    """Write one JSON object a text to standard output, in the texts' order."""
    _check(arguments)
    lexicon = choose_lexicon(arguments.language) if arguments.gloss else None
    read = languages_of(load_parameters())["source"] if arguments.gloss else arguments.language
    folder, language, fold_yo = choose(read, arguments.model)
    records: Iterable[dict[str, Any]] = [{"text": text} for text in arguments.texts] or read_records(arguments.file)
    waiting, unread, total = iter(records), 0, 0
    batch = list(islice(waiting, BATCH))
    from crosswiki.pipeline.devices import (
        choose_device,  # imports PyTorch, after the arguments are checked
    )
    from crosswiki.serving.answers import load_reader

    reader, device = load_reader(folder, language, fold_yo=fold_yo), choose_device("auto")
    glosser = None
    if lexicon:
        from crosswiki.embeddings.glossing import load_glosser

        glosser = load_glosser(lexicon, Path("models/skipgram/source"), load_parameters().gloss.context_weight)
    while batch:
        texts = [record["text"] for record in batch]
        if glosser:
            texts = glosser(texts)
            batch = [{**record, "gloss": text} for record, text in zip(batch, texts, strict=True)]
        for record, answer in zip(batch, reader.answer(texts, device), strict=True):
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
