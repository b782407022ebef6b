"""Word vectors that others have trained, read as a stream: word2vec's formats, fastText's .vec, GloVe's text.

In text, each line is a word and its numbers, with a space between. A first line says how many words there are and how
many numbers each has; GloVe's files have no such line. In word2vec's binary format the same first line is there, and
then for each word its letters, a space, and its numbers as float32, little-endian. gzip may pack both.
"""

import gzip
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.progress import progress

FASTTEXT = (793712314).to_bytes(4, "little")  # what a model of fastText's begins with
PIECE = 2**20  # bytes of a binary file that are read at a time
LONGEST = 1000  # bytes of a word in a binary file; where there is no space for longer, the file is no such file
Row = NDArray[numpy.float32]


@dataclass(frozen=True)
class VectorFile:
    """What was kept of a file of word vectors, and what could not be.

    Attributes:
        words: each once, in the file's order.
        vectors: float32, [words, dim].
        rows: of the file.
        undecoded: rows whose word is not UTF-8.
        odd: rows of what is not one word of the language: a sign, a number with a point, words with a space between.
        repeated: rows of words that an earlier row has, perhaps with capital letters.
    """

    words: tuple[str, ...]
    vectors: Tensor
    rows: int
    undecoded: int
    odd: int
    repeated: int


class _Item(NamedTuple):
    """A row of a file."""

    where: str  # for messages
    word: bytes
    numbers: Callable[[], Row]  # of what follows the word; raises ValueError


def read_vector_file(
    path: Path, word_of: Callable[[str], str | None], wanted: Collection[str], maximum: int
) -> VectorFile:
    """Read the vectors of the wanted words and of others, the first in the file: published files are sorted by count.

    The file is gone through once; no more than `maximum` vectors are in memory.

    Args:
        path: of the file; packed if its name ends in .gz, binary if what is before that ends in .bin.
        word_of: brings a word of the file to the form of the wanted ones; None: it is not one word. Of rows whose words
            have the same form, the first is taken.
        wanted: words.
        maximum: of vectors, one kept for each wanted word whether the file has it or not.

    Raises:
        UserError: the file cannot be read, is a fastText model, or has rows that do not fit its first line.
    """
    counts = {"rows": 0, "undecoded": 0, "odd": 0, "repeated": 0}
    places: dict[str, int] = {}
    others = max(maximum - len(wanted), 0)
    try:
        with _unpacked(path) as stream:
            total, dim, items = _open(stream, path)
            kept = numpy.empty((min(total or maximum, max(maximum, len(wanted))), dim), numpy.float32)
            for item in progress(items, path.name, total):
                counts["rows"] += 1
                try:
                    word = word_of(item.word.decode())
                except UnicodeDecodeError:
                    counts["undecoded"] += 1
                    continue
                if word is None or word in places:
                    counts["odd" if word is None else "repeated"] += 1
                elif len(places) < len(kept) and (word in wanted or others):
                    others -= word not in wanted
                    kept[len(places)] = _finite(item)
                    places[word] = len(places)
    except (EOFError, OSError, zlib.error) as error:
        raise _unreadable(path, error) from error
    if counts["rows"] == 0 or (total is not None and counts["rows"] != total):
        says = "is empty" if total is None else f"says that it has {total:,} words, and has {counts['rows']:,}"
        raise UserError(f"{path}: {says}: has it been copied as a whole?")
    return VectorFile(tuple(places), torch.from_numpy(kept[: len(places)].copy()), **counts)


def dimensions(path: Path) -> int:
    """How many numbers the vectors of a file have.

    Raises:
        UserError: see `read_vector_file`.
    """
    try:
        with _unpacked(path) as stream:
            return _open(stream, path)[1]
    except (EOFError, OSError, zlib.error) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]})")


def _unpacked(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _open(stream: IO[bytes], path: Path) -> tuple[int | None, int, Iterator[_Item]]:
    """How many rows the first line promises (None: it is a row itself), how many numbers a row has, and the rows."""
    first = stream.readline(PIECE)
    if first.startswith(FASTTEXT):
        raise UserError(
            f"{path}: a model of fastText's: name the .vec file that is published beside it, or write one in this "
            "form: a line with the numbers of words and of dimensions, then what `fasttext print-word-vectors` prints"
        )
    binary = path.name.removesuffix(".gz").endswith(".bin")
    if header := re.fullmatch(rb"(\d+) (\d+)\s*", first):
        total, dim = int(header[1]), int(header[2])
        if total and dim:
            return total, dim, _binary_rows(stream, path, dim, total) if binary else _text_rows(stream, path, dim, 2)
    dim = len(first.split()) - 1
    if binary or dim < 2:
        raise UserError(
            f"{path}: line 1: the numbers of words and of dimensions are needed (2000000 300), found {first[:60]!r}"
        )
    return None, dim, _text_rows(chain([first], stream), path, dim, 1)


def _text_rows(lines: Iterable[bytes], path: Path, dim: int, first: int) -> Iterator[_Item]:
    for number, line in enumerate(lines, first):
        if not (line := line.strip()):
            continue
        where, found = f"{path}: line {number}", line.count(b" ")
        if found < dim or (found > dim and number <= 2):  # later on, a word with a space in it is possible
            raise UserError(f"{where}: a word and {dim} numbers are needed, found {found} after the word")
        word = line.partition(b" ")[0] if found == dim else line.rsplit(b" ", dim)[0]
        yield _Item(where, word, partial(_text_numbers, line, dim))


def _text_numbers(line: bytes, dim: int) -> Row:
    return numpy.array(line.rsplit(b" ", dim)[1:]).astype(numpy.float32)


def _binary_rows(stream: IO[bytes], path: Path, dim: int, total: int) -> Iterator[_Item]:
    held, start, size = b"", 0, 4 * dim
    for number in range(1, total + 1):
        if len(held) - start < LONGEST + 1 + size:
            held, start = held[start:] + stream.read(PIECE + size), 0
        space = held.find(b" ", start, start + LONGEST)
        numbers = held[space + 1 : space + 1 + size]
        if space < 0 or len(numbers) < size:
            raise UserError(f"{path}: word {number:,} of {total:,}: the file ends there, or is not word2vec's binary")
        word = held[start:space].lstrip(b"\n")
        start = space + 1 + size
        yield _Item(f"{path}: word {number:,}", word, partial(_binary_numbers, numbers))


def _binary_numbers(numbers: bytes) -> Row:
    return numpy.frombuffer(numbers, "<f4")


def _finite(item: _Item) -> Row:
    try:
        row = item.numbers()
    except ValueError as error:
        raise UserError(f"{item.where}: not a number ({' '.join(str(error).split())[:100]})") from error
    if not numpy.isfinite(row).all():
        raise UserError(f"{item.where}: a number in it is not finite")
    return row
