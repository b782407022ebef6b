"""The task's texts: files with the labels that a classifier is to learn, and files of the same kind of text without.

They stand beside a corpus of any kind. A text without a concept is a concept of its own, so that an exact repetition
of it, in whichever file, falls on the same side of a split; so do all pairs of one first text.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crosswiki.corpora.articles import concept_of, task_concept
from crosswiki.corpora.mending import mend
from crosswiki.corpora.pairs import in_one, in_pair
from crosswiki.corpora.parts import Article, Bad, Part
from crosswiki.corpora.readers.files import verify
from crosswiki.corpora.readers.forms import Form, cell, kind_of, numbered_rows
from crosswiki.corpora.readers.places import local_file
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.preset_files import TaskFile
from crosswiki.pipeline.presets import CorpusPreset


def files_of(preset: CorpusPreset, language: str) -> list[TaskFile]:
    """A language's files of the task, labelled ones first."""
    return preset.labelled.get(language, []) + preset.unlabelled.get(language, [])


def parts(preset: CorpusPreset, language: str) -> Iterator[Part]:
    """A language's files of the task, one part each.

    Raises:
        UserError: a file is missing or has another digest.
    """
    seen: Counter[str] = Counter()
    files = [file for file in files_of(preset, language) if file.columns.article is None]
    for place, file in enumerate(files):
        path = local_file(file.path, language)
        stem = path.name.partition(".")[0]
        seen[stem] += 1
        name = stem if seen[stem] == 1 else f"{stem}.{seen[stem]}"  # two folders may have a train.csv each
        yield Part(f"task-{place:04d}", partial(read_file, path, file, name), path.stat().st_size, 0.0)


def labels_of_articles(preset: CorpusPreset, language: str) -> dict[str, str]:
    """Labels that join articles of the corpus, by the article's id: see `TaskColumns`.

    Raises:
        UserError: a row cannot be used, names an article of another language, or contradicts another one.
    """
    labels: dict[str, str] = {}
    for file in files_of(preset, language):
        article = file.columns.article
        if article is None:
            continue
        path = local_file(file.path, language)
        verify(path, file.sha256)
        by_name = file.model_copy(update={"columns": file.columns.model_copy(update={"id": article})})
        for number, text in texts_of(path, by_name):
            where = f"{path}: {unit_of(path, file)} {number}"
            if isinstance(text, str):
                raise UserError(f"{where}: {text}")
            if text.topic is None:
                continue
            its_language, _, name = (text.number or "").partition(":")
            if its_language != language or not name:
                raise UserError(f"{where}: {article}: found {text.number!r}; {language}:ID of an article is needed")
            if labels.setdefault(name, text.topic) != text.topic:
                raise UserError(f"{where}: {text.number} has the label {labels[name]!r} too: keep one of them")
    return labels


def form_of(path: Path, file: TaskFile) -> Form:
    """How a preset says that a file is written."""
    kind = "table" if file.separator else kind_of(path)
    tabs = path.name.lower().partition(".tsv")[1] != ""
    return Form(kind, file.encoding, file.separator or ("\t" if tabs else ","), file.quotes, file.header)


# What files call their splits.
SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test", "validation": "validation"} | (
    dict.fromkeys(("valid", "val", "dev", "development"), "validation")
)


@dataclass(frozen=True)
class Text:
    """One text of the task.

    Attributes:
        text: as it is read: mended, where the file is to be; "" where there is none.
        label: as the file has it.
        topic: the task's name for that label.
        number: the file's own, or None.
        concept: the file's own, or what the text hashes to.
        title: the file's own, or None.
        split: the file's own, or None.
        pair: its second text, in a file of pairs.
    """

    text: str
    label: str | None
    topic: str | None
    number: str | None
    concept: str
    title: str | None
    split: str | None
    pair: str | None = None

    @property
    def whole(self) -> str:
        """The text, and its pair if it has one."""
        return in_one(in_pair(self.text, self.pair))


def texts_of(path: Path, file: TaskFile) -> Iterator[tuple[int, Text | str]]:
    """Go through a file's texts.

    Yields:
        The row's number, and its text, or why it cannot be used.

    Raises:
        UserError: the file is not what the preset says, or lacks a column.
    """
    columns, form = file.columns, form_of(path, file)
    for place, (number, row) in enumerate(numbered_rows(path, form)):
        if isinstance(row, str):
            yield number, row
            continue
        for name, column in columns.model_dump(exclude_none=True).items():
            # A row of JSON may leave out what it has not, but for a text.
            if place == 0 and column not in row and (form.kind != "json" or name == "text"):
                known = ", ".join(map(str, row))
                raise UserError(f"{path}: no column {column!r} for {name}; it has {known}")
        text = cell(row, columns.text) or ""
        pair = cell(row, columns.pair)
        if columns.pair and bool(text) != bool(pair):
            yield number, f"no {columns.pair}" if text else f"no {columns.text}, and a {columns.pair}"
            continue
        text, pair = (mend(text), pair and mend(pair)) if file.mend else (text, pair)
        label = cell(row, columns.topic)
        if any("\ud800" <= letter <= "\udfff" for letter in text + (pair or "") + (label or "")):
            yield number, "half of a letter in it (a lone surrogate)"
            continue
        split = cell(row, columns.split)
        if split and split.lower() not in SPLITS:
            yield number, f"split {split!r} is none of train, validation, test"
            continue
        split = SPLITS[split.lower()] if split else None
        concept = cell(row, columns.concept) or digest_of(text)
        topic = file.topics.get(label, label) if label else None
        yield number, Text(text, label, topic, cell(row, columns.id), concept, cell(row, columns.title), split, pair)


def read_file(path: Path, file: TaskFile, name: str) -> Iterator[Article | Bad]:
    """A file's texts as a corpus has them. Ids begin with `name`, and end in the file's own or in the concept.

    Raises:
        UserError: see `texts_of`; or the file has another digest.
    """
    verify(path, file.sha256)
    repeated: Counter[str] = Counter()
    for number, text in texts_of(path, file):
        if isinstance(text, str):
            yield Bad(f"{path}: {unit_of(path, file)} {number}", text)
            continue
        own = text.number
        if own is None:
            repeated[text.concept] += 1
            own = text.concept + (f"-{repeated[text.concept]}" if repeated[text.concept] > 1 else "")
        concept = task_concept(text.concept, text.split)
        yield Article(f"{name}:{own}", text.title, text.text, text.topic, concept, text.pair)


def unit_of(path: Path, file: TaskFile) -> str:
    """What a file is counted in."""
    return "row" if form_of(path, file).kind in ("table", "parquet") else "line"


def digest_of(text: str) -> str:
    """What stands for a text's content: the same where only case, accents or spaces differ."""
    return hashlib.blake2b(concept_of(text).encode(), digest_size=8).hexdigest()
