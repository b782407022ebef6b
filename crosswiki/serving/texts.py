"""Reading of texts to classify, one on each line."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crosswiki.pipeline.errors import UserError


def read_records(file: Path) -> Iterator[dict[str, Any]]:
    """Read texts one by one: plain lines, or JSON objects with the key text and any other keys.

    Args:
        file: the file; - is standard input.

    Raises:
        UserError: the file cannot be read, or a line that begins with { is not such an object.
    """
    try:
        with sys.stdin if str(file) == "-" else file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield _record(line.rstrip("\r\n"), f"{file}: line {number}")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: cannot be read as UTF-8 text ({error})") from error


def _record(line: str, place: str) -> dict[str, Any]:
    if not line.startswith("{"):
        return {"text": line}
    try:
        record = json.loads(line)
    except ValueError as error:
        raise UserError(f"{place}: begins as JSON and is none ({error})") from error
    if not isinstance(record.get("text"), str):
        raise UserError(f"{place}: the key text is needed, with a string; found {', '.join(record) or 'no key'}")
    return dict(record)
