"""The corpus kind `dump`: the database dumps that Wikimedia publishes, read as they are, packed.

`pages-articles-multistream.xml.bz2` is many bz2 streams of 100 pages each, so parts of it are unpacked and read by
all cores. Any other dump (one bz2 stream, gz, zst, plain XML) is unpacked by one process for all the others.
"""

import bz2
import re
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from crosswiki.corpora.parts import Article, Bad, Part
from crosswiki.corpora.readers.places import local_file, unpacked
from crosswiki.corpora.readers.wikis import OTHER_NAMES
from crosswiki.corpora.readers.wikitext import plain_text
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.presets import DumpPreset

_STREAM_START = re.compile(rb"BZh[1-9]1AY&SY")
_REDIRECT = re.compile(r"\s*#[^\W\d_]+\s*:?\s*\[\[[^\[\]]+\]\]")
PART = 2**20  # packed bytes that one process reads at once: about 4 MB of XML
BLOCK = 2**22  # bytes of XML that one process reads at once, where another has unpacked them
BROKEN = (OSError, EOFError, ValueError, zlib.error)


class Wiki(NamedTuple):
    """A wiki's language, and what its dump's header calls files, categories and all namespaces but the articles'."""

    language: str
    files: tuple[str, ...]
    categories: tuple[str, ...]
    others: frozenset[str]


def parts(preset: DumpPreset, language: str) -> Iterator[Part]:
    """The parts of a language's dump, in the file's order.

    Raises:
        UserError: the dump cannot be had, or it is broken.
    """
    path = local_file(preset.pages, language, preset.sha1.get(language))
    size = path.stat().st_size
    wiki = _wiki(path, language)
    if not _is_multistream(path):
        yield from _blocks(path, wiki, size)
        return
    start = 0
    while start < size:
        end = _next_stream(path, start + PART) or size
        yield Part(
            f"{start:014d}", partial(_read_streams, path, start, end, end == size, wiki), end - start, end / size
        )
        start = end


def _next_stream(path: Path, start: int) -> int | None:
    """Where the first bz2 stream at or after `start` begins; None where there is no more."""
    with path.open("rb") as file:
        file.seek(start)
        tail = b""
        while block := file.read(2**16):
            if found := _STREAM_START.search(tail + block):
                return start - len(tail) + found.start()
            start += len(block)
            tail = (tail + block)[-9:]
    return None


def _is_multistream(path: Path) -> bool:
    """Whether streams hold whole pages; parallel packers make streams too, but cut pages in two."""
    if path.suffix != ".bz2" or (second := _next_stream(path, 1)) is None:
        return False
    with path.open("rb") as file:
        file.seek(second)
        try:
            return bz2.BZ2Decompressor().decompress(file.read(2**20), 2**10).lstrip().startswith(b"<page>")
        except OSError:
            return False


def _wiki(path: Path, language: str) -> Wiki:
    try:
        with unpacked(path) as file:
            head = file.read(2**18)
    except BROKEN as error:
        raise broken(path, error) from error
    head = head.partition(b"<page>")[0]
    if b"<mediawiki" not in head:
        raise UserError(f"{path}: no MediaWiki dump: it does not begin with <mediawiki>")
    named = re.findall(r'<namespace key="(-?\d+)"[^>]*>([^<]+)</namespace>', head.decode("utf-8", "replace"))
    files, categories = (tuple(name for number, name in named if number == key) for key in ("6", "14"))
    others = OTHER_NAMES | {name.lower() for number, name in named if number != "0"}
    return Wiki(language, files, categories, others)


def broken(path: Path, error: Exception) -> UserError:
    """What a file that cannot be unpacked is called."""
    return UserError(f"{path}: cannot be unpacked ({' '.join(str(error).split())}): is it whole? fetch it again")


def _read_streams(path: Path, start: int, end: int, last: bool, wiki: Wiki) -> Iterator[Article | Bad]:
    with path.open("rb") as file:
        file.seek(start)
        packed = file.read(end - start)
    try:
        xml = bz2.decompress(packed)
    except BROKEN as error:
        raise broken(path, error) from error
    yield from read_pages(xml, path, last, wiki)


