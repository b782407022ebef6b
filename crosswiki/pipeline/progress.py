"""Progress bars with a time left, on a terminal; silence elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(items: Sequence[Item] | Iterable[Item], what: str, total: float | None = None) -> Iterator[Item]:
    """Go through items and show how far it is and how long it will take, unless standard error is no terminal.

    Args:
        items: what is gone through.
        what: the word before the bar.
        total: how many there are, where `items` has no length.
    """
    yield from tqdm(items, desc=what, total=total, disable=None, leave=False, dynamic_ncols=True)
