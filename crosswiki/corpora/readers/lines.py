"""A text file's lines, whatever it is packed in and however it is encoded."""

import lzma
import re
import zlib
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from crosswiki.corpora.readers.places import unpacked

BROKEN = (ValueError, OSError, EOFError, zlib.error, lzma.LZMAError)  # also pyarrow's and the decompressors'
NOT_UTF8 = "not UTF-8: save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"
_UNDECODED = re.compile("[\udc80-\udcff]")  # what "surrogateescape" makes of a byte that is not UTF-8


def text_lines(path: Path, newline: str = "\n") -> IO[str]:
    """Open a text file, whatever it is packed in: UTF-8, or UTF-16 that says so in its first two bytes.

    Bytes that are not UTF-8 become lone surrogates ("surrogateescape"): `undecoded` finds them.
    """
    stream = unpacked(path)
    mark = stream.read(2)
    stream.close()
    utf16 = mark in (b"\xff\xfe", b"\xfe\xff")
    encoding, errors = ("utf-16", "replace") if utf16 else ("utf-8-sig", "surrogateescape")
    return TextIOWrapper(unpacked(path), encoding, errors, newline)


def undecoded(text: str) -> bool:
    """Whether bytes of it were not UTF-8."""
    return not text.isascii() and _UNDECODED.search(text) is not None
