"""Normalisation and segmentation, by language: one registered function each."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import regex

from crosswiki.pipeline.errors import UserError

HAN = "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]"  # a Chinese letter
_SURROGATE = regex.compile("[\ud800-\udfff]")
_HAN_WORD = regex.compile(f"{HAN}+")
# Letters and their marks of scripts that put no space between words.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_UNSPACED_WORD = regex.compile(f"[[{UNSPACED}]&&[\\p{{L}}\\p{{M}}]]+", regex.VERSION1)
# What shows nothing and divides no word: soft hyphens, word joiners, byte order marks, marks of direction. Zero-width
# joiners and non-joiners stay where they say how a word is written (UAX 31): after a virama and between Arabic letters.
_UNSEEN = regex.compile(
    "[\u00ad\u2060\ufeff\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]"
    r"|(?<!\p{ccc=9})\u200d|(?<!\p{ccc=9}|[\p{Arabic}&&\p{L}])\u200c|\u200c(?!\p{L}|\p{M})",
    regex.VERSION1,
)
_BREAK = "\u200b"  # a zero-width space, which does divide words: Thai and Khmer text has it there
# Combining grave and acute, and the letters that NFKC makes of е, и and a grave.
_STRESS = {0x300: None, 0x301: None, **str.maketrans("ѐѝЀЍ", "еиЕИ")}
_YO = str.maketrans("ёЁ", "еЕ")
_VOWEL_SIGNS = regex.compile("[\u0640\u064b-\u0652\u0670]")  # tatweel, harakat and the dagger alef
_POINTS = regex.compile("[\u0591-\u05bd\u05bf-\u05c7]")  # of Hebrew
_PERSIAN = str.maketrans("يىك", "ییک")
# 著 is the verbal particle 着 in traditional spelling, but not where it means to write, a work, or outstanding.
_PARTICLE = regex.compile("(?<![编原名译专合论巨拙遗土卓昭显所新共微])著(?![名作有称述录书者于《])")
_DOTS = str.maketrans({"I": "ı", "İ": "i"})
_APOSTROPHES = str.maketrans(dict.fromkeys("’ʼʻ‘`´", "'"))
# Signs that are letters of words there, and not where a word ends, as in French or English.
_INNER = {
    **dict.fromkeys(("be", "br", "bug", "gn", "ha", "mad", "qu", "ay", "rue", "sm", "sw", "to", "uk", "uz"), "'"),
    "ca": "·",
    "he": "'\"׳״",
    "yi": "'\"׳״",
}


@dataclass(frozen=True)
class Spelling:
    """What normalisation leaves to the user.

    Attributes:
        fold_yo: Russian ё becomes е, as most print has it.
    """

    fold_yo: bool = False


def _same(text: str, _spelling: Spelling) -> str:
    return text


def _without_stress_marks(text: str, spelling: Spelling) -> str:
    """Remove the stress marks of Russian headwords; ё and й are single letters in NFKC and stay, unless ё is folded."""
    text = text.translate(_STRESS)
    return text.translate(_YO) if spelling.fold_yo else text


def _without_acute(text: str, _spelling: Spelling) -> str:
    """Remove the stress marks of Ukrainian and Belarusian headwords; й, ї and ў are single letters in NFKC."""
    return text.replace("\u0301", "")


@cache
def _converter() -> Callable[[str], str]:
    from opencc import OpenCC  # loads its tables: only when Chinese is read

    convert: Callable[[str], str] = OpenCC("t2s").convert
    return convert


def _simplified(text: str, _spelling: Spelling) -> str:
    """Turn traditional characters into simplified ones: OpenCC's t2s, and the 著 of 看著, which it leaves."""
    return _PARTICLE.sub("着", _converter()(text))


def _dotted_and_dotless(text: str, _spelling: Spelling) -> str:
    """Make Turkish I and İ small, ı and i: whoever lowers them without knowing the language makes i of both."""
    return text.translate(_DOTS)


def _without_vowel_signs(text: str, _spelling: Spelling) -> str:
    """Remove what Arabic script writes for children, in scripture and to fill a line."""
    return _VOWEL_SIGNS.sub("", text)


def _persian(text: str, _spelling: Spelling) -> str:
    """The same, and Persian letters where a keyboard had the Arabic ones."""
    return _VOWEL_SIGNS.sub("", text).translate(_PERSIAN)


