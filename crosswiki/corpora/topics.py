"""Topics and concepts for corpora that carry none: by concept, by title, or by a link to the source's article."""

from collections.abc import Callable
from dataclasses import dataclass, field

from crosswiki.corpora.articles import concept_of
from crosswiki.corpora.parts import Bad
from crosswiki.corpora.readers.mediawiki import vital_concepts
from crosswiki.corpora.readers.records import read_rows, text_of
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.paths import user_path
from crosswiki.pipeline.presets import Labels


@dataclass(frozen=True)
class Topics:
    """What is known of a language's articles: a concept's topic, and a title's concept, its own or the source's."""

    topic: dict[str, str | None] = field(default_factory=dict)
    by_title: dict[str, str] = field(default_factory=dict)
    by_source_title: dict[str, str] = field(default_factory=dict)


def canonical(title: str) -> str:
    """A title as MediaWiki writes it: spaces for underscores, the first letter a capital."""
    title = " ".join(title.replace("_", " ").split())
    return title[:1].upper() + title[1:]


def load_topics(labels: Labels | None, source: str, language: str) -> Topics:
    """Get what `labels` in a preset names.

    Raises:
        UserError: it cannot be had, or a table has no column for a language.
    """
    if labels is None:
        return Topics()
    rows: list[tuple[str, str | None, str | None, str | None]] = []
    if labels.mediawiki:
        concepts = vital_concepts(labels.mediawiki, source, language)
        rows += [(c.name, c.topic, c.source, c.title) for c in concepts]
    else:
        path = user_path(str(labels.table))
        for row in read_rows(path):
            if isinstance(row, Bad):
                raise UserError(str(row))
            for column in ("concept", "topic", source, language):
                if column not in row:
                    raise UserError(f"{path}: no column {column!r}; it has {', '.join(map(str, row))}")
            try:
                cells = {column: text_of(row[column], column) for column in ("concept", "topic", source, language)}
            except ValueError as error:
                raise UserError(f"{path}: concept {row['concept']!r}: {error}") from error
            if concept := cells["concept"]:
                rows.append((concept, cells["topic"], cells[source], cells[language]))
    topics = Topics()
    for concept, topic, source_title, title in rows:
        topics.topic[concept] = topic
        for titles, value in ((topics.by_source_title, source_title), (topics.by_title, title)):
            if value:
                titles.setdefault(canonical(value), concept)
    return topics


def place(
    topics: Topics, title: str | None, topic: str | None, concept: str | None, linked: Callable[[], str | None]
) -> tuple[str | None, str | None]:
    """An article's topic and concept: its own where it has them, else what is known.

    Args:
        topics: what is known.
        title: the article's.
        topic: the article's own, or None.
        concept: the article's own, or None.
        linked: gives the title of the source's article that it is linked to, or None.
    """
    if concept is None and title is not None:
        concept = topics.by_title.get(canonical(title))
    if concept is None and (source_title := linked()):
        concept = topics.by_source_title.get(canonical(source_title)) or concept_of(source_title)
    return topic or (topics.topic.get(concept) if concept else None), concept
