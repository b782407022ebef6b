"""Progress bars with the time left, on a terminal only."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

from crosswiki.pipeline.ranks import hidden

Item = TypeVar("Item")


def progress(items: Sequence[Item] | Iterable[Item], what: str, total: float | None = None) -> Iterator[Item]:
    """Iterate over items with a progress bar, if standard error is a terminal.

    Args:
        items: to iterate over.
        what: label of the bar.
        total: number of items, if `items` has no length.
    """
    yield from tqdm(items, desc=what, total=total, disable=hidden(), leave=False, dynamic_ncols=True)
