"""The objects of JSON Lines, or of one JSON array, one by one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crosswiki.corpora.parts import Bad
from crosswiki.corpora.readers.lines import NOT_UTF8, text_lines, undecoded
from crosswiki.pipeline.errors import UserError

CHUNK = 2**20  # characters of an array that are read at once
Row = dict[str, Any]


def json_rows(path: Path) -> Iterator[Row | Bad]:
    """Go through a file's objects; a line that is none is bad.

    Raises:
        UserError: an array is no JSON.
    """
    with text_lines(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            if number == 1 and line.lstrip().startswith("["):
                yield from _array(path)
                return
            if undecoded(line):
                yield Bad(f"{path}: line {number}", NOT_UTF8)
                continue
            try:
                row = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                yield Bad(f"{path}: line {number}", f"no JSON ({getattr(error, 'msg', 'nested too deeply')})")
                continue
            yield row if isinstance(row, dict) else Bad(f"{path}: line {number}", "no JSON object")


def _array(path: Path) -> Iterator[Row | Bad]:
    """The objects of one JSON array, one after the other, in memory for the longest of them.

    Raises:
        UserError: it is no JSON.
    """
    decoder, number, ended = json.JSONDecoder(), 0, False
    with text_lines(path) as stream:
        waiting = stream.read(CHUNK).lstrip().removeprefix("[")
        while True:
            waiting = waiting.lstrip(" \t\r\n,")
            if waiting.startswith("]"):
                return
            try:
                row, end = decoder.raw_decode(waiting)
            except json.JSONDecodeError as error:
                if ended:
                    raise UserError(
                        f"{path}: element {number + 1} of the array is no JSON ({error.msg}): "
                        "JSON Lines, one object a line, lose one record where this loses the rest"
                    ) from error
                more = stream.read(max(CHUNK, len(waiting)))
                ended, waiting = not more, waiting + more
                continue
            number, waiting = number + 1, waiting[end:]
            yield row if isinstance(row, dict) else Bad(f"{path}: element {number}", "no JSON object")
