"""Letters with marks (é, й, की) in the tokens of a new language, where the source's tokenizer strips the marks."""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from itertools import islice
from typing import Any

import regex
from transformers import PreTrainedTokenizerFast

from crosswiki.corpora.text import without_marks

_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*")
_LETTER = regex.compile(r"\P{Mn}\p{Mn}*")  # with the marks that have no composed form


def strips_marks(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether a tokenizer reads é as e, as those of uncased models of English do."""
    normaliser = tokenizer.backend_tokenizer.normalizer
    return normaliser is not None and normaliser.normalize_str("é") == "e"


def keeping_marks(normaliser: dict[str, Any] | None) -> dict[str, Any] | None:
    """A normaliser's settings, as `tokenizers` writes them, under which letters keep their marks (é, й, की).

    Uncased models of English strip combining marks, which tell no two English words apart, but words of most other
    languages. BERT's normaliser has a setting for it. ALBERT's and XLNet's is a sequence, which takes letters and marks
    apart and then strips the marks.
    """
    if normaliser is None:
        return None
    if normaliser["type"] == "BertNormalizer":
        return {**normaliser, "strip_accents": False}
    parts = normaliser.get("normalizers", [])
    if not any(part["type"] == "StripAccents" for part in parts):
        return normaliser
    composed = {"NFD": {"type": "NFC"}, "NFKD": {"type": "NFKC"}}
    kept = [composed.get(part["type"], part) for part in parts if part["type"] != "StripAccents"]
    return {**normaliser, "normalizers": kept}


def marked_subwords(like: PreTrainedTokenizerFast, texts: Iterable[str], most: int) -> list[str]:
    """Subwords with marks, with which WordPiece divides words as the source's tokenizer does without their marks.

    The source has el, ##ega, ##mm and ##ent, so élégamment needs él and ##éga. Otherwise it would fall into letters,
    whose embeddings say little. As each subword is a token of the source but for its marks, the longest match at a
    place is as long with marks as without.

    Args:
        like: the source's WordPiece tokenizer, which strips marks.
        texts: in the new language, normalised as the new tokenizer does.
        most: subwords at most, the most frequent ones; single letters are not counted.

    Returns:
        Tokens that the source has not, the most frequent first, then those of single letters.
    """
    known = like.get_vocab()
    seen = Counter(word for text in texts for word in _WORD.findall(text) if not word.isascii())
    counts: Counter[str] = Counter()
    for word, count in seen.items():
        for subword in divide_as_without_marks(like, word):
            if subword not in known:
                counts[subword] += count
    letters = sorted({letter for word in seen for letter in _LETTER.findall(word) if _plain(letter) != letter})
    single = [
        prefix + letter
        for prefix in ("", "##")
        for letter in letters
        if prefix + _plain(letter) in known and prefix + letter not in known
    ]
    return list(dict.fromkeys([*sorted(counts, key=lambda subword: (-counts[subword], subword))[:most], *single]))


def divide_as_without_marks(like: PreTrainedTokenizerFast, word: str) -> list[str]:
    """Divide a word where a WordPiece tokenizer divides it without its marks: élégamment into él, ##éga, ##mm, ##ent.

    Args:
        like: the tokenizer, which strips marks.
        word: normalised but for the marks.

    Returns:
        The parts; none if the word has no marks, or if the tokenizer does not know it.
    """
    letters = _LETTER.findall(word)
    plain = "".join(map(_plain, letters))
    if plain == word:
        return []
    tokens = [token.value for token in like.backend_tokenizer.model.tokenize(plain)]
    if like.unk_token in tokens:
        return []
    remaining = iter(letters)
    prefixes = ["", *["##"] * (len(tokens) - 1)]
    return [
        prefix + "".join(islice(remaining, len(token) - len(prefix)))
        for prefix, token in zip(prefixes, tokens, strict=True)
    ]


@cache
def _plain(letter: str) -> str:
    """One letter without its marks; Korean syllables stay in one piece, and so does what is more than one letter."""
    plain = unicodedata.normalize("NFC", without_marks(letter))
    return plain if len(plain) == 1 else letter[:1]
