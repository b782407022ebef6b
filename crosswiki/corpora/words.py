"""From a table of articles to words as ids, group by group over all cores, in memory that does not grow with it.

A group's articles are read once: each keeps the ids of its own words until all groups are counted and there is a
vocabulary; then they become the ids of that. What has been read is kept on disk, so a run that was killed goes on.
"""

import hashlib
from array import array
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import pyarrow

from crosswiki.corpora.articles import in_task, unit_hash
from crosswiki.corpora.groups import GroupWriter, finished_shards, open_table, read_groups
from crosswiki.corpora.pairs import PAIR
from crosswiki.corpora.splits import split_of
from crosswiki.corpora.text import Spelling, normalise, segment
from crosswiki.corpora.word_counts import WordCounts
from crosswiki.corpora.word_ids import words_of
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import checkpoints, replacing, write_json
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters_of_words import Prepare
from crosswiki.pipeline.progress import progress
from crosswiki.pipeline.workers import over_workers


@dataclass(frozen=True)
class Reading:
    """How the groups of a table are read.

    Attributes:
        table: the articles.
        language: theirs.
        params: splits, spelling, and how much of an article later stages get.
        seed: which articles without a topic they get.
        unlabelled: those whose concept's rank is at most this: its hash, and one less for the task's texts.
    """

    table: Path
    language: str
    params: Prepare
    seed: int
    unlabelled: float


def unlabelled_threshold(table: Path, most: int, seed: int) -> float:
    """The rank up to which articles without a topic are kept, so that `most` of them are; the same for translations."""
    ranks = [numpy.zeros(0)]
    for group in read_groups(table, ["topic", "concept"]):
        names = group.filter(group["topic"].is_null())["concept"].to_pylist()
        ranks.append(numpy.array([_rank(name, seed) for name in names], dtype=numpy.float64))
    every = numpy.concatenate(ranks)
    if len(every) <= most:
        return 1.0
    return float(numpy.partition(every, most - 1)[most - 1]) if most else -2.0


def _rank(concept: str, seed: int) -> float:
    return unit_hash(f"{seed}:{concept}") - in_task(concept)


def read_group(group: int, reading: Reading, folder: Path) -> dict[str, Any]:
    """Normalise and segment a group's articles into `folder`: their words, and the rows that later stages get.

    Returns:
        Counts: articles, labelled, words, documents (those not in the test split), topics by split, and the articles
        that later stages get, by split.
    """
    table = open_table(reading.table).read_row_group(group)
    own, spelling = reading.params, Spelling(reading.params.fold_yo)
    local: dict[str, int] = {}
    ids, lengths = array("i"), array("q")
    labels: dict[str, Counter[str]] = {}
    kept: Counter[str] = Counter()
    with replacing(folder / f"{group:06d}.parquet") as place:
        writer = GroupWriter(place, pyarrow.schema([*table.schema, ("split", pyarrow.string())]))
        texts = [name for name in ("text", PAIR) if name in table.column_names]
        for row in table.to_pylist():
            row["split"] = split_of(row["concept"], own.validation, own.test, own.fold)
            row["title"] = row["title"] and normalise(row["title"], reading.language, spelling)
            for name in texts:
                row[name] = row[name] and normalise(row[name], reading.language, spelling)
            if row["split"] != "test":
                words = segment(row["text"], reading.language)
                words += segment(row[PAIR], reading.language) if row.get(PAIR) else []
                ids.extend([local.setdefault(word, len(local)) for word in words])
                lengths.append(len(words))
            if row["topic"] is not None:
                labels.setdefault(row["split"], Counter())[row["topic"]] += 1
            if row["topic"] is not None or _rank(row["concept"], reading.seed) <= reading.unlabelled:
                writer.add(**row | {name: row[name] and row[name][: own.max_characters] for name in texts})
                kept[row["split"]] += 1
        writer.close()
    flat = numpy.frombuffer(ids, numpy.int32)
    with replacing(folder / f"{group:06d}.npz") as place, place.open("wb") as file:
        numpy.savez(
            file,
            ids=flat,
            lengths=numpy.frombuffer(lengths, numpy.int64),
            counts=numpy.bincount(flat, minlength=len(local)),
            words=numpy.frombuffer("\n".join(local).encode(), numpy.uint8),
        )
    counts = {
        "articles": len(table),
        "labelled": sum(sum(topics.values()) for topics in labels.values()),
        "words": len(flat),
        "documents": len(lengths),
        "labels": labels,
        "kept": kept,
    }
    write_json(folder / f"{group:06d}.json", counts)
    return counts


def read_all(reading: Reading, folder: Path, workers: str = "local") -> tuple[list[dict[str, Any]], WordCounts]:
    """Read every group that an earlier run has not read; all groups' counts in order, and all words'.

    Args:
        reading: how they are read.
        folder: where what has been read is kept.
        workers: see `over_workers`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    groups = open_table(reading.table).num_row_groups
    finished = {int(name): counts for name, counts in finished_shards(folder).items()}
    words = WordCounts(folder)
    for group in finished:
        _count(words, folder, group)
    tasks = [group for group in range(groups) if group not in finished]
    work = partial(read_group, reading=reading, folder=folder)
    done = over_workers(work, tasks, workers, lambda group: f"{reading.table}: group {group}")
    for group, counts in progress(done, "segmenting", total=len(tasks)):
        finished[group] = counts
        _count(words, folder, group)
    return [finished[group] for group in range(groups)], words


def _count(words: WordCounts, folder: Path, group: int) -> None:
    names, arrays = words_of(folder / f"{group:06d}.npz")
    words.add(names, arrays["counts"])


def check_splits(groups: list[dict[str, Any]], role: Role) -> None:
    """Check, before anything is trained, that later stages have texts to read and to test on.

    Raises:
        UserError: they have none.
    """
    articles, kept = sum(group["articles"] for group in groups), sum(sum(group["kept"].values()) for group in groups)
    if not kept:
        raise UserError(f"{role}: none of {articles:,} articles has a topic: raise prepare.max_unlabelled above 0")
    if not any(group["kept"].get("test") for group in groups):
        raise UserError(
            f"{role}: none of {kept:,} texts is in the test split: give more texts, or raise prepare.test, a text's "
            "chance to be in it"
        )


def topics_by_split(groups: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """How many labelled articles each split has on each topic."""
    labels: dict[str, dict[str, int]] = {}
    for split in ("test", "train", "validation"):
        counts: dict[str, int] = {}
        for group in groups:
            for topic, n in group["labels"].get(split, {}).items():
                counts[topic] = counts.get(topic, 0) + n
        if counts:
            labels[split] = dict(sorted(counts.items()))
    return labels


def workplace(reading: Reading) -> Path:
    """The folder for unfinished work: another one when anything that it is made from has changed."""
    code = [path.read_bytes() for path in sorted(Path(__file__).parent.rglob("*.py"))]
    state = reading.table.stat()
    parts = (reading, state.st_size, state.st_mtime_ns, code)
    return checkpoints() / f"prepare-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"
