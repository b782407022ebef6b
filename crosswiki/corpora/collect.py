"""From a preset to one table of articles: read in parts by all cores, joined with topics and links, written in groups.

What has been read is kept until the table is whole, so a run that was killed goes on where it was.
"""

import hashlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow
from tqdm import tqdm

from crosswiki.corpora.articles import COLUMNS
from crosswiki.corpora.groups import Counts, GroupWriter, finished_shards, write_shard
from crosswiki.corpora.joining import choose_articles, joined_groups, labels_alike
from crosswiki.corpora.pairs import PAIR
from crosswiki.corpora.parts import Part
from crosswiki.corpora.readers import dump, files, hub, langlinks, mediawiki, task, wheel
from crosswiki.corpora.readers.places import filled_in, local_file
from crosswiki.corpora.topics import Topics, load_topics
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import alone, checkpoints, remove
from crosswiki.pipeline.parameters_of_words import Download
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
        given += [user_path(filled_in(file.path, self.language)) for file in task.files_of(self.preset, self.language)]
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
    rows = partial(joined_groups, shards, topics, linked, corpus.language, corpus.preset.has_task, answers)
    kept, total = choose_articles(rows, params.max_articles, seed, counts)
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
