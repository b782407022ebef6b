"""A bilingual dictionary as a file: words and phrases of two languages, the source's first."""

from collections.abc import Iterable
from pathlib import Path

from crosswiki.pipeline.errors import UserError

HEADER = "source\tother\n"


def save_dictionary(entries: Iterable[tuple[str, str]], path: Path) -> None:
    """Write `source<TAB>other` lines below a header."""
    path.write_text(HEADER + "".join(f"{source}\t{other}\n" for source, other in entries), encoding="utf-8")


def load_dictionary(path: Path) -> list[tuple[str, str]]:
    """Read what `save_dictionary` wrote.

    Raises:
        UserError: there is no such file.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file: run the stage that makes it first (dvc repro)")
    lines = path.read_text(encoding="utf-8").removeprefix(HEADER).split("\n")
    return [(source, other) for source, other in (line.split("\t") for line in lines if line)]
