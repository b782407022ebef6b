"""The seed dictionary: translations that are known before two languages are aligned, and those held out of it."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.text import Spelling, normalise, segment
from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.corpora.word_pairs import load_dictionary
from crosswiki.embeddings.alignment import Pairs, precision
from crosswiki.embeddings.dictionary import (
    Entries,
    entries_of_titles,
    from_source,
    hold_out,
    known_pairs,
    words_spelled_alike,
)
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters_of_words import Align

MIN_PAIRS = 10  # that an alignment can be learnt from
AT = (1, 5)  # the k of "precision at k"


@dataclass(frozen=True)
class SeedDictionary:
    """Known translations: all of them as entries, and those of single words as pairs of row numbers."""

    entries: Entries  # of any number of words: from dictionaries, linked titles, and words spelled alike
    train: Pairs  # the alignment learns from these
    held_out: Pairs  # only the scores read these


def load_seed_dictionary(
    role: Role, source: Vocabulary, other: Vocabulary, settings: Align, spelling: Spelling
) -> SeedDictionary:
    """Collect translations from the preset's dictionary, from linked titles, and from words that are spelled alike.

    Args:
        role: of the other language; its prepared articles, the source's and its dictionary are read from data/.
        source: the source's words.
        other: the other language's words.
        settings: the section `align` of params.yaml.
        spelling: how words were normalised.

    Raises:
        UserError: there are too few translations.
    """
    articles = {name: load_articles(Path("data/prepared") / name / "articles.parquet") for name in ("source", role)}
    language = {name: str(table["language"].iloc[0]) for name, table in articles.items()}
    entries = [
        (normalise(s, language["source"], spelling).lower(), normalise(o, language[role], spelling).lower())
        for s, o in load_dictionary(Path("data/dictionaries") / f"{role}.tsv")
    ]
    entries += entries_of_titles(articles["source"], articles[role])
    alike = words_spelled_alike(source, other, settings.identical_min_length)
    segmented = [(segment(s, language["source"]), segment(o, language[role])) for s, o in entries]
    single_words = [(s[0], o[0]) for s, o in segmented if len(s) == len(o) == 1]
    pairs = known_pairs([*single_words, *alike], source, other)
    train, held_out = hold_out(pairs, other, settings.held_out)
    if len(train) < MIN_PAIRS or len(held_out) == 0:
        raise UserError(f"align@{role}: only {len(pairs)} known translations: name a dictionary in the corpus preset")
    return SeedDictionary([*entries, *alike], train, held_out)


def held_out_precision(seeds: SeedDictionary, source: Tensor, mapped: Tensor, neighbours: int) -> dict[str, float]:
    """Precision at k on the held-out pairs, into the source's language and out of it.

    Args:
        seeds: the pairs.
        source: unit vectors, [source words, dim].
        mapped: unit vectors in the same space, [other words, dim].
        neighbours: k of CSLS.

    Returns:
        `precision_at_k` for each k and `n`, the number of words; then the same with `_from_source` in the name.
    """
    reverse = from_source(seeds.train, seeds.held_out)
    scores: dict[str, float] = {}
    for suffix, keys, queries, gold in (
        ("", source, mapped, seeds.held_out),
        ("_from_source", mapped, source, reverse),
    ):
        shares = precision(keys, queries, gold, neighbours, AT)
        scores |= {f"precision_at_{k}{suffix}": round(share, 6) for k, share in shares.items()}
        scores[f"n{suffix}"] = len(gold.other.unique())
    return scores
