"""Normalisation and segmentation, by language: one registered function each."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import regex

from crosswiki.pipeline.errors import UserError

HAN = "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]"  # a Chinese letter
_HAN_WORD = regex.compile(f"{HAN}+")
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*|\p{N}+")
# Combining grave and acute, and the letters that NFKC makes of е, и and a grave.
_STRESS = {0x300: None, 0x301: None, **str.maketrans("ѐѝЀЍ", "еиЕИ")}
_YO = str.maketrans("ёЁ", "еЕ")


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


@cache
def _converter() -> Callable[[str], str]:
    from opencc import OpenCC  # loads its tables: only when Chinese is read

    convert: Callable[[str], str] = OpenCC("t2s").convert
    return convert


def _simplified(text: str, _spelling: Spelling) -> str:
    """Turn traditional characters into simplified ones (OpenCC, t2s)."""
    return _converter()(text)


def _by_word_boundaries(text: str) -> list[str]:
    """Runs of letters (with their marks) and runs of digits."""
    found: list[str] = _WORD.findall(text)
    return found


def _by_dictionary(text: str) -> list[str]:
    """Chinese words as jieba finds them, in its Rust implementation; punctuation and spaces dropped."""
    import rjieba  # loads its dictionary: only when Chinese is read

    return [word for word in rjieba.cut(text) if _WORD.match(word)]


NORMALISERS: dict[str, Callable[[str, Spelling], str]] = {"ru": _without_stress_marks, "zh": _simplified}
SEGMENTERS: dict[str, Callable[[str], list[str]]] = {"zh": _by_dictionary}
# Written without spaces between words, so that word boundaries would give whole sentences.
UNSEGMENTED = ("bo", "dz", "ja", "km", "lo", "my", "th", "yue", "wuu")


def normalise(text: str, language: str, spelling: Spelling = Spelling()) -> str:
    """Bring text to one form: NFKC, then what the language asks for, and single spaces. Case stays."""
    text = unicodedata.normalize("NFKC", text)
    return " ".join(NORMALISERS.get(language, _same)(text, spelling).split())


def segment(text: str, language: str) -> list[str]:
    """The lower-case words of a normalised text, in order.

    Raises:
        UserError: the language writes no spaces and nobody has registered a segmenter for it.
    """
    if language in UNSEGMENTED and language not in SEGMENTERS:
        raise UserError(
            f"language {language!r}: its words are not divided by spaces, and no segmenter is registered: "
            "add a function to SEGMENTERS in crosswiki/corpora/text.py"
        )
    return SEGMENTERS.get(language, _by_word_boundaries)(text.lower())


def is_han(text: str) -> bool:
    """Whether a text is of Chinese letters alone."""
    return _HAN_WORD.fullmatch(text) is not None
