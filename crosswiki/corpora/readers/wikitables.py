"""Tables in wikitext: whole ones, those whose beginning or end a template wrote, and those that are never closed."""

import re

_TABLE = re.compile(r"^[ \t:*#]*+\{\|(?:[^\n]++|\n(?![ \t:*#]*+\{\||[ \t]*+\|\}))*+\n[ \t]*+\|\}", re.MULTILINE)
_MOST_NESTED = 40


def without_tables(text: str) -> str:
    """Text without tables, the innermost first; then without rows that belong to none."""
    for _ in range(_MOST_NESTED):
        text, found = _TABLE.subn("", text)
        if not found or "{|" not in text:
            break
    return _without_rows(text) if "\n|" in text or "{|" in text else text


def _without_rows(text: str) -> str:
    """Text without lines that are rows or cells of a table, and without their continuations before a further row."""
    lines = text.split("\n")
    below = _rows_below(lines)
    kept: list[str] = []
    inside = continued = False  # a table; a cell
    for line, row_below in zip(lines, below, strict=True):
        start = line.lstrip(" \t:")
        if start.startswith("{|") and (row_below or start.rstrip().endswith("|}")):
            inside = continued = True
        elif line.lstrip(" \t").startswith("|"):
            inside = continued = not start.startswith("|}")
        elif start.startswith("!") and (inside or row_below):
            inside = continued = True
        elif not start or line.startswith("="):
            inside, continued = inside and not start, False
            kept.append(line)
        elif not (continued and row_below):
            inside = continued = False
            kept.append(line)
    return "\n".join(kept)


def _rows_below(lines: list[str]) -> list[bool]:
    """For each line, whether a row follows it before the next empty line or heading."""
    below, found = [], False
    for line in reversed(lines):
        below.append(found)
        start = line.lstrip(" \t")
        if start.startswith(("|", "!")):
            found = True
        elif not start or line.startswith("="):
            found = False
    return below[::-1]
