"""From a preset to one table of articles: read in parts by all cores, joined with topics and links, written in groups.

What has been read is kept until the table is whole, so a run that was killed goes on where it was.
"""

import hashlib
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import pyarrow
from numpy.typing import NDArray
from tqdm import tqdm

from crosswiki.corpora.articles import COLUMNS, concept_of, in_task, unit_hash
from crosswiki.corpora.groups import Counts, GroupWriter, finished_shards, read_groups, write_shard
from crosswiki.corpora.pairs import PAIR
from crosswiki.corpora.parts import Part
from crosswiki.corpora.readers import dump, files, hub, langlinks, mediawiki, task, wheel
from crosswiki.corpora.readers.places import local_file
from crosswiki.corpora.topics import Topics, load_topics, place
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import alone, checkpoints, remove
from crosswiki.pipeline.parameters import Download
from crosswiki.pipeline.paths import user_path
from crosswiki.pipeline.presets import DumpPreset, FilesPreset, HubPreset, MediaWikiPreset, Preset, WheelPreset
from crosswiki.pipeline.workers import over_workers

SCHEMA = pyarrow.schema([(name, pyarrow.string()) for name in COLUMNS])
ENOUGH = 10_000  # records, of which the share of bad ones is judged before the end


@dataclass(frozen=True)
class Corpus:
    """A language's articles, as a preset names them.

    Attributes:
        preset: where they come from.
        language: theirs.
        source: the source's language, which topics and links start from.
    """

    preset: Preset
    language: str
    source: str

    def parts(self) -> Iterator[Part]:
        """Its parts: the task's files, then the corpus's own, by its kind."""
        yield from task.parts(self.preset, self.language)
        yield from self._articles()

    def _articles(self) -> Iterator[Part]:
        match self.preset:
            case WheelPreset():
                return wheel.parts(self.preset, self.language)
            case FilesPreset():
                return files.parts(self.preset, self.language)
            case HubPreset():
                return hub.parts(self.preset, self.language)
            case DumpPreset():
                return dump.parts(self.preset, self.language)
            case MediaWikiPreset():
                return mediawiki.parts(self.preset, self.language, self.source)

    def topics(self) -> Topics:
        """What is known of its articles' topics and concepts beside what they say themselves."""
        return load_topics(getattr(self.preset, "labels", None), self.source, self.language)

    def links(self) -> Callable[[str], str | None]:
        """A function from an article's id to the title of the source's article that it is linked to."""
        links = None
        if isinstance(self.preset, DumpPreset):
            links = langlinks.read_links(self.preset, self.language, self.source)
        return links.title if links else lambda _id: None

    def workplace(self, longest: int) -> Path:
        """The folder for its shards: another one when anything that they are made from has changed."""
        code = [path.read_bytes() for path in sorted(Path(__file__).parent.rglob("*.py"))]
        given = [user_path(file.path) for file in getattr(self.preset, "articles", {}).get(self.language, [])]
        given += [user_path(file.path) for file in task.files_of(self.preset, self.language)]
        if isinstance(self.preset, DumpPreset) and "://" not in self.preset.pages:
            given.append(local_file(self.preset.pages, self.language))
        stats = [(path.stat().st_size, path.stat().st_mtime_ns) for path in given if path.exists()]
        parts = (self.preset.model_dump_json(), self.language, self.source, stats, longest, code)
        return checkpoints() / f"download-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"


def collect(corpus: Corpus, params: Download, seed: int, output: Path, workers: str = "local") -> Counts:
    """Write a language's articles, columns `COLUMNS` and of texts in pairs `pair`, in the corpus's own order.

    Args:
        corpus: what is read.
        params: how many articles, how long, and how many bad records are borne.
        seed: which articles a limit keeps.
        output: where the table is written.
        workers: see `over_workers`.

    Returns:
        Counts: articles, labelled, empty, bad_records.

    Raises:
        UserError: the corpus cannot be had, a file is broken, too many records are bad, or nothing is left.
    """
    folder = corpus.workplace(params.max_characters)
    with alone(folder):
        counts = _read_all(corpus, params, folder, workers)
        counts = _join_all(corpus, params, seed, folder, counts, output)
        remove(folder)
    return counts


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