def _blocks(path: Path, wiki: Wiki, size: int) -> Iterator[Part]:
    """Unpack here, and cut after a page."""
    rest, number, read = b"", 0, 0
    try:
        with unpacked(path) as file:
            while block := file.read(BLOCK):
                rest += block
                if (cut := rest.rfind(b"</page>") + 7) > 6:
                    # Where an unpacker stands in its file is not told: a text of this kind shrinks to about a quarter.
                    read += len(block)
                    reached = min(0.99, read / (size if path.suffix == ".xml" else 4 * size))
                    yield Part(f"{number:08d}", partial(read_pages, rest[:cut], path, False, wiki), cut, reached)
                    rest, number = rest[cut:], number + 1
    except BROKEN as error:
        raise broken(path, error) from error
    yield Part(f"{number:08d}", partial(read_pages, rest, path, True, wiki), len(rest), 1.0)


def read_pages(xml: bytes, path: Path, last: bool, wiki: Wiki) -> Iterator[Article | Bad]:
    """The articles among whole <page> elements: other namespaces, redirects and data pages are left out.

    Args:
        xml: pages, with the dump's header before the first and its end after the last.
        path: the dump, for messages.
        last: whether the dump ends here.
        wiki: the dump's.

    Raises:
        UserError: the XML ends in the middle.
    """
    first, end = xml.find(b"<page>"), xml.rfind(b"</page>") + 7
    body = xml[first:end] if first >= 0 and end > 6 else b""
    rest = xml[end:] if body else xml
    if rest.strip() not in ((b"</mediawiki>",) if last else (b"",)) and (body or last or b"<mediawiki" not in rest):
        raise UserError(f"{path}: its XML ends in the middle: is the dump whole? fetch it again")
    try:
        pages = list(ET.fromstring(b"<pages>" + body + b"</pages>"))  # noqa: S314  # expat expands no outside entities
    except ET.ParseError:  # one of them is broken: which?
        for page in re.findall(rb"<page>.*?</page>", body, re.DOTALL):
            number = (re.search(rb"<id>(\d+)</id>", page) or [b"", b"?"])[1].decode()
            try:
                yield from _article(ET.fromstring(page), path, wiki)  # noqa: S314
            except ET.ParseError as error:
                try:
                    page.decode()
                    yield Bad(f"{path}: page {number}", f"no XML ({error})")
                except UnicodeDecodeError:
                    yield Bad(f"{path}: page {number}", "invalid UTF-8")
        return
    for element in pages:
        yield from _article(element, path, wiki)
        element.clear()


def _article(page: ET.Element, path: Path, wiki: Wiki) -> Iterator[Article | Bad]:
    number, title, revision = page.findtext("id"), page.findtext("title"), _newest(page)
    if page.findtext("ns", _namespace(title or "", wiki)) != "0" or page.find("redirect") is not None:
        return
    if not number or not title or revision is None:
        yield Bad(f"{path}: page {number or title}", "no id, title or revision")
    elif revision.findtext("model", "wikitext") == "wikitext":
        wikitext = revision.findtext("text") or ""
        if page.find("ns") is None and _REDIRECT.match(wikitext):  # export formats up to 0.4 say neither
            return
        yield Article(number, title, plain_text(wikitext, wiki.files, wiki.categories, wiki.language, title))


def _newest(page: ET.Element) -> ET.Element | None:
    """The newest revision: histories hold all, in any order."""
    revisions = page.findall("revision")
    if len(revisions) < 2:
        return revisions[0] if revisions else None
    return max(revisions, key=lambda one: (one.findtext("timestamp", ""), one.findtext("id", "").zfill(20)))


def _namespace(title: str, wiki: Wiki) -> str:
    """A page's namespace where the dump does not say it (export formats up to 0.5): `0` for an article."""
    prefix, colon, _ = title.partition(":")
    return "other" if colon and prefix.replace("_", " ").strip().lower() in wiki.others else "0"
