"""The corpus kind `mediawiki`: the openings, topics and translations of the vital articles, by the Action API.

One request at a time, with maxlag, continuation and a pause; every reply is kept on disk, so that a run that is
started again asks only for what is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from crosswiki.corpora.parts import Article, Bad, Part
from crosswiki.corpora.readers.web import USER_AGENT, cached_json, session_of
from crosswiki.corpora.readers.wikis import subdomain
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import checkpoints
from crosswiki.pipeline.presets import MediaWikiPreset, VitalArticles
from crosswiki.pipeline.progress import progress

TITLES = 50  # that one request may name
EXTRACTS = 20  # openings that one reply may hold


@dataclass(frozen=True)
class Concept:
    """A vital article: what Wikidata calls it, its topic, and its titles; None where there is none."""

    name: str
    topic: str | None
    source: str
    title: str | None


def parts(preset: MediaWikiPreset, language: str, source: str) -> Iterator[Part]:
    """The vital articles of a language, a reply at a time.

    Raises:
        UserError: the API cannot be had, or the list has no page of a known topic.
    """
    known = {c.title: c for c in vital_concepts(preset, source, language) if c.title is not None}
    titles = sorted(known)
    for start in range(0, len(titles), EXTRACTS):
        batch = titles[start : start + EXTRACTS]
        asked = {"prop": "extracts", "exintro": "1", "explaintext": "1", "exlimit": str(EXTRACTS)}
        pages, resolved = query(preset, language, {**asked, "titles": "|".join(batch), "redirects": "1"})
        records: list[Article | Bad] = []
        for title in batch:
            page = pages.get(resolved(title), {"missing": True})
            if page.get("missing"):
                records.append(Bad(f"{language}: {title!r}", "no such page"))
            else:
                concept = known[title]
                text = page.get("extract", "")
                records.append(Article(str(page["pageid"]), page["title"], text, concept.topic, concept.name))
        size = sum(len(record.text) for record in records if isinstance(record, Article))
        yield Part(f"{start:08d}", partial(iter, records), size, min(1.0, (start + EXTRACTS) / len(titles)))


def vital_titles(vital: VitalArticles, source: str) -> dict[str, str | None]:
    """The titles on the list's pages in the source language, each with its topic.

    Raises:
        UserError: no page of the list has a topic that the preset knows.
    """
    named = {"list": "allpages", "apprefix": vital.list + "/", "apnamespace": str(vital.namespace), "aplimit": "max"}
    pages, _ = query(vital, source, named)
    subpages = {title: title.partition(vital.list + "/")[2].partition("/")[0] for title in sorted(pages)}
    topics = {title: name for title, name in subpages.items() if name in vital.topics}
    if not topics:
        found = ", ".join(sorted(set(subpages.values()))) or "none"
        raise UserError(f"{vital.api}: list: {vital.list!r} has no page of a topic in `topics`; its pages are: {found}")
    result: dict[str, str | None] = {}
    for batch in _batches(sorted(topics), TITLES):
        linked = {"prop": "links", "plnamespace": "0", "pllimit": "max", "titles": "|".join(batch)}
        lists, resolved = query(vital, source, {**linked, "redirects": "1"})
        for title in batch:
            for link in lists.get(resolved(title), {}).get("links", []):
                result.setdefault(link["title"], vital.topics[topics[title]])
    return result


def vital_concepts(vital: VitalArticles, source: str, language: str) -> list[Concept]:
    """The list's articles, with their Wikidata items and their titles in `language`, by title."""
    topics = vital_titles(vital, source)
    found: dict[str, Concept] = {}
    other = {} if language == source else {"lllang": language, "lllimit": "max"}
    asked = {"prop": "pageprops|langlinks" if other else "pageprops", "ppprop": "wikibase_item", **other}
    for batch in progress(list(_batches(sorted(topics), TITLES)), f"vital articles, {language}"):
        pages, resolved = query(vital, source, {**asked, "titles": "|".join(batch), "redirects": "1"})
        for title in batch:
            page = pages.get(resolved(title), {"missing": True})
            if not page.get("missing") and page["title"] not in found:
                item = page.get("pageprops", {}).get("wikibase_item")
                links = [link["title"] for link in page.get("langlinks", [])] if other else [page["title"]]
                translated = links[0] if links else None
                found[page["title"]] = Concept(item or page["title"], topics[title], page["title"], translated)
    return list(found.values())


def query(vital: VitalArticles, language: str, params: Mapping[str, str]) -> tuple[dict[str, Any], Any]:
    """Ask until all has come, and put the replies together.

    Returns:
        The pages by title, and a function that says which title an asked one has become (spelling, redirects).
    """
    session = session_of(f"{USER_AGENT} {vital.contact}" if vital.contact else USER_AGENT)
    url = vital.api.replace("{language}", subdomain(language))
    always = {"action": "query", "format": "json", "formatversion": "2", "maxlag": "5"}
    pages: dict[str, Any] = {}
    renamed: dict[str, str] = {}
    more: dict[str, str] = {}
    while True:
        asked = {**always, **params, **more}
        reply = cached_json(url, asked, session, checkpoints() / "replies", vital.pause)
        content = reply.get("query", {})
        for change in (*content.get("normalized", []), *content.get("redirects", [])):
            renamed[change["from"]] = change["to"]
        for page in (*content.get("pages", []), *content.get("allpages", [])):
            kept = pages.setdefault(page["title"], {})
            for key, value in page.items():
                kept[key] = kept.get(key, []) + value if isinstance(value, list) else value
        if "continue" not in reply:
            break
        more = {key: str(value) for key, value in reply["continue"].items()}

    def resolved(title: str) -> str:
        for _ in range(3):  # its spelling, then a redirect
            title = renamed.get(title, title)
        return title

    return pages, resolved


def _batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
