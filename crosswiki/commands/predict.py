"""Say the topic of texts, as JSON Lines: of texts on the command line, of a file, or of a pipe."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from tqdm import tqdm

from crosswiki.commands.choice import choose_pair, choose_role
from crosswiki.commands.ways import Way, by_gloss, by_model, by_pool
from crosswiki.corpora.text import is_unicode
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.ranks import hidden
from crosswiki.serving.answering import BATCH, Answering
from crosswiki.serving.answers import RUNTIMES
from crosswiki.serving.bulk import KINDS, Row, classify_all, digest_of
from crosswiki.serving.texts import COLUMN, PARQUET, as_json, count_records, read_records


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="what to classify")
    parser.add_argument("--file", type=Path, help="lines, JSON Lines, CSV, TSV or Parquet; - is a pipe of lines")
    parser.add_argument("--text", default=COLUMN, metavar="COLUMN", help="the file's column with the texts (text)")
    parser.add_argument("--pair", metavar="COLUMN", help="the same of second texts, if the model reads pairs (pair)")
    parser.add_argument("--out", type=Path, help="write a file (.jsonl, .csv, .tsv, .parquet); a killed run goes on")
    parser.add_argument("--language", help="what the texts are written in, and so which model reads them")
    parser.add_argument("--model", help='a folder, or a registered one, such as "models:/crosswiki-fr@champion"')
    parser.add_argument(
        "--gloss", action="store_true", help="the teacher reads each text's gloss in its own language, which is shown"
    )
    parser.add_argument(
        "--pool",
        action="store_true",
        help="gloss, nearest articles and the language's model together: slower, for who has no labels to choose by",
    )
    parser.add_argument(
        "--why", action="store_true", help="with the nearest labelled source articles, their topics and their votes"
    )
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
    refused = {
        "--pair is for the texts of a --file or a pipe": arguments.pair and not arguments.file,
        "--out is for the texts of a --file or a pipe": arguments.out and not arguments.file,
        "--gloss is read by the teacher: --model does not go with it": arguments.gloss and arguments.model,
        "--pool reads what this run has left: --model does not go with it": arguments.pool and arguments.model,
        "--pool has a gloss in it: --gloss does not go with it": arguments.pool and arguments.gloss,
        "--runtime is of a single model: --gloss and --pool do not go with it": arguments.runtime != "torch"
        and (arguments.gloss or arguments.pool),
        "--why reads what this run has left: --model does not go with it": arguments.why and arguments.model,
        "--why is printed beside each answer: --out does not go with it": arguments.why and arguments.out,
    }
    for line in (line for line, wrong in refused.items() if wrong):
        arguments.parser.error(line)
    if arguments.out and arguments.out.suffix not in KINDS:
        raise UserError(f"--out: found {arguments.out}; its name must end in {', '.join(KINDS)}")
    if arguments.out and arguments.out.is_dir():
        raise UserError(f"--out: found {arguments.out}, which is a folder: choose another name")
    if arguments.out and arguments.file and arguments.out.resolve() == arguments.file.resolve():
        raise UserError(f"--out: found {arguments.out}, which is the --file: choose another name")
    if not 0 <= arguments.abstain <= 1:
        raise UserError(f"--abstain: found {arguments.abstain:g}; a probability from 0 to 1 is needed")
    if any(not text.strip() for text in arguments.texts):
        raise UserError("the text is empty: there is nothing to classify")
    if not all(map(is_unicode, arguments.texts)):
        raise UserError("the text is not UTF-8: set the terminal to UTF-8, or give a file in UTF-8 with --file")


def run(arguments: argparse.Namespace) -> None:
    """Classify the texts: one JSON object each to standard output, in their order, or all into a file."""
    _check(arguments)
    way = _choose_way(arguments)
    pair = choose_pair(way.folder, arguments.pair)
    records: Iterable[Row] = [{arguments.text: text} for text in arguments.texts]
    if arguments.file:
        records = read_records(arguments.file, arguments.text, pair)
    voters = None
    if arguments.why:
        from crosswiki.evaluation.voters import load_voters

        voters = load_voters(choose_role(arguments.language, "neighbourhoods"))
    waiting = iter(records)
    first = list(islice(waiting, 1))  # a file that cannot be read is known before the model is loaded
    reader, gloss = way.load()
    rows = chain(first, waiting)
    shown = arguments.file and (arguments.out or not sys.stdout.isatty())
    total = count_records(arguments.file) if shown else None
    hide = hidden() if shown else True
    with tqdm(desc="classifying", total=total, unit=" texts", disable=hide, leave=False, dynamic_ncols=True) as bar:
        answering = Answering(
            reader=reader,
            model=way.name,
            column=arguments.text,
            abstain=arguments.abstain,
            every=arguments.all,
            pair=pair,
            voters=voters,
            gloss=gloss,
            done=bar.update,
        )
        remarks = _answer(arguments, rows, answering, way.inputs)
    for line in remarks + answering.remarks():
        print(line, file=sys.stderr)


def _choose_way(arguments: argparse.Namespace) -> Way:
    if arguments.gloss:
        return by_gloss(arguments.language)
    if arguments.pool:
        return by_pool(arguments.language)
    return by_model(arguments.language, arguments.model, arguments.runtime)


def _answer(arguments: argparse.Namespace, rows: Iterator[Row], answering: Answering, models: list[Path]) -> list[str]:
    """Write the answers to where they are wanted, and say how many went into a file."""
    if arguments.out:
        is_file = arguments.file.is_file()  # a pipe's rows do not come again
        job = {**answering.settings, "runtime": arguments.runtime, "inputs": digest_of(arguments.file, *models)}
        like = arguments.file if arguments.file.suffix.lower() == PARQUET else None
        topics, known = answering.reader.topics, job if is_file else None
        done = classify_all(rows, arguments.out, known, answering, topics, like, answering.done)
        before = f", {done:,} of them by an earlier run" if done else ""
        return [f"predict: {arguments.out}: {answering.total + done:,} texts{before}"]
    for batch in iter(lambda: list(islice(rows, BATCH)), []):
        for row in answering(batch):
            print(as_json(row))
        sys.stdout.flush()
    return []