def _say_what_is_odd(corpus: Corpus, counts: Counts, labels: Counter[str]) -> None:
    """A line on standard error for records that were skipped, and for labels that look like one."""
    if counts["bad"]:
        what = f"{counts['bad']:,} of {counts['articles'] + counts['bad']:,} records were skipped"
        print(f"download: {corpus.language}: {what}; the first: {counts['first_bad']}", file=sys.stderr)
    for group in labels_alike(labels):
        names = " and ".join(f"{topic!r} ({labels[topic]:,} articles)" for topic in group)
        print(
            f"download: {corpus.language}: {names} differ by case alone and are {len(group)} topics: "
            "write them alike if they are one",
            file=sys.stderr,
        )


def _join_all(corpus: Corpus, params: Download, seed: int, folder: Path, counts: Counts, output: Path) -> Counts:
    """Write what has been read as one table."""
    topics, linked = corpus.topics(), corpus.links()
    shards = [folder / f"{name}.parquet" for name in sorted(finished_shards(folder))]
    answers = task.labels_of_articles(corpus.preset, corpus.language)
    further = [PAIR] if corpus.preset.has_pairs else []
    schema = pyarrow.schema([*SCHEMA, *((name, pyarrow.string()) for name in further)])
    rows = partial(_joined, shards, topics, linked, corpus.language, corpus.preset.has_task, answers)
    kept, total = _kept(rows, params.max_articles, seed, counts)
    _judge(counts, params.max_bad_records, 0)
    if not total:
        raise UserError(f"corpus: no article with text in language {corpus.language!r}")
    labels: Counter[str] = Counter()
    unknown = set(answers)
    start = 0
    writer = GroupWriter(output, schema)
    for table, topic, concept in tqdm(rows(texts=True), desc="joining", disable=None, leave=False):
        keep = pyarrow.array(kept[start : start + len(topic)])
        start += len(topic)
        unknown.difference_update(table["id"].to_pylist() if unknown else ())
        known = {name: table[name] for name in ("id", "title", "text", *further)}
        known |= {"topic": topic, "concept": concept, "language": [corpus.language] * len(topic)}
        joined = pyarrow.table({name: known[name] for name in schema.names}).cast(schema).filter(keep)
        labels.update(topic for topic in joined["topic"].to_pylist() if topic is not None)
        writer.add_table(joined)
    writer.close()
    _say_what_is_odd(corpus, counts, labels)
    if unknown:
        what = f"{len(unknown):,} of {len(answers):,} labels name no article of the corpus; the first: {min(unknown)!r}"
        print(f"download: {corpus.language}: {what}", file=sys.stderr)
    return {"articles": total, "labelled": labels.total(), "empty": counts["empty"], "bad_records": counts["bad"]}


def _read_all(corpus: Corpus, params: Download, folder: Path, workers: str) -> Counts:
    """Read every part that no earlier run has read, with articles/s, MB and the time left on a terminal."""
    folder.mkdir(parents=True, exist_ok=True)
    finished = finished_shards(folder)
    counts: Counts = {"articles": 0, "empty": 0, "bad": 0, "first_bad": None}
    for earlier in finished.values():
        _add(counts, earlier)
    tasks = (part for part in corpus.parts() if part.name not in finished)
    work = partial(write_shard, folder=folder, longest=params.max_characters)
    started, before, read = time.perf_counter(), counts["articles"], 0
    layout = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
    with tqdm(desc=f"reading {corpus.language}", total=1.0, bar_format=layout, disable=None, leave=False) as bar:
        for part, shard in over_workers(work, tasks, workers, lambda part: f"{corpus.language}: part {part.name}"):
            _add(counts, shard)
            read += part.size
            rate = (counts["articles"] - before) / (time.perf_counter() - started)
            bar.set_postfix_str(f"{counts['articles']:,} articles, {rate:,.0f}/s, {read / 1e6:,.0f} MB", refresh=False)
            bar.update(max(0.0, part.reached - bar.n))
            _judge(counts, params.max_bad_records, ENOUGH)
    return counts


def _add(counts: Counts, shard: Counts) -> None:
    for key in ("articles", "empty", "bad"):
        counts[key] += shard[key]
    counts["first_bad"] = counts["first_bad"] or shard["first_bad"]


def _judge(counts: Counts, share: float, least: int) -> None:
    records = counts["articles"] + counts["bad"]
    if counts["bad"] > share * records and records >= least:
        raise UserError(
            f"{counts['first_bad']}: {counts['bad']:,} of {records:,} records are bad, "
            f"more than params.yaml: download.max_bad_records ({share:g}) allows"
        )


def _joined(
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


def _kept(rows: Callable[..., Iterator[Any]], limit: int | None, seed: int, counts: Counts) -> tuple[NDArray[Any], int]:
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
