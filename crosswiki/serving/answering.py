"""Rows of people's files with answers, and counts of those that have none."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

from crosswiki.corpora.pairs import Text, each_side, in_one, in_pair
from crosswiki.serving.answers import Answer
from crosswiki.serving.bulk import Row
from crosswiki.serving.texts import with_answer

if TYPE_CHECKING:
    from crosswiki.evaluation.voters import Voter, Voters


class Reads(Protocol):
    """What `Answering` asks of a reader: a `Reader`, or a `PooledReader`."""

    @property
    def topics(self) -> list[str]: ...  # noqa: D102  # the readers say it

    @property
    def language(self) -> str: ...  # noqa: D102

    def answer(self, texts: Sequence[Text | None], abstain: float = 0.0) -> list[Answer]: ...  # noqa: D102


BATCH = 1024  # texts that are classified at a time


@dataclass
class Answering:
    """Adds answers to rows, and counts those without a topic."""

    reader: Reads
    model: str
    column: str
    abstain: float
    every: bool  # topic's probability, not only the most probable one's
    pair: str | None = None  # the column of second texts
    voters: "Voters | None" = None  # the labelled articles that are nearest to each text are named
    gloss: Callable[[list[str]], list[str]] | None = None  # texts to what the teacher reads of them
    done: Callable[[int], object] = lambda rows: None  # called with the number of rows that are answered
    total: int = 0
    unread: int = 0
    unsure: int = 0
    single: int = 0

    def __call__(self, rows: list[Row]) -> list[Row]:
        """Rows with topic, probability, language and model, and with all probabilities if they are wanted."""
        answered = []
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            texts = [self._text_of(row) for row in batch]
            nearest = self.voters.nearest(texts) if self.voters else [None] * len(texts)
            glosses: list[Text | None] = [None] * len(texts)
            if self.gloss:
                texts = glosses = [*each_side([text or "" for text in texts], self.gloss)]
            answers = self.reader.answer(texts, self.abstain)
            answered += [self._with(*row) for row in zip(batch, answers, nearest, glosses, strict=True)]
            self.done(len(batch))
        return answered

    def _text_of(self, row: Row) -> Text | None:
        text: str | None = row[self.column]
        if not self.pair or text is None:
            return text
        found = in_pair(text, row.get(self.pair))
        self.single += not isinstance(found, tuple)
        return found

    def _with(self, row: Row, answer: Answer, nearest: "list[Voter] | None", gloss: Text | None) -> Row:
        self.total += 1
        self.unread += answer.probability is None
        self.unsure += answer.topic is None and answer.probability is not None
        found = {"topic": answer.topic, "probability": answer.probability, "language": self.reader.language}
        every = {"probabilities": answer.probabilities} if self.every else {}
        why = {} if nearest is None else {"nearest": [asdict(voter) for voter in nearest if answer.probabilities]}
        read = {} if gloss is None else {"gloss": in_one(gloss)}
        return with_answer(row, {**read, **found, "model": self.model, **every, **why})

    @property
    def settings(self) -> Row:
        """What the answers depend on beside the model and the texts."""
        names = ("model", "column", "abstain", "every", *(["pair"] if self.pair else []))
        return {name: getattr(self, name) for name in names} | {"language": self.reader.language}

    def remarks(self) -> list[str]:
        """Lines on the texts without a topic, and without a pair where the others have one."""
        remarks = []
        if self.single:
            what = "have no second text, though the model has learnt from pairs"
            remarks.append(f"predict: {self.single} of {self.total} texts {what}: JSON Lines or a table has them")
        if self.unread:
            remarks.append(
                f"predict: {self.unread} of {self.total} texts have no topic: they are empty, or in letters that the "
                f"model ({self.reader.language}) cannot read"
            )
        if self.unsure:
            limit = f"below {self.abstain:g}"
            remarks.append(f"predict: {self.unsure} of {self.total} texts have no topic: its probability is {limit}")
        return remarks
