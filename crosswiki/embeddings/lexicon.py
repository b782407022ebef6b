"""A language's lexicon: its words and phrases, what they are in the source language, and how each of them is known.

A word is looked up by its form, then by its lemma, without marks, by aligned vectors, as a word that the source spells
alike, and at last by what is left of it without its language's commonest affixes.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from crosswiki.corpora.articles import concept_of
from crosswiki.corpora.lemmas import lemma_of
from crosswiki.corpora.text import Spelling, segment
from crosswiki.embeddings.affixes import Affixes
from crosswiki.pipeline.errors import UserError

Origin = Literal["dictionary", "phrases", "lemma", "marks", "vectors", "alike", "affixes", "number", "name", "unknown"]
ORIGINS: tuple[Origin, ...] = get_args(Origin)

ALIKE_MIN_LENGTH = 4  # shorter words that both languages spell alike often mean other things
CORE_EXPONENT = 3.0  # how much more a long core says than a frequent affix
MOST_TRANSLATIONS = 8  # that are kept of a word
_HEADER = "other\tsource\tprobability\torigin\n"


class Translation(NamedTuple):
    """What a word or phrase is in the source language."""

    words: str  # one or several, lower case
    probability: float  # among the word's translations


class Entry(NamedTuple):
    """A word's or phrase's translations, the likeliest first, and how they are known; none of a word that stays."""

    translations: tuple[Translation, ...]
    origin: Origin


@dataclass(frozen=True)
class Lexicon:
    """Entries by phrase (words joined by single spaces), and what other words are looked up by."""

    language: str
    source_language: str
    entries: Mapping[str, Entry]
    affixes: Affixes
    source_words: frozenset[str]  # which words may be spelled alike
    fold_yo: bool = False  # see `Spelling`

    @property
    def spelling(self) -> Spelling:
        """How the letters of its texts are read."""
        return Spelling(self.fold_yo)

    def find(self, word: str) -> Entry:
        """Look up a lower-case word.

        Returns:
            No translations where the word stays as it is, a number for one.
        """
        if (known := self._found.get(word)) is None:
            known = self._found[word] = self._look_up(word)
        return known

    @cached_property
    def longest(self) -> int:
        """How many words the longest phrase has."""
        return max((phrase.count(" ") + 1 for phrase in self.entries), default=1)

    @cached_property
    def _found(self) -> dict[str, Entry]:
        return {}

    def _look_up(self, word: str) -> Entry:
        exact = self.entries.get(word)
        entry = Entry((), "unknown")
        if exact and exact.origin != "vectors":  # before vectors comes what a dictionary says of a word's lemma
            entry = exact
        elif any(map(str.isdecimal, word)):
            entry = Entry((), "number")
        elif same := self._dictionary(self._lemmas.get(lemma_of(word, self.language) or "")):
            entry = Entry(same.translations, "lemma")
        elif same := self._dictionary(self._unmarked.get(concept_of(word))):
            entry = Entry(same.translations, "marks")
        elif exact:
            entry = exact
        elif len(word) >= ALIKE_MIN_LENGTH and word in self.source_words:
            entry = Entry((Translation(word, 1.0),), "alike")
        elif same := self._by_affixes(word):
            entry = Entry(same.translations, "affixes")
        return entry

    def _dictionary(self, word: str | None) -> Entry | None:
        entry = self.entries.get(word) if word is not None else None
        return entry if entry and entry.origin != "vectors" else None

    @cached_property
    def _words(self) -> list[str]:
        return [word for word, entry in self.entries.items() if " " not in word and entry.origin != "vectors"]

    @cached_property
    def _unmarked(self) -> dict[str, str]:
        return {concept_of(word): word for word in reversed(self._words)}

    @cached_property
    def _lemmas(self) -> dict[str, str]:
        # A lemma is itself before it is another entry's.
        lemmas = {lemma_of(word, self.language): word for word in reversed(self._words)}
        return {**{lemma: word for lemma, word in lemmas.items() if lemma}, **{word: word for word in self._words}}

    @cached_property
    def _cores(self) -> dict[str, list[tuple[float, str]]]:
        cores = defaultdict(list)
        for word in self._words:
            for core, share in self.affixes.cores(word):
                cores[core].append((share, word))
        return cores

    def _by_affixes(self, word: str) -> Entry | None:
        if len(word) < ALIKE_MIN_LENGTH:
            return None
        scored = (
            (share * theirs * len(core) ** CORE_EXPONENT, same)
            for core, share in self.affixes.cores(word)
            for theirs, same in self._cores.get(core, ())
        )
        best = max(scored, key=lambda pair: pair[0], default=None)  # of equal ones the first, in the entries' order
        return self.entries[best[1]] if best else None


def likeliest_translations(lexicon: Lexicon, words: Iterable[str]) -> list[tuple[str, str]]:
    """(source, word) of each lower-case word that a lexicon knows otherwise than by aligned vectors."""
    found = ((lexicon.find(word), word) for word in words)
    return [
        (entry.translations[0].words, word) for entry, word in found if entry.translations and entry.origin != "vectors"
    ]


def probabilities(scores: Mapping[str, float]) -> tuple[Translation, ...]:
    """The best translations by score, as probabilities; equal ones in alphabetical order."""
    best = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_TRANSLATIONS]
    total = sum(score for _, score in best)
    return tuple(Translation(words, round(score / total, 6)) for words, score in best)


def count_words(texts: Iterable[str], language: str) -> Counter[str]:
    """How often normalised texts have each word."""
    return Counter(word for text in texts for word in segment(text, language))


def save_counts(counts: Mapping[str, int], path: Path) -> None:
    """Write `word<TAB>count` lines, the most frequent word first."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    path.write_text("".join(f"{word}\t{n}\n" for word, n in ordered), encoding="utf-8")


