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
        file: the file, in UTF-8; - is standard input.

    Raises:
        UserError: the file cannot be read, or a line that begins with { is not such an object.
    """
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                place = f"{file}: line {number}"
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise UserError(f"{place}: not UTF-8: save the texts as UTF-8, then try again") from error
                yield _record(text.rstrip("\r\n"), place)
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error})") from error


def _record(line: str, place: str) -> dict[str, Any]:
    if not line.startswith("{"):
        return {"text": line}
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{place}: begins as JSON and is none ({error})") from error
    if not isinstance(record.get("text", 0), str | None):
        raise UserError(f"{place}: the key text is needed, with a string; found {', '.join(record) or 'no key'}")
    return dict(record)


def with_answer(record: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """A record with its answer, in which nothing of the record is lost: what has a key of ours stands below `given`."""
    shared = {key: record[key] for key in record if key in answer}
    if not shared:
        return {**record, **answer}
    if "given" in record:
        shared["given"] = record["given"]
    return {**{key: record[key] for key in record if key not in shared}, "given": shared, **answer}


def as_json(record: dict[str, Any]) -> str:
    """A record in one line, in its own letters; half a surrogate pair, which no file can hold, as an escape."""
    line = json.dumps(record, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:
        return json.dumps(record)
    return line
