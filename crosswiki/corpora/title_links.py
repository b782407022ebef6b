"""Articles of two languages that name no concept, linked by their titles and by what they say.

A title's words become the source's through a dictionary, or stay as they are, as names do; source articles whose titles
have the same words are candidates. Those are linked whose texts, read through the same dictionary, have enough words in
common, and of which each is the other's best.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product
from pathlib import Path

import numpy
import regex

from crosswiki.corpora.articles import concept_of
from crosswiki.corpora.groups import read_groups
from crosswiki.corpora.lemmas import lemma_of
from crosswiki.corpora.text import Spelling, words_of

Words = frozenset[str]  # of the source's language, as `plain` has them
Pair = tuple[str, str]  # the concepts of a source article and of another language's
COMMON, OFTEN = 0.005, 20  # the share of the running text, and the times, from which a word (of, the) is common
ENOUGH = 2_000_000  # characters of text, which say what is common
MOST_READINGS = 200  # of a title whose words have many translations
_REMARK = regex.compile(r"\([^()]*\)")


@dataclass(frozen=True)
class Language:
    """How a language's words are read; `common` ones do not count in a title that has others."""

    code: str
    spelling: Spelling
    common: frozenset[str] = frozenset()

    def of_title(self, title: str) -> list[str]:
        """A title's words, without remarks in brackets."""
        words = words_of(_REMARK.sub(" ", title), self.code, self.spelling)
        return [word for word in words if word not in self.common] or words


@lru_cache(2**20)
def plain(word: str, language: str) -> str:
    """A word's lemma without marks."""
    return concept_of(lemma_of(word, language) or word)


@lru_cache(2**20)
def as_name(word: str) -> str:
    """A word as it is spelled, without marks: names are the same in several languages, and no lemma is (singe)."""
    return "=" + concept_of(word)


def link_titles(
    tables: tuple[Path, Path],
    languages: tuple[str, str],
    dictionary: Iterable[tuple[str, str]],
    spelling: Spelling,
    least: float,
) -> dict[str, str]:
    """Find the source's article on the same thing, for articles whose concept is no more than their title.

    Args:
        tables: the source's articles and the other language's.
        languages: their codes.
        dictionary: (source, other), each of any number of words.
        spelling: how letters are read.
        least: cosine of both texts' words, weighted by TF-IDF, from which articles are linked.

    Returns:
        From the other language's concept to the source's, one to one.
    """
    source, other = (_with_common(table, code, spelling) for table, code in zip(tables, languages, strict=True))
    translations: dict[tuple[str, ...], set[Words]] = defaultdict(set)  # by lemmas
    for ours, theirs in dictionary:
        lemmas = tuple(plain(word, other.code) for word in other.of_title(theirs))
        translations[lemmas].add(frozenset(plain(word, source.code) for word in source.of_title(ours)))
    translations.pop((), None)

    def of_source(word: str) -> set[Words]:
        return {frozenset([plain(word, source.code)]), frozenset([as_name(word)])}

    def of_other(word: str) -> set[Words]:
        return {frozenset([as_name(word)])} | translations.get((plain(word, other.code),), set())

    titles = [_titles(table) for table in tables]
    by_words: dict[Words, list[str]] = defaultdict(list)
    for concept in titles[0].keys() - titles[1].keys():
        for reading in _readings(source.of_title(titles[0][concept]), of_source):
            by_words[reading].append(concept)
    pairs = set()
    for concept in titles[1].keys() - titles[0].keys():
        words = other.of_title(titles[1][concept])
        phrases = translations.get(tuple(plain(word, other.code) for word in words), set())
        for reading in [*phrases, *_readings(words, of_other)]:
            pairs |= {(found, concept) for found in by_words.get(reading, ())}
    if not pairs:
        return {}
    bags = (
        _bags(tables[0], {found for found, _ in pairs}, source, of_source),
        _bags(tables[1], {concept for _, concept in pairs}, other, of_other),
    )
    return _mutual(_likeness(sorted(pairs), bags), least)