def load_counts(path: Path) -> dict[str, int]:
    """Read what `save_counts` wrote."""
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return {word: int(n) for word, n in rows}


def save_lexicon(lexicon: Lexicon, folder: Path) -> None:
    """Write lexicon.tsv, source_words.txt and lexicon.json into a folder."""
    lines = [
        f"{other}\t{translation.words}\t{translation.probability:.6f}\t{entry.origin}\n"
        for other, entry in lexicon.entries.items()
        for translation in entry.translations
    ]
    (folder / "lexicon.tsv").write_text(_HEADER + "".join(lines), encoding="utf-8")
    (folder / "source_words.txt").write_text("".join(f"{w}\n" for w in sorted(lexicon.source_words)), encoding="utf-8")
    rest = {
        "language": lexicon.language,
        "source_language": lexicon.source_language,
        "fold_yo": lexicon.fold_yo,
        "prefixes": lexicon.affixes.prefixes,
        "suffixes": lexicon.affixes.suffixes,
    }
    (folder / "lexicon.json").write_text(json.dumps(rest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def load_lexicon(folder: Path) -> Lexicon:
    """Read what `save_lexicon` wrote.

    Raises:
        UserError: there is nothing of the kind.
    """
    if not (folder / "lexicon.json").is_file():
        raise UserError(f"{folder}: no lexicon there: run the stage that makes it first (dvc repro gloss)")
    rest = json.loads((folder / "lexicon.json").read_text(encoding="utf-8"))
    found: dict[str, list[Translation]] = {}
    origins: dict[str, Origin] = {}
    lines = (folder / "lexicon.tsv").read_text(encoding="utf-8").removeprefix(_HEADER).split("\n")
    for line in filter(None, lines):
        other, source, probability, origin = line.split("\t")
        found.setdefault(other, []).append(Translation(source, float(probability)))
        origins[other] = next(name for name in ORIGINS if name == origin)
    words = (folder / "source_words.txt").read_text(encoding="utf-8").split("\n")
    return Lexicon(
        rest["language"],
        rest["source_language"],
        {other: Entry(tuple(translations), origins[other]) for other, translations in found.items()},
        Affixes(rest["prefixes"], rest["suffixes"]),
        frozenset(filter(None, words)),
        rest["fold_yo"],
    )
