"""Dumps to plain text: crosswiki beside wikiextractor and gensim's WikiCorpus, on the same file and cores.

`python -m benchmarks.dump` prints articles and MB of XML a second; `--json` prints rows for other programs, and
`--memory` measures the peak memory of `download` and `prepare` on 10 MB, 100 MB and 1 GB instead. The file is gensim's
extract of the English Wikipedia, its pages repeated under new ids and titles, in bz2 streams of 100 pages as Wikimedia
packs them. Each system does all of its work, from the packed file to what it gives its user, from a fresh process;
wikiextractor takes part where it is installed (`pip install wikiextractor`).
"""

import argparse
import bz2
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from crosswiki.corpora.collect import Corpus, collect
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.presets import DumpPreset
from crosswiki.pipeline.workers import cores

EXTRACT = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
MEGABYTES = 210
SIZES = (10, 100, 1000)
PROJECT = Path(__file__).parents[1]


def extract() -> bytes:
    """Gensim's extract, unpacked."""
    from gensim.test.utils import datapath  # imports all of gensim, which no other system's process should wait for

    return bz2.decompress(Path(datapath(EXTRACT)).read_bytes())


def write_dump(path: Path, megabytes: float) -> tuple[int, float]:
    """Write the repeated extract.

    Args:
        path: where it goes.
        megabytes: of XML, at least.

    Returns:
        The number of articles (pages that are no redirects), and the megabytes of XML.
    """
    head, *pages = extract().removesuffix(b"</mediawiki>\n").split(b"  <page>\n")
    size, number, articles, waiting = len(head), 0, 0, list[bytes]()
    with path.open("wb") as file:
        file.write(bz2.compress(head))
        for turn in range(10**6):
            for page in pages:
                number += 1
                renumbered = re.sub(rb"<id>\d+</id>", b"<id>%d</id>" % number, page, count=1)
                waiting.append(b"  <page>\n" + renumbered.replace(b"</title>", b" %d</title>" % turn, 1))
                size += len(waiting[-1])
                articles += b"<ns>0</ns>" in page and b"<redirect " not in page
                if len(waiting) == 100:
                    file.write(bz2.compress(b"".join(waiting)))
                    waiting = []
            if size >= megabytes * 1e6:
                break
        file.write(bz2.compress(b"".join(waiting)) + bz2.compress(b"</mediawiki>\n"))
    return articles, size / 1e6


def preset_of(path: Path) -> DumpPreset:
    """A preset that reads the file."""
    languages = {"source": "en", "target": "fr", "test": "es"}
    return DumpPreset.model_validate({"kind": "dump", "languages": languages, "pages": str(path)})


def run_crosswiki(path: Path, folder: Path) -> int:
    """What `download` does; the articles are counted."""
    os.environ["DVC_ROOT"] = str(folder)
    params = load_parameters(PROJECT / "params.yaml")
    corpus = Corpus(preset_of(path), "en", "en")
    return int(collect(corpus, params.download, params.seed, folder / "articles.parquet")["articles"])


def run_gensim(path: Path, folder: Path) -> int:
    """Gensim's reader, all cores; texts are lists of words, and short articles are left out."""
    from gensim.corpora.wikicorpus import WikiCorpus

    corpus = WikiCorpus(str(path), dictionary={}, processes=cores(), article_min_tokens=0)
    with (folder / "texts.txt").open("w", encoding="utf-8") as file:
        return sum(1 for words in corpus.get_texts() if file.write(" ".join(words) + "\n"))


