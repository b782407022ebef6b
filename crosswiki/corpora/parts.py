"""What every corpus kind yields: articles and records that cannot be used, in parts that can be read apart."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Article:
    """One article, as its source has it; None stands for what the source does not say."""

    id: str
    title: str | None
    text: str
    topic: str | None = None
    concept: str | None = None
    pair: str | None = None


@dataclass(frozen=True)
class Bad:
    """A record that is skipped and counted: where it is, and what is wrong with it."""

    where: str
    why: str

    def __str__(self) -> str:
        """The two in one line."""
        return f"{self.where}: {self.why}"


@dataclass(frozen=True)
class Part:
    """A piece of a corpus that is read by one process, and whose articles are kept when a later piece fails.

    Attributes:
        name: tells the pieces of a corpus apart, and is the same in every run; a file's name can be made of it.
        read: opens the piece and goes through it; it can be sent to another process.
        size: of the piece, in bytes.
        reached: the share of the corpus that has been read at the end of the piece, in [0, 1].
    """

    name: str
    read: Callable[[], Iterator[Article | Bad]]
    size: int
    reached: float
