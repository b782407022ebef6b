"""Text that some program has spoilt on its way: finding it, and putting it right."""

import re
from functools import cache
from typing import Any

ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
LOST = "\ufffd"  # what a decoder writes in place of a letter that it cannot read: nothing brings that letter back
KINDS = ("escapes", "entities", "mojibake", "lost letters")


def spoilt(text: str) -> list[str]:
    r"""Which of `KINDS` a text has: literal `\u2019`, `&amp;`, letters read in the wrong encoding, lost letters."""
    import ftfy
    import ftfy.badness

    mojibake = ftfy.badness.is_bad(text) and ftfy.fix_encoding(text) != text
    signs = (ESCAPE.search(text), ENTITY.search(text), mojibake, LOST in text)
    return [kind for kind, found in zip(KINDS, signs, strict=True) if found]


def mend(text: str) -> str:
    """A text as it was meant: escapes and entities replaced, and mojibake undone (ftfy, Speer 2019).

    Quotation marks, ligatures and line breaks stay as they are, and lost letters stay lost.
    """
    import ftfy

    return str(ftfy.fix_text(_unescaped(text), _settings()))


def _unescaped(text: str) -> str:
    """Literal escapes as the letters that they stand for; two that are one letter's halves (UTF-16) together."""
    text = ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@cache
def _settings() -> Any:
    import ftfy

    return ftfy.TextFixerConfig(
        unescape_html=True,
        uncurl_quotes=False,
        fix_latin_ligatures=False,
        fix_character_width=False,
        fix_line_breaks=False,
        remove_terminal_escapes=False,
        normalization=None,
    )
