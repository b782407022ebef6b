"""The plain text that crosswiki, wikiextractor and gensim make of 50 real articles, and what each loses.

`python -m benchmarks.texts` prints, for each system, the number of characters, the pieces of markup among them, and how
many of the sentences that mwparserfromhell finds in the same wikitext it keeps; `python -m benchmarks.texts FOLDER`
also writes the texts, a folder for each system and a file for each article, for comparison.
"""

import argparse
import bz2
import json
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import mwparserfromhell
from gensim.corpora.wikicorpus import filter_wiki
from gensim.test.utils import datapath

from benchmarks.dump import EXTRACT
from crosswiki.corpora.readers.wikitext import plain_text

ARTICLES = 50
MARKUP = re.compile(
    r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}|</?[a-z]+[ >/]|'''?|^=+.*=+$|^[*#:;]|&[a-z]+;|\b(?:thumb|px)\|", re.MULTILINE
)
REFERENCE = re.compile(r"<ref[^>]*/>|<ref[^>]*>.*?</ref>", re.DOTALL)
SENTENCE = re.compile(r"[A-Z][a-z]+(?: [a-z]+){7,}[.]")


def read_articles() -> dict[str, str]:
    """The wikitext of the first articles of gensim's extract, by page id."""
    with bz2.open(datapath(EXTRACT)) as file:
        root = ET.fromstring(file.read())  # noqa: S314
    space = root.tag.partition("}")[0] + "}"
    pages = [page for page in root.iter(f"{space}page") if page.find(f"{space}redirect") is None]
    found = {str(p.findtext(f"{space}id")): p.findtext(f"{space}revision/{space}text") or "" for p in pages}
    return dict(list(found.items())[:ARTICLES])


def by_wikiextractor(articles: dict[str, str]) -> dict[str, str]:
    """The same articles out of wikiextractor's files."""
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(sys.executable).with_name("wikiextractor"))
        command = [program, "--json", "--no-templates", "--quiet", "--output", folder, datapath(EXTRACT)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lines = [line for file in sorted(Path(folder).glob("*/wiki_*")) for line in file.open(encoding="utf-8")]
    texts = {row["id"]: row["text"] for row in map(json.loads, lines)}
    return {number: texts.get(number, "") for number in articles}


def sentences(text: str) -> set[str]:
    """Plain sentences of a text: words of letters, nothing that markup could have broken."""
    return set(SENTENCE.findall(" ".join(text.split())))


def main() -> None:
    """Compare, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="where the texts are written, a folder a system")
    folder = parser.parse_args().folder
    articles = read_articles()
    texts = {
        "crosswiki": {number: plain_text(wikitext) for number, wikitext in articles.items()},
        "wikiextractor": by_wikiextractor(articles),
        "gensim": {number: filter_wiki(wikitext) for number, wikitext in articles.items()},
        "mwparserfromhell": {n: mwparserfromhell.parse(text).strip_code() for n, text in articles.items()},
    }
    # mwparserfromhell keeps the text of broken references, so references are removed first.
    prose = {number: REFERENCE.sub("", wikitext) for number, wikitext in articles.items()}
    expected = {number: sentences(mwparserfromhell.parse(text).strip_code()) for number, text in prose.items()}
    total = sum(map(len, expected.values()))
    print(f"| {len(articles)} articles | characters | pieces of markup left | sentences kept, of {total:,} |")
    print("| --- | --- | --- | --- |")
    for system, cleaned in texts.items():
        marks = sum(len(MARKUP.findall(text)) for text in cleaned.values())
        kept = sum(len(expected[n] & sentences(text)) for n, text in cleaned.items())
        print(f"| {system} | {sum(map(len, cleaned.values())):,} | {marks:,} | {kept / total:.1%} |")
    if folder:
        for system, cleaned in {**texts, "wikitext": articles}.items():
            (folder / system).mkdir(parents=True, exist_ok=True)
            for number, text in cleaned.items():
                (Path(folder) / system / f"{number}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
