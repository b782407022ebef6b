"""Bilingual dictionaries: entries from files, linked titles, and words that both languages spell alike."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pandas
import torch
from torch import Tensor

from crosswiki.corpora.articles import concept_of, unit_hash
from crosswiki.corpora.text import segment
from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.alignment import Pairs

Entries = list[tuple[str, str]]  # (source, other), lower case


def words_spelled_alike(source: Vocabulary, other: Vocabulary, min_length: int) -> Entries:
    """Words of letters that both languages spell alike, accents aside.

    Args:
        source: the source's words.
        other: the other language's words.
        min_length: letters that a word must have; short words often differ in meaning.
    """
    known: dict[str, str] = {}
    for word in source.words:  # the most frequent first
        known.setdefault(concept_of(word), word)
    candidates = [word for word in other.words if len(word) >= min_length and word.isalpha()]
    return [(known[spelling], word) for word in candidates if (spelling := concept_of(word)) in known]


def entries_of_titles(source: pandas.DataFrame, other: pandas.DataFrame) -> Entries:
    """Pairs of titles of the same concept in two tables of articles, without the concepts of the test split."""
    titles = [
        table[(table["split"] != "test") & table["title"].notna()]
        .drop_duplicates("concept")
        .set_index("concept")["title"]
        for table in (source, other)
    ]
    linked = titles[0].to_frame("source").join(titles[1].rename("other"), how="inner").sort_index()
    return list(zip(linked["source"].str.lower(), linked["other"].str.lower(), strict=True))


def known_pairs(entries: Iterable[tuple[str, str]], source: Vocabulary, other: Vocabulary) -> Pairs:
    """The entries whose words are in both vocabularies, each once, as row numbers."""
    kept = dict.fromkeys((source.ids[s], other.ids[o]) for s, o in entries if s in source.ids and o in other.ids)
    return Pairs(
        torch.tensor([s for s, _ in kept], dtype=torch.int64), torch.tensor([o for _, o in kept], dtype=torch.int64)
    )


def entries_of_pairs(pairs: Pairs, source: Vocabulary, other: Vocabulary) -> Entries:
    """The words that pairs of row numbers stand for."""
    return [(source.words[int(s)], other.words[int(o)]) for s, o in zip(pairs.source, pairs.other, strict=True)]


def words_beyond(
    entries: Entries, other: Vocabulary, source: Vocabulary, texts: Sequence[str], language: str, max_words: int
) -> list[str]:
    """Words that a dictionary translates, but that are too rare in the text to be in the vocabulary.

    Args:
        entries: the dictionary's entries.
        other: the other language's words.
        source: the source's words.
        texts: in the other language.
        language: code of the other language.
        max_words: maximum number of words.

    Returns:
        Words sorted by their count in the texts; those with one count by the count of their translation in the source.
    """
    if max_words <= 0:
        return []
    source_counts: dict[str, int] = {}
    for meaning, word in entries:
        if word not in other.ids and word.isalpha() and segment(word, language) == [word]:
            rarest = min(int(source.counts[source.ids[s]]) if s in source.ids else 0 for s in meaning.split())
            source_counts[word] = max(rarest, source_counts.get(word, 0))
    counts = Counter(word for text in texts for word in segment(text, language) if word in source_counts)
    return sorted(source_counts, key=lambda word: (-counts[word], -source_counts[word], word))[:max_words]


def translation_weights(pairs: Pairs, source: Vocabulary, other: Vocabulary) -> Tensor:
    """Weigh pairs so that the weights of a word's translations sum to 1, [pairs], float64.

    If both words have several translations, the pair has the lower weight. Pairs that are spelled alike, accents aside,
    have the weight 1 and do not count as further translations: they are spellings of one word. (Alignment was worse
    when they counted.)
    """
    alike = [
        concept_of(source.words[int(s)]) == concept_of(other.words[int(o)])
        for s, o in zip(pairs.source, pairs.other, strict=True)
    ]
    distinct = ~torch.tensor(alike, dtype=torch.bool)
    weights = torch.ones(len(pairs), dtype=torch.float64)
    if distinct.any():
        translations = [torch.bincount(side[distinct])[side[distinct]] for side in (pairs.source, pairs.other)]
        weights[distinct] = 1 / torch.maximum(*translations).double()
    return weights


def hold_out(pairs: Pairs, other: Vocabulary, share: float) -> tuple[Pairs, Pairs]:
    """Divide pairs by a hash of the other language's word, so that no word is in both parts.

    Returns:
        The pairs to learn from, and the held-out pairs.
    """
    held = torch.tensor([unit_hash("held out:" + other.words[int(o)]) < share for o in pairs.other], dtype=torch.bool)
    return Pairs(pairs.source[~held], pairs.other[~held]), Pairs(pairs.source[held], pairs.other[held])


def from_source(learnt: Pairs, held: Pairs) -> Pairs:
    """The held-out pairs in the opposite direction, without source words that are in a training pair.

    Returns:
        Pairs whose `other` are source words, for `precision` with the two matrices exchanged.
    """
    unseen = ~torch.isin(held.source, learnt.source)
    return Pairs(source=held.other[unseen], other=held.source[unseen])
