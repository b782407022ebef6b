"""A dictionary's entries as a lexicon has them: what its words and phrases mean, and how likely each meaning is."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import regex

from crosswiki.corpora.text import SEGMENTERS, Spelling, normalise, segment
from crosswiki.embeddings.lexicon import ALIKE_MIN_LENGTH, Entry, Translation, probabilities
from crosswiki.embeddings.model1 import Phrase, expected_counts

LONGEST_PHRASE = 6  # words of an entry that phrases are learnt from
LEAST_EXPECTED, LEAST_PROBABILITY = 1.0, 0.1  # of a translation that is learnt from phrases
ALIKE_EVIDENCE = 0.05  # of a dictionary for a short word's being spelled alike, beside other translations
COMMON = 1e-3  # the share of the source's text from which a word is no name
_SOURCE_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*(?:['’-]\p{L}[\p{L}\p{M}]*)*|\p{N}+")
_NEGATION = (("can't", "can not"), ("won't", "will not"), ("shan't", "shall not"), ("n't", " not"))  # of English
_REMARK = regex.compile(r"\([^()]*\)|\[[^\[\]]*\]")


def source_words(text: str, language: str, spelling: Spelling) -> Phrase:
    """The lower-case words of an entry's source side, without remarks in brackets; "don't" is do not."""
    text = normalise(_REMARK.sub(" ", text), language, spelling).lower().replace("’", "'")
    for contracted, full in _NEGATION:
        text = text.replace(contracted, full)
    return tuple(segment(text, language)) if language in SEGMENTERS else tuple(_SOURCE_WORD.findall(text))


def other_words(text: str, language: str, spelling: Spelling) -> Phrase:
    """The lower-case words of an entry's other side, as its texts are divided, without remarks in brackets."""
    return tuple(segment(normalise(_REMARK.sub(" ", text), language, spelling), language))


def weigh(
    candidates: Mapping[str, Mapping[str, float]], source_counts: Mapping[str, float], source_language: str
) -> dict[str, tuple[Translation, ...]]:
    """Turn what speaks for each translation into probabilities.

    A noisy channel after Koehn and Knight 2000 ("Estimating Word Translation Probabilities from Unrelated Monolingual
    Corpora"): P(s | o) is proportional to evidence(s, o)² / evidence(s) · count(s), evidence(s) being the sum over all
    words that translate to s: what the dictionary says in both directions, times how often the source uses the word.

    Args:
        candidates: for each word or phrase, its translations with what speaks for them.
        source_counts: how often the source uses each word; a phrase counts as its rarest word does, divided by its
            number of words.
        source_language: how words are divided there.

    Returns:
        The likeliest `MOST_TRANSLATIONS` of each, adding up to 1.
    """
    shared: dict[str, float] = defaultdict(float)
    for row in candidates.values():
        for source, evidence in row.items():
            shared[source] += evidence
    least = min(source_counts.values(), default=1.0) / 10  # of a word that the source's text does not have
    weighed = {}
    for other, row in candidates.items():
        scores = {}
        for source, evidence in row.items():
            words = segment(source, source_language) or [source]
            count = (min(source_counts.get(word, 0.0) for word in words) + least) / len(words)
            scores[source] = evidence**2 / shared[source] * count
        weighed[other] = probabilities(scores)
    return weighed


def dictionary_entries(
    dictionary: Iterable[tuple[str, str]],
    languages: tuple[str, str],
    spelling: Spelling,
    source_counts: Mapping[str, float],
) -> dict[str, Entry]:
    """Turn a dictionary into a lexicon's entries: words and phrases as it has them, and what its phrases say of words.

    Args:
        dictionary: (source, other) in any case, each of any number of words.
        languages: the source's and the other's code.
        spelling: how letters are read.
        source_counts: see `weigh`.

    Returns:
        Entries in the dictionary's order.
    """
    pairs: dict[tuple[Phrase, Phrase], None] = {}
    for source, other in dictionary:
        abbreviated = other.isupper() and len(other) > 1 and not source.isupper()  # NO, northwest, is not the word no
        bare = source.removeprefix("to ") if languages[0] == "en" else source  # of a verb
        ours = source_words(bare, languages[0], spelling)
        theirs = other_words(other, languages[1], spelling)
        if ours and theirs and not abbreviated:
            pairs[ours, theirs] = None
    candidates: dict[str, dict[str, float]] = defaultdict(dict)
    for ours, theirs in pairs:
        doubtful = ours == theirs and len(theirs) == 1 and len(theirs[0]) < ALIKE_MIN_LENGTH
        candidates[" ".join(theirs)][" ".join(ours)] = ALIKE_EVIDENCE if doubtful else 1.0
    given = set(candidates)
    short = [pair for pair in pairs if all(len(side) <= LONGEST_PHRASE for side in pair)]
    for word, row in expected_counts(short).items():
        # Names are phrases too, and spelled alike: Los Angeles says nothing of the word los.
        telling = {source: n for source, n in row.items() if source != word or source_counts.get(word, 0.0) >= COMMON}
        total = sum(telling.values())
        for source, count in telling.items():
            if count > LEAST_EXPECTED and count / total >= LEAST_PROBABILITY:
                candidates[word][source] = max(count, candidates[word].get(source, 0.0))
    return {
        word: Entry(translations, "dictionary" if word in given else "phrases")
        for word, translations in weigh(candidates, source_counts, languages[0]).items()
    }


def relative_counts(*texts: Mapping[str, int]) -> dict[str, float]:
    """Mean of each word's share in several texts' counts: the task's own text weighs as much as much more of others."""
    shares: dict[str, float] = defaultdict(float)
    for counts in texts:
        total = sum(counts.values())
        for word, n in counts.items():
            shares[word] += n / total / len(texts)
    return dict(shares)