def run_wikiextractor(path: Path, folder: Path) -> int:
    """wikiextractor, all cores, templates not expanded, which is its fastest way."""
    how = ["--json", "--no-templates", "--quiet", "--discard_empty", "--bytes", "100M", "--processes", str(cores())]
    command = [sys.executable, "-m", "wikiextractor.WikiExtractor", *how, "--output", str(folder / "texts"), str(path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    files = (folder / "texts").glob("*/wiki_*")
    return sum(line.startswith("{") for file in files for line in file.read_text(encoding="utf-8").splitlines())


SYSTEMS = {"crosswiki": run_crosswiki, "gensim": run_gensim}
if importlib.util.find_spec("wikiextractor"):
    SYSTEMS["wikiextractor"] = run_wikiextractor


def measure(path: Path, articles: int, megabytes: float, runs: int) -> list[dict[str, Any]]:
    """Time all systems in turn, each run in a new process; the fastest run counts."""
    best = dict.fromkeys(SYSTEMS, float("inf"))
    for _ in range(runs):
        for system in SYSTEMS:
            with tempfile.TemporaryDirectory() as folder:
                code = ["-m", "benchmarks.dump", "--one", system, str(path), folder]
                started = time.perf_counter()
                subprocess.run([sys.executable, *code], check=True, cwd=PROJECT, stdout=subprocess.DEVNULL)
                best[system] = min(best[system], time.perf_counter() - started)
    return [
        {
            "system": system,
            "articles_per_second": round(articles / seconds, 1),
            "megabytes_per_second": round(megabytes / seconds, 2),
        }
        for system, seconds in best.items()
    ]


def peak_memory(command: list[str], folder: Path) -> float:
    """The most memory that a command and its processes use together (proportional set size), in MB."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "CROSSWIKI_TRACKING": "off"}
    process = psutil.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            total = 0
            try:
                for member in (process, *process.children(recursive=True)):
                    total += member.memory_full_info().pss if psutil.LINUX else member.memory_info().rss
            except psutil.Error:
                continue
            peak = max(peak, total)
            time.sleep(0.05)

    thread = threading.Thread(target=watch)
    thread.start()
    if process.wait():
        raise SystemExit(f"{' '.join(command)}: it failed")
    thread.join()
    return peak / 1e6


def memory(folder: Path) -> list[dict[str, Any]]:
    """The peak memory of `download` and `prepare` on dumps of several sizes."""
    (folder / "data/corpora").mkdir(parents=True)
    (folder / "params.yaml").write_text(
        (PROJECT / "params.yaml").read_text(encoding="utf-8").replace("corpus: offline", "corpus: big"),
        encoding="utf-8",
    )
    titles = re.findall(r"<title>(.*?)</title>", extract().decode())
    topics = ["concept\ttopic\ten\tfr\tes", *(f"{title} 0\tAny\t{title} 0\t\t" for title in titles)]
    (folder / "topics.tsv").write_text("\n".join(topics), encoding="utf-8")
    preset = {**preset_of(Path("big.xml.bz2")).model_dump(), "labels": {"table": "topics.tsv"}}
    (folder / "data/corpora/big.yaml").write_text(json.dumps(preset), encoding="utf-8")
    rows = []
    for size in SIZES:
        _articles, megabytes = write_dump(folder / "big.xml.bz2", size)
        row: dict[str, Any] = {"megabytes": round(megabytes)}
        for stage in ("download", "prepare"):
            if stage == "prepare":  # which says how many concepts are linked to the target's
                (folder / "data/articles/target.parquet").unlink(missing_ok=True)
                (folder / "data/articles/target.parquet").hardlink_to(folder / "data/articles/source.parquet")
            command = [sys.executable, "-m", f"stages.{stage}", "source"]
            row[f"{stage}_megabytes_of_memory"] = round(peak_memory(command, folder))
        rows.append(row)
    return rows


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print rows as JSON")
    parser.add_argument("--memory", action="store_true", help="measure memory instead of speed")
    parser.add_argument("--runs", type=int, default=2, help="of each system; the best counts")
    parser.add_argument("--one", nargs=3, metavar=("SYSTEM", "DUMP", "FOLDER"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        system, path, place = chosen.one
        print(SYSTEMS[system](Path(path), Path(place)))
        return
    with tempfile.TemporaryDirectory() as folder:
        if chosen.memory:
            rows = memory(Path(folder))
        else:
            path = Path(folder) / "enwiki-pages-articles-multistream.xml.bz2"
            rows = measure(path, *write_dump(path, MEGABYTES), runs=chosen.runs)
    if chosen.json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(
            ", ".join(
                f"{key.replace('_', ' ')} {value:,}" if not isinstance(value, str) else value
                for key, value in row.items()
            )
        )


if __name__ == "__main__":
    main()