def _titles(table: Path) -> dict[str, str]:
    """The title of each concept that is no more than a title."""
    titles: dict[str, str] = {}
    for group in read_groups(table, ["title", "concept"]):
        for row in group.to_pylist():
            if row["title"] and row["concept"] == concept_of(row["title"]):
                titles.setdefault(row["concept"], row["title"])
    return titles


def _with_common(table: Path, code: str, spelling: Spelling) -> Language:
    counts: Counter[str] = Counter()
    characters = 0
    for group in read_groups(table, ["text"]):
        for text in group["text"].to_pylist() if characters < ENOUGH else ():
            counts.update(words_of(text, code, spelling))
            characters += len(text)
    least = max(COMMON * counts.total(), OFTEN)
    return Language(code, spelling, frozenset(word for word, n in counts.items() if n >= least))


def _readings(words: list[str], meanings: Callable[[str], set[Words]]) -> Iterator[Words]:
    """What a title's words together may be."""
    for chosen in islice(product(*(sorted(meanings(word), key=sorted) for word in words)), MOST_READINGS):
        yield frozenset().union(*chosen)


def _bags(
    table: Path, concepts: Collection[str], language: Language, meanings: Callable[[str], set[Words]]
) -> dict[str, dict[str, float]]:
    """The words of the concepts' texts in the source's language; one that may be several counts as a part of each."""
    bags: dict[str, dict[str, float]] = {}
    parts: dict[str, dict[str, float]] = {}  # by word, what it adds
    for group in read_groups(table, ["text", "concept"]):
        for row in group.to_pylist():
            if row["concept"] in concepts and row["concept"] not in bags:
                bag = bags[row["concept"]] = defaultdict(float)
                for word in words_of(row["text"], language.code, language.spelling):
                    if word not in parts:
                        parts[word] = _parts(meanings(word))
                    for meaning, part in parts[word].items():
                        bag[meaning] += part
    return bags


def _parts(meanings: set[Words]) -> dict[str, float]:
    """The words of several meanings, each meaning with the same weight, in an order that no hash decides."""
    parts: dict[str, float] = defaultdict(float)
    for words in sorted(meanings, key=sorted):
        for word in sorted(words):
            parts[word] += 1 / len(meanings) / len(words)
    return parts


def _likeness(pairs: list[Pair], bags: tuple[dict[str, dict[str, float]], ...]) -> dict[Pair, float]:
    """The cosine of both articles' words, weighted by TF-IDF among the source's articles."""
    from sklearn.feature_extraction import DictVectorizer  # takes long to load
    from sklearn.feature_extraction.text import TfidfTransformer

    counter, weights = DictVectorizer(dtype=numpy.float32), TfidfTransformer()
    counts = [counter.fit_transform(bags[0].values()), counter.transform(bags[1].values())]
    for matrix in counts:
        matrix.data = numpy.log1p(matrix.data)
    rows = [weights.fit_transform(counts[0]), weights.transform(counts[1])]
    places = [{concept: place for place, concept in enumerate(side)} for side in bags]
    ours, theirs = ([place[pair[side]] for pair in pairs] for side, place in enumerate(places))
    cosines = numpy.asarray(rows[0][ours].multiply(rows[1][theirs]).sum(axis=1)).ravel()
    return dict(zip(pairs, cosines.tolist(), strict=True))


def _mutual(cosines: dict[Pair, float], least: float) -> dict[str, str]:
    """The pairs of which each is the other's best."""
    best: tuple[dict[str, Pair], ...] = ({}, {})
    for pair in sorted(cosines, key=lambda pair: (cosines[pair], pair)):  # the best is written last
        best[0][pair[0]] = best[1][pair[1]] = pair
    return {
        other: source
        for source, other in best[0].values()
        if best[1][other] == (source, other) and cosines[source, other] >= least
    }
