"""Words by their dictionary form: a dictionary has кот, cat, and a text кота, котом, коты.

simplemma knows some fifty languages. Where it does not know one (Chinese), words are matched by form alone.
"""

from collections import defaultdict
from collections.abc import Iterable

from crosswiki.corpora.articles import concept_of


def lemma_of(word: str, language: str) -> str | None:
    """A word's dictionary form; None in a language whose lemmas simplemma does not know."""
    import simplemma  # reads a language's table when it is first asked: only where words are looked up

    try:
        return str(simplemma.lemmatize(word, lang=language)).lower()
    except ValueError:
        return None


def entries_by_lemma(entries: Iterable[tuple[str, str]], words: Iterable[str], language: str) -> list[tuple[str, str]]:
    """Translations of words that have no entry, by the entries of their lemma.

    Args:
        entries: (source, other); those that both languages spell alike say nothing of another form, which is spelled
            nearly alike itself.
        words: of the other language, in lower case.
        language: code of the other language.

    Returns:
        (source, word) in the order of the words; of a word whose lemma has no entry, what the other words of its lemma
        are in the source.
    """
    by_form: dict[str, dict[str, None]] = defaultdict(dict)
    has_entry = set()
    for source, other in entries:
        has_entry.add(other)
        if " " not in other and concept_of(source) != concept_of(other):
            by_form[other][source] = None
    by_lemma: dict[str, dict[str, None]] = defaultdict(dict)
    for other, sources in by_form.items():
        if lemma := lemma_of(other, language):
            by_lemma[lemma] |= sources
    found = []
    for word in words:
        if word not in has_entry and (lemma := lemma_of(word, language)):
            found += [(source, word) for source in by_form.get(lemma, by_lemma.get(lemma, {}))]
    return found
