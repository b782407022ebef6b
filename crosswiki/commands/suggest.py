"""Choose texts of the target language to label next, and write them as CSV with an empty column for the labels.

Half are drawn at random. The other half are those on which the transplanted model, the distilled one and the word
vectors disagree most, spread over what the texts are about. All are of the train split.
"""

import argparse
import csv
from collections.abc import Iterable
from pathlib import Path

from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters import load_parameters

COMPARED = 10_000  # candidates that are read, at most
TARGET = Path("data/prepared/target/articles.parquet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("count", type=int, help="how many texts")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.csv", help="where they are written")
    parser.add_argument("--seed", type=int, help="of the draw; another one gives other texts (params.yaml: seed)")


def run(arguments: argparse.Namespace) -> None:
    """Write the CSV, and print what to do with it."""
    out: Path = arguments.out
    if arguments.count < 1:
        raise UserError(f"found {arguments.count}; 1 or more texts can be suggested")
    if out.suffix.lower() != ".csv":
        raise UserError(f"--out: found {out}; a name that ends in .csv is needed")
    if out.exists():
        raise UserError(f"{out}: is there already, perhaps with labels in it: choose another name")
    from crosswiki.corpora.articles import load_articles, pick
    from crosswiki.evaluation.suggestion import candidates, opinions, suggest

    params = load_parameters()
    seed = params.seed if arguments.seed is None else arguments.seed
    articles = load_articles(TARGET)
    language = str(articles["language"].iloc[0])
    table = candidates(articles, params.finetune_target.labels, params.seed)
    if table.empty:
        raise UserError(f"{TARGET}: nothing is left to label: every text of the train split has a label that is read")
    table = pick(table, max(COMPARED, arguments.count), seed)
    said = opinions(table, params)
    found = suggest(table, said.distributions, said.vectors, arguments.count, seed)
    drawn = [(row, "random") for row in found.random] + [(row, "disagreement") for row in found.disputed]
    ids = [str(table["id"][row]) for row, _ in drawn]
    texts = originals(ids)
    _write(out, ((f"{language}:{n}", texts[n], "", how) for n, (_, how) in zip(ids, drawn, strict=True)))
    if len(drawn) < arguments.count:
        print(f"{arguments.count:,} were asked for, and these are all that are left to label: {len(drawn):,}")
    print(_next_steps(out, language, params.corpus, said.topics, len(found.random), len(found.disputed)))


def originals(ids: list[str], path: Path = Path("data/articles/target.parquet")) -> dict[str, str]:
    """Texts by id, as they were before `prepare` normalised them.

    Raises:
        UserError: the table is not that which `prepare` read.
    """
    import pyarrow
    import pyarrow.compute

    from crosswiki.corpora.groups import read_groups
    from crosswiki.corpora.pairs import PAIR, in_one, in_pair

    wanted, texts = pyarrow.array(ids), dict[str, str]()
    for group in read_groups(path, ["id", "text", PAIR]):
        rows = group.filter(pyarrow.compute.is_in(group["id"], wanted)).to_pylist()
        texts |= {row["id"]: in_one(in_pair(row["text"], row.get(PAIR))) for row in rows}
    if missing := sorted(set(ids) - set(texts)):
        raise UserError(f"{path}: has no article {missing[0]!r}: run the stage prepare again (dvc repro)")
    return texts


def _write(path: Path, rows: Iterable[tuple[str, str, str, str]]) -> None:
    from crosswiki.corpora.articles import ARTICLE
    from crosswiki.pipeline.outputs import replacing

    # With a byte order mark, by which spreadsheets know UTF-8.
    with replacing(path) as partial, partial.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([(ARTICLE, "text", "label", "drawn"), *rows])


def _next_steps(out: Path, language: str, corpus: str, topics: list[str], random: int, disputed: int) -> str:
    from crosswiki.corpora.articles import ARTICLE
    from crosswiki.corpora.proposal import stored_path
    from crosswiki.pipeline.presets import PRESETS

    names = ", ".join(topics[:12]) + (", …" if len(topics) > 12 else "")
    return (
        f"{out}: {random + disputed:,} texts, {random:,} drawn at random and {disputed:,} on which systems disagree\n"
        f"Write a label into the column label, where you can: {names}. Then add to {PRESETS / corpus}.yaml:\n\n"
        f"labelled:\n  {language}:\n"
        f"    - path: {stored_path(out)}\n      columns: {{article: {ARTICLE}, text: text, topic: label}}\n"
    )
