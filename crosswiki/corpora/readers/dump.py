"""The corpus kind `dump`: the database dumps that Wikimedia publishes, read as they are, packed.

`pages-articles-multistream.xml.bz2` is many bz2 streams of 100 pages each, so parts of it are unpacked and read by
all cores. Any other dump (one bz2 stream, gz, zst, plain XML) is unpacked by one process for all the others.
"""

import bz2
import gzip
import re
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy
import pyarrow
from numpy.typing import NDArray
from tqdm import tqdm

from crosswiki.corpora.parts import Article, Bad, Part
from crosswiki.corpora.readers.places import local_file, unpacked
from crosswiki.corpora.readers.wikitext import plain_text
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.presets import DumpPreset

_STREAM_START = re.compile(rb"BZh[1-9]1AY&SY")
PART = 2**20  # packed bytes that one process reads at once: about 4 MB of XML
BLOCK = 2**22  # bytes of XML that one process reads at once, where another has unpacked them
_BROKEN = (OSError, EOFError, ValueError, zlib.error)


class Namespaces(NamedTuple):
    """The names of files and categories in a wiki, as the dump's header gives them."""

    files: tuple[str, ...]
    categories: tuple[str, ...]


def parts(preset: DumpPreset, language: str) -> Iterator[Part]:
    """The parts of a language's dump, in the file's order.

    Raises:
        UserError: the dump cannot be had, or it is broken.
    """
    path = local_file(preset.pages, language, preset.sha1.get(language))
    size = path.stat().st_size
    names = _namespaces(path)
    if not _is_multistream(path):
        yield from _blocks(path, names, size)
        return
    start = 0
    while start < size:
        end = _next_stream(path, start + PART) or size
        yield Part(
            f"{start:014d}", partial(_read_streams, path, start, end, end == size, names), end - start, end / size
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


def _namespaces(path: Path) -> Namespaces:
    try:
        with unpacked(path) as file:
            head = file.read(2**18)
    except _BROKEN as error:
        raise _broken(path, error) from error
    head = head.partition(b"<page>")[0]
    if b"<mediawiki" not in head:
        raise UserError(f"{path}: no MediaWiki dump: it does not begin with <mediawiki>")
    named = re.findall(r'<namespace key="(-?\d+)"[^>]*>([^<]+)</namespace>', head.decode("utf-8", "replace"))
    return Namespaces(
        *(tuple(name for number, name in named if number in numbers) for numbers in (("6", "-2"), ("14",)))
    )


def _broken(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: cannot be unpacked ({' '.join(str(error).split())}): is it whole? fetch it again")


def _read_streams(path: Path, start: int, end: int, last: bool, names: Namespaces) -> Iterator[Article | Bad]:
    with path.open("rb") as file:
        file.seek(start)
        packed = file.read(end - start)
    try:
        xml = bz2.decompress(packed)
    except _BROKEN as error:
        raise _broken(path, error) from error
    yield from read_pages(xml, path, last, names)


def _blocks(path: Path, names: Namespaces, size: int) -> Iterator[Part]:
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
                    yield Part(f"{number:08d}", partial(read_pages, rest[:cut], path, False, names), cut, reached)
                    rest, number = rest[cut:], number + 1
    except _BROKEN as error:
        raise _broken(path, error) from error
    yield Part(f"{number:08d}", partial(read_pages, rest, path, True, names), len(rest), 1.0)


def read_pages(xml: bytes, path: Path, last: bool, names: Namespaces) -> Iterator[Article | Bad]:
    """The articles among whole <page> elements: other namespaces, redirects and data pages are left out.

    Args:
        xml: pages, with the dump's header before the first and its end after the last.
        path: the dump, for messages.
        last: whether the dump ends here.
        names: the wiki's own.

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
                yield from _article(ET.fromstring(page), path, names)  # noqa: S314
            except ET.ParseError as error:
                try:
                    page.decode()
                    yield Bad(f"{path}: page {number}", f"no XML ({error})")
                except UnicodeDecodeError:
                    yield Bad(f"{path}: page {number}", "invalid UTF-8")
        return
    for element in pages:
        yield from _article(element, path, names)
        element.clear()


def _article(page: ET.Element, path: Path, names: Namespaces) -> Iterator[Article | Bad]:
    if page.findtext("ns") != "0" or page.find("redirect") is not None:
        return
    number, title, revision = page.findtext("id"), page.findtext("title"), page.find("revision")
    if not number or not title or revision is None:
        yield Bad(f"{path}: page {number or title}", "no id, title or revision")
    elif revision.findtext("model", "wikitext") == "wikitext":
        yield Article(number, title, plain_text(revision.findtext("text") or "", names.files, names.categories))


class Links(NamedTuple):
    """Which article of the source each page is linked to: page ids in order, and titles."""

    pages: NDArray[numpy.int64]
    titles: pyarrow.StringArray

    def title(self, page: str) -> str | None:
        """The source title that a page is linked to."""
        place = int(numpy.searchsorted(self.pages, int(page)))
        found = place < len(self.pages) and self.pages[place] == int(page)
        return str(self.titles[place]) if found else None


def read_links(preset: DumpPreset, language: str, source: str) -> Links | None:
    """Read a language's langlinks table, `INSERT INTO langlinks VALUES (page,'language','title'),…`, streamed.

    Raises:
        UserError: it cannot be had, or it is broken.
    """
    if preset.links is None or language == source:
        return None
    path = local_file(preset.links, language)
    row = re.compile(rb"\((\d+),'" + source.encode() + rb"','((?:[^'\\]++|\\.)*+)'\)")
    pages: list[NDArray[numpy.int64]] = []
    titles: list[pyarrow.StringArray] = []
    bar = tqdm(desc="links", total=path.stat().st_size, unit="B", unit_scale=True, disable=None, leave=False)
    try:
        with path.open("rb") as raw, bar, gzip.open(raw) if path.suffix == ".gz" else raw as lines:
            for line in lines:
                found = row.findall(line) if line.startswith(b"INSERT") else []
                pages.append(numpy.array([int(page) for page, _ in found], dtype=numpy.int64))
                # A title is cut at 255 bytes, in the middle of a letter too.
                unescaped = [re.sub(rb"\\(.)", rb"\1", title).decode("utf-8", "ignore") for _, title in found]
                titles.append(pyarrow.array(unescaped, pyarrow.string()))
                bar.update(raw.tell() - bar.n)
    except _BROKEN as error:
        raise _broken(path, error) from error
    numbers = numpy.concatenate(pages) if pages else numpy.zeros(0, numpy.int64)
    order = numpy.argsort(numbers, kind="stable")
    return Links(numbers[order], pyarrow.concat_arrays(titles).take(order) if titles else pyarrow.array([], "string"))
