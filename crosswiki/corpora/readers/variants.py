"""Language-variant markup: `-{zh-hans:计算机;zh-hant:電腦}-` shows the variant that a reader of the wiki gets."""

import re

_CODES = "ban crh gan iu kk ku mni sh shi sr tg tly uz wuu zgh zh"
# The languages for which MediaWiki has a LanguageConverter; in all others `-{` is text.
CONVERTED = frozenset(_CODES.split())
# The variants by language, the one that is taken first.
_PREFERRED = (
    *("zh-hans", "zh-cn", "zh-sg", "zh-my", "zh", "zh-hant", "zh-tw", "zh-hk", "zh-mo"),
    *("sr-ec", "sr-cyrl", "sr", "sr-el", "sr-latn", "kk-cyrl", "kk-kz", "kk", "kk-latn", "kk-tr", "kk-arab", "kk-cn"),
    *(
        "uz-latn",
        "uz",
        "uz-cyrl",
        "ku-latn",
        "ku",
        "ku-arab",
        "tg",
        "tg-cyrl",
        "tg-latn",
        "crh-latn",
        "crh",
        "crh-cyrl",
    ),
    *("iu", "ike-cans", "ike-latn", "gan-hans", "gan", "gan-hant", "wuu-hans", "wuu", "wuu-hant", "sh-latn", "sh-cyrl"),
    *("shi-tfng", "shi", "shi-latn", "ban", "ban-bali", "mni", "mni-beng", "tly", "tly-cyrl", "zgh", "zgh-latn"),
)
_MARKUP = re.compile(r"-\{(?!\{)((?:[^{}-]|-(?!\{)(?!\})|(?<!-)\{|\}(?!-))*+)\}-")
_CODE = r"(?:[^;:]*=>)?\s*[a-z]{2,3}(?:-[a-z]+)*\s*:"
_END = re.compile(rf";\s*(?={_CODE}|$)")  # other semicolons end an entity or are text
_RULE = re.compile(r"\s*(?:[^;:]*=>)?\s*([a-z]{2,3}(?:-[a-z]+)*)\s*:(?!//)(.*)", re.DOTALL)
_MOST_NESTED = 40


def one_variant(text: str, language: str | None) -> str:
    """Text in one variant.

    Args:
        text: wikitext without templates.
        language: of the wiki; None: unknown, markup of all languages is read.
    """
    if language is not None and language not in CONVERTED:
        return text
    for _ in range(_MOST_NESTED):
        text, found = _MARKUP.subn(_shown, text)
        if not found:
            break
    return text


def _shown(markup: re.Match[str]) -> str:
    """Nothing (flags that only define), the text, or the preferred of the variants."""
    flags, bar, rules = markup[1].partition("|")
    if not bar or not re.fullmatch(r"[A-Z+;\s-]*|[a-z;\s-]*", flags):
        rules = markup[1]
    elif set(flags) & set("HT") or flags.strip() == "-":
        return ""
    elif "R" in flags:
        return rules
    found = [_RULE.fullmatch(rule) for rule in _END.split(rules) if rule.strip()]
    named = {rule[1]: rule[2].strip() for rule in found if rule}
    if not named or None in found:
        return rules
    return next((named[name] for name in _PREFERRED if name in named), next(iter(named.values())))
