"""The files that a corpus preset names: articles, the task's texts with or without labels, and word lists."""

import codecs
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from crosswiki.pipeline.checked_yaml import Section
from crosswiki.pipeline.packages import WHEEL
from crosswiki.pipeline.parameter_values import Language


class Columns(Section):
    """Names of a file's columns; null: the file has no such column."""

    id: str = "id"
    title: str | None = "title"
    text: str = "text"
    pair: str | None = None
    topic: str | None = None
    concept: str | None = None


class ArticleFile(Section):
    """One file of articles: JSON Lines (.jsonl), CSV, TSV or Parquet; .gz, .bz2, .xz and .zst are unpacked.

    `~` and environment variables (`$CORPORA/en.jsonl.gz`) are replaced in `path`.
    """

    path: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    columns: Columns = Columns()


class WordList(Section):
    """A word list of the source's language and another one; in a preset its path alone says as much.

    Attributes:
        path: of the file, where `~` and environment variables are replaced, or its address; `{language}` is filled in.
            Or a package of the index, `wheel:name==version#sha256=digest`, with two wordnets.
        members: by language, the wordnets' files in the package.
        licence: of the list, which the model that is made with it names.
    """

    path: str
    members: dict[Language, str] = Field(default_factory=dict)
    licence: str | None = None

    @property
    def name(self) -> str:
        """What it is called in a line: the file's name, or the package's."""
        return Path(self.path).name.partition("#")[0].removeprefix(WHEEL)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _both(self) -> "WordList":
        if self.path.startswith(WHEEL) != bool(self.members):
            raise ValueError("a package (wheel:…) needs members, the wordnets' files in it by language, and only it")
        return self


class TaskColumns(Section):
    """Which column of a file of the task's texts holds what; null: the file has none.

    `pair` holds the second text of texts in pairs: a hypothesis, an answer.
    `split` holds train, validation or test; a text without one gets its split as articles do. `article` holds names of
    articles that the corpus has, `language:id`, as `crosswiki suggest` writes them: such a file's labels join these
    articles, and its texts are not read again.
    """

    id: str | None = None
    title: str | None = None
    text: str = "text"
    pair: str | None = None
    topic: str | None = None
    concept: str | None = None
    split: str | None = None
    article: str | None = None


class TaskFile(Section):
    r"""A file of the task's texts, in a form of its own: CSV (.csv, .tsv), text (.txt), JSON Lines or Parquet.

    Attributes:
        path: `~`, `$DVC_ROOT` (the project's folder) and other variables are replaced.
        sha256: of the file; a changed file is refused.
        columns: by name; where `header` is false, by number from 1.
        encoding: of CSV, text and JSON Lines.
        separator: of a table's cells; null: by the name's ending, and none in .txt.
        quotes: whether a table's cells may stand in quotation marks.
        header: whether a table's first row names the columns.
        topics: labels that have another name in the task; null: such a text counts as unlabelled.
        mend: whether spoilt text (`\u2019`, `&amp;`, mojibake) is put right as it is read.
    """

    path: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    columns: TaskColumns = TaskColumns()
    encoding: str = "utf-8-sig"
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    quotes: bool = True
    header: bool = True
    topics: dict[str, str | None] = Field(default_factory=dict)
    mend: bool = False

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except LookupError as error:
            raise ValueError(f"found {value!r}; Python's name of an encoding is needed, such as cp1252") from error
        return value
