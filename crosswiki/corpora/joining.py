"""Articles that have been read, joined with their topics and concepts, each id once, and at most as many as wanted."""

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import pyarrow
from numpy.typing import NDArray

from crosswiki.corpora.articles import concept_of, in_task, unit_hash
from crosswiki.corpora.groups import Counts, read_groups
from crosswiki.corpora.pairs import PAIR
from crosswiki.corpora.topics import Topics, place


def concept_without_links(title: str | None, number: str, language: str) -> str:
    """The concept of an article that neither names one nor is linked: its title's, or its own."""
    return concept_of(title or f"{language}:{number}")


def label(topic: str | None) -> str | None:
    """A topic's name without spaces around it and double ones in it, so that "B " and " B" are one topic."""
    return " ".join(topic.split()) or None if topic else None


def labels_alike(topics: Iterable[str]) -> list[list[str]]:
    """Topics that differ by case alone, which may be one topic or several: each group in order."""
    groups: dict[str, list[str]] = {}
    for topic in sorted(topics):
        groups.setdefault(unicodedata.normalize("NFKC", topic).casefold(), []).append(topic)
    return [group for group in groups.values() if len(group) > 1]


def joined_groups(
    shards: list[Path],
    topics: Topics,
    linked: Callable[[str], str | None],
    language: str,
    task_only: bool,
    answers: dict[str, str],
    texts: bool,
) -> Iterator[tuple[pyarrow.Table, list[str | None], list[str]]]:
    """Go through the shards' groups, with each article's topic and concept; topics of the task alone, or all.

    What `answers` has for an article's id goes before its topic.
    """
    columns = ["id", "title", "topic", "concept"] + ["text", PAIR] * texts
    for shard in shards:
        for table in read_groups(shard, columns):
            values = [table[name].to_pylist() for name in ("id", "title", "topic", "concept")]
            found: list[tuple[str | None, str]] = []
            for number, title, topic, concept in zip(*values, strict=True):
                its_topic, its_concept = place(topics, title, topic, concept, partial(linked, number))
                name = its_concept or concept_without_links(title, number, language)
                its_label = label(its_topic) if in_task(name) or not task_only else None
                found.append((label(answers.get(number)) or its_label, name))
            yield table, [topic for topic, _ in found], [concept for _, concept in found]


def choose_articles(
    rows: Callable[..., Iterator[Any]], limit: int | None, seed: int, counts: Counts
) -> tuple[NDArray[Any], int]:
    """Which articles are kept: the first of an id; with a limit the labelled first, then the task's, by a seeded hash.

    The hash is of the concept, not of the place, so that translations are kept together. An article takes 17 bytes
    here, which is all that grows with the corpus.
    """
    ids: list[NDArray[numpy.uint64]] = []
    ranks: list[NDArray[numpy.float64]] = []
    for table, topic, concept in rows(texts=False):
        ids.append(numpy.array([_digest(number) for number in table["id"].to_pylist()], dtype=numpy.uint64))
        if limit is not None:
            named = zip(topic, concept, strict=True)
            rank = [unit_hash(f"{seed}:{c}") - 2 * (t is not None) - in_task(c) for t, c in named]
            ranks.append(numpy.array(rank))
    every = numpy.concatenate(ids) if ids else numpy.zeros(0, numpy.uint64)
    kept = numpy.zeros(len(every), bool)
    kept[numpy.unique(every, return_index=True)[1]] = True
    again = int((~kept).sum())
    if again:
        where = int((~kept).argmax())
        twice = _id_at(rows, where)
        counts["first_bad"] = counts["first_bad"] or f"corpus: the id {twice!r} occurs twice"
        counts["bad"] += again
        counts["articles"] -= again
    if limit is not None and limit < int(kept.sum()):
        rank_of = numpy.where(kept, numpy.concatenate(ranks), numpy.inf)
        kept[:] = False
        kept[numpy.argsort(rank_of, kind="stable")[:limit]] = True
    return kept, int(kept.sum())


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _id_at(rows: Callable[..., Iterator[Any]], place: int) -> str:
    for table, _topic, _concept in rows(texts=False):
        if place < len(table):
            return str(table["id"][place])
        place -= len(table)
    raise IndexError(place)
