"""Looking at a file of somebody's texts: how it is written, what its columns hold, and what is the matter with it."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from crosswiki.corpora.articles import ARTICLE, task_concept
from crosswiki.corpora.mending import mend, spoilt
from crosswiki.corpora.readers.forms import Form, cell, numbered_rows
from crosswiki.corpora.readers.task import SPLITS, Text, digest_of, texts_of, unit_of
from crosswiki.corpora.recognition import LABEL_NAMES, SHOWN, TEXT_NAMES, form_of
from crosswiki.corpora.splits import split_of
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters_of_words import Prepare
from crosswiki.pipeline.paths import sha256_of
from crosswiki.pipeline.preset_files import TaskColumns, TaskFile

MOST_LABELS = 200  # different ones; more are no classes
DISTINCT = 0.25  # the share of rows above which a column's values are not taken for classes
WORDS = 2.5  # in a mean text at least, where nothing else says that a column is the text


def choose_columns(
    path: Path, form: Form, text: str | None, label: str | None, pair: str | None = None
) -> tuple[TaskColumns, list[str]]:
    """Which columns hold the text, the label and the like, and which are not read.

    Args:
        path: the file.
        form: how it is written.
        text: the column that its owner names; None: the one that looks like it.
        label: the same; "none": the file has no labels.
        pair: the column of the second texts; None: the texts are single.

    Raises:
        UserError: there is no such column, or more than one could be it.
    """
    rows = [row for _, row in islice(numbered_rows(path, form), SHOWN) if isinstance(row, dict)]
    if not rows:
        raise UserError(f"{path}: no row in it can be read as {form.kind}")
    if form.kind == "lines" and pair is None:
        return TaskColumns(), []
    names = list(dict.fromkeys(name for row in rows for name in row if name))
    for option, column in (("--text", text), ("--label", label), ("--pair", pair)):
        if column is not None and column not in names and not (option == "--label" and column == "none"):
            raise UserError(f"{path}: {option}: no column {column!r}; it has {', '.join(names)}")
    values = {name: [value for row in rows if (value := cell(row, name))] for name in names}
    if ARTICLE in names and label is None and "label" in names:  # of `crosswiki suggest`, whose `drawn` is no label
        label = "label"
        if not values[label]:
            raise UserError(f"{path}: column {label!r} is empty: write the labels into it first")
    if text is None:
        text = _text_column(path, {name: values[name] for name in names if name not in (label, pair)})
    if text == pair:
        raise UserError(f"{path}: --pair: {pair!r} is the column of the first texts too: name another one")
    if label is None:
        label = _label_column(path, {name: values[name] for name in names if name not in (text, pair)}, len(rows))
    lower = {name.lower(): name for name in reversed(names) if name not in (text, pair, label)}
    concept, number, split = lower.get("concept"), lower.get("id"), lower.get("split")
    if split and not {value.lower() for value in values[split]} <= set(SPLITS):
        split = None
    if number and (len(values[number]) < len(rows) or len(set(values[number])) < len(rows)):
        number = None  # it tells no rows apart
    article = ARTICLE if ARTICLE in names else None
    topic = None if label == "none" else label
    columns = TaskColumns(text=text, pair=pair, topic=topic, concept=concept, id=number, split=split, article=article)
    return columns, [name for name in names if name not in columns.model_dump().values()]


def _text_column(path: Path, values: dict[str, list[str]]) -> str:
    known = [name for wanted in TEXT_NAMES for name in values if name.lower() == wanted and values[name]]
    if known:
        return known[0]
    length = {name: sum(len(value.split()) for value in its) / max(1, len(its)) for name, its in values.items()}
    letters = {name: sum(map(len, its)) / max(1, len(its)) for name, its in values.items()}
    likely = sorted((name for name in values if length[name] >= WORDS or letters[name] > 12), key=lambda n: -letters[n])
    if len(values) == 1 and values:
        return next(iter(values))
    if not likely:
        raise UserError(f"{path}: no column looks like text: --text COLUMN; it has {', '.join(values)}")
    if len(likely) > 1 and letters[likely[1]] > 0.5 * letters[likely[0]]:
        raise UserError(
            f"{path}: {likely[0]!r} and {likely[1]!r} could both be the text: --text {likely[0]!r}, say; and if they "
            f"are texts in pairs, --pair {likely[1]!r}"
        )
    return likely[0]


def _label_column(path: Path, values: dict[str, list[str]], rows: int) -> str | None:
    known = [name for wanted in LABEL_NAMES for name in values if name.lower() == wanted and values[name]]
    if known:
        return known[0]
    likely = [
        name
        for name, its in values.items()
        if 2 <= len(set(its)) <= min(MOST_LABELS, max(2, DISTINCT * rows)) and max(map(len, its)) <= 60
    ]
    if len(likely) > 1:
        raise UserError(
            f"{path}: {' and '.join(map(repr, likely))} could all be the label: --label {likely[0]!r}, say, or "
            "--label none"
        )
    return likely[0] if likely else None


Torn = tuple[tuple[int, str], tuple[int, str], str]  # two rows, with what they say, and their text


@dataclass
class Survey:
    """What is in a file.

    Attributes:
        path: where it is.
        file: what a preset says of it.
        form: how it is written.
        unread: columns that are not read.
        unit: what it is counted in, row or line.
        texts: rows with a text.
        empty: rows without one, and the first.
        unlabelled: rows with a text and no label.
        labels: how often each occurs, as the file has them.
        shortest: in letters, and its row; and the longest.
        longest: the same.
        repeated: rows whose text has been before, and two rows of the first such text.
        torn: rows whose text has been before with another label, or in another split, and the first of them.
        spoilt: of each kind, how many rows, the first row, and its text.
        bad: rows that cannot be used, by why: how many, and the first.
        splits: labelled texts in each split.
    """

    path: Path
    file: TaskFile
    form: Form
    unread: list[str]
    unit: str
    texts: int = 0
    empty: list[int] = field(default_factory=list)
    unlabelled: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    first_of_label: dict[str, int] = field(default_factory=dict)
    shortest: tuple[str, int] | None = None
    longest: tuple[str, int] | None = None
    repeated: int = 0
    first_repeated: tuple[int, int, str] | None = None
    torn: dict[str, tuple[int, Torn | None]] = field(default_factory=dict)
    spoilt: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    bad: dict[str, tuple[int, int]] = field(default_factory=dict)
    splits: Counter[str] = field(default_factory=Counter)

    @property
    def bad_rows(self) -> int:
        """How many rows cannot be used."""
        return sum(count for count, _ in self.bad.values())

    def variants(self) -> list[list[str]]:
        """Labels that differ by case or space alone, the commonest first."""
        alike: dict[str, list[str]] = {}
        for label, _ in self.labels.most_common():
            alike.setdefault(folded(label), []).append(label)
        return [labels for labels in alike.values() if len(labels) > 1]


def folded(label: str) -> str:
    """A label without what people write in two ways: case and spaces."""
    return "".join(label.casefold().split())


def survey(
    path: Path, text: str | None, label: str | None, params: Prepare, mending: bool = False, pair: str | None = None
) -> Survey:
    """Look at a whole file.

    Args:
        path: the file.
        text: the column of the texts; None: seen.
        label: the column of the labels; None: seen; "none": there is none.
        params: how texts are split.
        mending: whether spoilt text is to be put right when it is read; what is shown is how it is in the file.
        pair: the column of the second texts of texts in pairs.

    Raises:
        UserError: it cannot be read, or its columns cannot be told.
    """
    form = form_of(path)
    columns, unread = choose_columns(path, form, text, label, pair)
    separator = form.separator if form.kind == "table" else None
    file = TaskFile(
        path=str(path),
        sha256=sha256_of(path),
        columns=columns,
        encoding=form.encoding,
        separator=separator,
        quotes=form.quotes,
        header=form.header,
    )
    found = Survey(path, file, form, unread, unit_of(path, file))
    known: dict[str, tuple[int, Text]] = {}  # of each different text, the first row that has it
    for number, row in texts_of(path, file):
        if isinstance(row, str):
            why = row.partition(" (")[0]  # without what differs from row to row
            count, first = found.bad.get(why, (0, number))
            found.bad[why] = (count + 1, first)
        elif not row.text:
            found.empty.append(number)
        else:
            _count(found, number, row, known)
            if row.label is not None:
                if columns.article:
                    found.splits["train"] += 1  # whose texts alone are suggested
                    continue
                concept = digest_of(mend(row.text)) if mending and columns.concept is None else row.concept
                found.splits[
                    split_of(task_concept(concept, row.split), params.validation, params.test, params.fold)
                ] += 1
    found.file = file.model_copy(update={"mend": mending and bool(found.spoilt)})
    return found


def _count(found: Survey, number: int, row: Text, known: dict[str, tuple[int, Text]]) -> None:
    """Add a row that has a text."""
    found.texts += 1
    if row.label is None:
        found.unlabelled += 1
    else:
        found.labels[row.label] += 1
        found.first_of_label.setdefault(row.label, number)
    if found.shortest is None or len(row.text) < len(found.shortest[0]):
        found.shortest = (row.text, number)
    if found.longest is None or len(row.text) > len(found.longest[0]):
        found.longest = (row.text, number)
    first, before = known.setdefault(digest_of(row.whole), (number, row))
    if first != number:
        found.repeated += 1
        found.first_repeated = found.first_repeated or (first, number, row.whole)
        for kind, one, other in (("label", before.label, row.label), ("split", before.split, row.split)):
            if one and other and one != other:
                count, example = found.torn.get(kind, (0, None))
                found.torn[kind] = (count + 1, example or ((first, one), (number, other), row.whole))
    for kind in spoilt(row.whole):
        count, number_of_first, text = found.spoilt.get(kind, (0, number, row.whole))
        found.spoilt[kind] = (count + 1, number_of_first, text)