def _without_joiners(text: str, _spelling: Spelling) -> str:
    """Remove what in Devanagari chooses a letter's shape alone."""
    return text.replace("\u200d", "")


def _without_points(text: str, _spelling: Spelling) -> str:
    """Remove Hebrew's points, which most text is written without."""
    return _POINTS.sub("", text)


def _by_word_boundaries(text: str, language: str) -> list[str]:
    """Runs of letters (with their marks, and the signs that are letters in the language) and runs of digits."""
    found: list[str] = _word(_INNER.get(language, "")).findall(text)
    return found


@cache
def _word(inner: str) -> "regex.Pattern[str]":
    signs = "".join(map(regex.escape, inner))
    return regex.compile(rf"\p{{L}}(?:[\p{{L}}\p{{M}}]|\u200d|[{signs}\u200c](?=[\p{{L}}\p{{M}}]))*|\p{{N}}+")


def _by_icu(text: str, language: str) -> list[str]:
    """Words as ICU's rules and dictionaries find them (Japanese, Thai, Lao, Khmer, Burmese and others)."""
    try:
        from icu4py.breakers import WordBreaker
    except ImportError as error:
        raise UserError(
            f"language {language!r}: its words are not divided by spaces: pip install icu4py, which divides them"
        ) from error
    start = _word("")
    # ICU breaks lines of Latin letters as Unicode does (don't, 3.14); those are divided as in other languages.
    return [
        word
        for part in WordBreaker(text, language)
        for word in ([part] if _UNSPACED_WORD.fullmatch(part) else start.findall(part))
    ]


def _by_dictionary(text: str, _language: str) -> list[str]:
    """Chinese words as jieba finds them, in its Rust implementation; punctuation and spaces dropped."""
    import rjieba  # loads its dictionary: only when Chinese is read

    return [word for word in rjieba.cut(text) if _word("").match(word)]


# Written without spaces between words, so that word boundaries would give whole sentences.
UNSEGMENTED = ("bo", "dz", "ja", "km", "lo", "lzh", "my", "th", "yue", "wuu")
NORMALISERS: dict[str, Callable[[str, Spelling], str]] = {
    "ru": _without_stress_marks,
    **dict.fromkeys(("be", "uk"), _without_acute),
    "zh": _simplified,
    **dict.fromkeys(("az", "tr"), _dotted_and_dotless),
    **dict.fromkeys(("ar", "arz", "ps", "ur"), _without_vowel_signs),
    "fa": _persian,
    **dict.fromkeys(("hi", "mr", "ne", "sa"), _without_joiners),
    "he": _without_points,
}
SEGMENTERS: dict[str, Callable[[str, str], list[str]]] = {"zh": _by_dictionary, **dict.fromkeys(UNSEGMENTED, _by_icu)}


def normalise(text: str, language: str, spelling: Spelling = Spelling()) -> str:
    """Bring text to one form: NFKC without what cannot be seen, then what the language asks for, and single spaces.

    Case stays, but for the Turkish I and İ.
    """
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text).replace(_BREAK, " "))
    if "'" in _INNER.get(language, ""):
        text = text.translate(_APOSTROPHES)
    return " ".join(NORMALISERS.get(language, _same)(text, spelling).split())


def segment(text: str, language: str) -> list[str]:
    """The lower-case words of a normalised text, in order.

    Raises:
        UserError: the language writes no spaces, and what divides its words is not installed.
    """
    return SEGMENTERS.get(language, _by_word_boundaries)(text.lower(), language)


def is_unicode(text: str) -> bool:
    """Whether a text can be written: JSON and a terminal can hold half a surrogate pair, which is no letter."""
    return text.isascii() or _SURROGATE.search(text) is None


def words_of(text: str, language: str, spelling: Spelling = Spelling()) -> list[str]:
    """The words of a text as people write it: the way to words for whoever has not got `prepare`'s text."""
    return segment(normalise(text, language, spelling), language)


def is_unspaced(text: str) -> bool:
    """Whether a text is of letters alone that have no space between words: Chinese, Japanese, Thai and others."""
    return _UNSPACED_WORD.fullmatch(text) is not None


def without_marks(text: str) -> str:
    """A text's letters without accents and other marks that take no space, as BERT strips them: été becomes ete."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


def is_han(text: str) -> bool:
    """Whether a text is of Chinese letters alone."""
    return _HAN_WORD.fullmatch(text) is not None
