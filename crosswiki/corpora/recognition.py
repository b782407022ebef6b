"""How a file is written that a person has: its kind, encoding, separator, and whether it names its columns."""

import csv
import io
import lzma
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Literal

from crosswiki.corpora.readers.forms import Form, cell, kind_of, numbered_rows
from crosswiki.corpora.readers.places import unpacked
from crosswiki.pipeline.errors import UserError

LOOKED_AT = 2**25  # bytes, of which the encoding is judged
PARSED = 20_000  # lines, of which the separator is judged
SHOWN = 1000  # rows, of which the columns are judged
SEPARATORS = ",;\t|"
BOMS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
# What a file is not, by its first bytes, and what its owner can do.
OTHERS = {
    b"PK\x03\x04": "an Excel or OpenDocument workbook, or another zip file: save the sheet as CSV (UTF-8)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV (UTF-8)",
    b"%PDF": "a PDF: copy its text into a .txt file, one text a line",
    b"{\\rtf": "rich text: save it as plain text (.txt), one text a line",
    b"<!DOCTYPE": "a web page: was it fetched from behind a login?",
    b"<html": "a web page: was it fetched from behind a login?",
    b"<?xml": "XML: save it as CSV or JSON Lines",
    b"\x1f\x8b": "gzip: let its name end in .gz",
    b"version https://git-lfs": "a pointer of Git LFS and not the file: git lfs pull",
}
# Encodings of one byte or two a letter that are told apart by which letters are likely.
OLDER = ["cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "gb18030", "big5", "cp932", "euc_kr", "mac_roman"]
TEXT_NAMES = ("text", "sentence", "tweet", "review", "message", "comment", "body", "content", "description", "document")
LABEL_NAMES = ("label", "labels", "class", "category", "topic", "sentiment", "intent", "target", "tag", "y", "rating")


def form_of(path: Path) -> Form:
    """How a file is written.

    Raises:
        UserError: there is no such file, it is empty, or it is of a kind that cannot be read.
    """
    if path.is_dir():
        raise UserError(f"{path}: a folder: name a file in it")
    if not path.is_file():
        raise UserError(f"{path}: no such file: check its name")
    if not path.stat().st_size:
        raise UserError(f"{path}: is empty")
    with path.open("rb") as file:
        start = file.read(64)
    for first, what in OTHERS.items():
        if start.lstrip().lower().startswith(first.lower()) and not (first == b"\x1f\x8b" and path.suffix == ".gz"):
            raise UserError(f"{path}: {what}")
    kind = kind_of(path)
    if kind == "parquet":
        return Form(kind)
    try:
        with unpacked(path) as file:
            content = file.read(LOOKED_AT)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise UserError(f"{path}: cannot be unpacked ({error}): is it whole?") from error
    encoding = encoding_of(content, path)
    if kind == "json":
        return Form(kind, encoding)
    lines = content.decode(encoding, "replace").splitlines(keepends=True)[:PARSED]
    if not any(line.strip() for line in lines):
        raise UserError(f"{path}: is empty")
    separator, quotes = separator_of(lines, "\t" if kind == "lines" else SEPARATORS)
    if separator is None:
        if kind == "lines":
            return Form(kind, encoding)
        separator = "\t" if ".tsv" in path.name.lower() else ","
    table = Form("table", encoding, separator, quotes)
    return Form("table", encoding, separator, quotes, header=_has_header(path, table))


def encoding_of(content: bytes, path: Path) -> str:
    """The encoding of a file's beginning.

    Raises:
        UserError: it is no text.
    """
    for mark, name in BOMS:
        if content.startswith(mark):
            return name
    sample = content[: 2**16]
    for name, zeros in (("utf-16-le", sample[1::2].count(0)), ("utf-16-be", sample[0::2].count(0))):
        if zeros > 0.3 * len(sample) / 2 and sample.count(0) < 0.6 * len(sample):
            return name
    if b"\0" in sample:
        raise UserError(f"{path}: no text, but something for a program (zero bytes in it)")
    letters = content.decode("utf-8", "surrogateescape")
    broken = sum("\udc80" <= letter <= "\udcff" for letter in letters[:-3])
    if 10 * broken <= sum(letter > "\x7f" for letter in letters):  # all of it, or all but some rows
        return "utf-8-sig"
    import charset_normalizer

    # Rows of plain ASCII say nothing, and there are many of them.
    telling = b"\n".join(line for line in content.splitlines() if not line.isascii())[: 2**18]
    best = charset_normalizer.from_bytes(telling, cp_isolation=OLDER, threshold=0.5).best()
    if best is None:
        raise UserError(f"{path}: its encoding cannot be recognised: save it as UTF-8")
    return str(best.encoding)


def separator_of(lines: Sequence[str], separators: str = SEPARATORS) -> tuple[str | None, bool]:
    """What stands between a table's cells, and whether cells stand in quotes; None where there is one column alone."""
    if lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:
        return lines[0].strip()[4], True
    found: list[tuple[float, int, str, bool]] = []
    for place, separator in enumerate(separators):
        plain, quoted = (_widths(lines, separator, quotes) for quotes in (False, True))
        # Where quotation marks belong to the texts, the rows are of one width without them, and do not fit with them.
        quotes = not (len(set(plain)) == 1 and len(quoted) < len(plain))
        widths = Counter(quoted if quotes else plain)
        if not widths:
            continue
        # The usual width: prose with commas has widths of every kind.
        width, rows = widths.most_common(1)[0]
        share = rows / widths.total()
        if width > 1 and share >= 0.6:
            found.append((round(share, 2), -place, separator, quotes))
    if not found:
        return None, True
    _, _, separator, quotes = max(found)
    return separator, quotes


def _widths(lines: Sequence[str], separator: str, quotes: bool) -> list[int]:
    """How many cells each row has that can be read."""
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    rows = csv.reader(io.StringIO("".join(lines), newline=""), delimiter=separator, quoting=quoting, strict=True)
    widths: list[int] = []
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            continue
        if row is None:
            return widths
        if row:
            widths.append(len(row))


def _has_header(path: Path, form: Form) -> bool:
    """Whether the first row names the columns: known names, or else short ones that no other row has."""
    headless = replace(form, header=False)
    rows = [row for _, row in islice(numbered_rows(path, headless), SHOWN) if isinstance(row, dict)]
    if not rows:
        return True
    first = [(cell(rows[0], name) or "") for name in rows[0]]
    if any(name.lower() in (*TEXT_NAMES, *LABEL_NAMES, "id", "title") for name in first):
        return True
    if len(rows) == 1 or len(first) == 1:
        return False
    values = [{cell(row, name) for row in rows[1:]} for name in rows[0]]
    new = all(name and name not in others for name, others in zip(first, values, strict=True))
    return new and all(len(name.split()) <= 3 and not name[:1].isdigit() for name in first)
