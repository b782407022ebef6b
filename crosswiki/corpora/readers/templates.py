"""What templates and parser functions show within a sentence; boxes, notes, references and citations show nothing."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from crosswiki.corpora.readers.marks import BAR, BRACE, CLOSING_BRACE, GONE, protect
from crosswiki.corpora.readers.parser_functions import is_parser_function, parser_function
from crosswiki.corpora.readers.template_patterns import PATTERNS
from crosswiki.corpora.readers.template_rules import RULES, Rule
from crosswiki.corpora.readers.template_symbols import SYMBOLS

_PARAMETER = re.compile(r"\{\{\{([^{}|]*+)(?:\|([^{}]*+))?\}\}\}")
_TEMPLATE = re.compile(r"\{\{([^{}]*+)\}\}")
_LOOSE_TEMPLATE = re.compile(r"\{\{((?:[^{}]++|\{(?!\{)|\}(?!\}))*+)\}\}")
_LINK = re.compile(r"\[\[[^\[\]]*+\]\]")
_NAMESPACE = re.compile(
    r"\s*:?\s*(?:(?:safe)?subst|msg|msgnw|raw|template|modèle|vorlage|шаблон|plantilla|predefinição|模板)\s*:", re.I
)
# fr: {{XIXe siècle}}, {{Ier}}, {{-IIe siècle}}; de: {{arS|…}}
_ORDINAL = re.compile(
    r"(-?)((?:[IVX]|XL|L[IVX]|\d)[IVX\d]*(?:er|re|e|ème)(?: (?:siècle|millénaire|arrondissement))?)(.*)"
)
_SCRIPT = re.compile(r"[a-z]{2,3}S")
_NO_SYMBOLS = frozenset({"", "-", "--", "---", ",", "?", "+", "^", ".", ":", ";", "#", "~"})
_MOST_NESTED = 40


def without_templates(text: str, language: str | None, title: str) -> str:
    """Replace each template by what it shows, innermost first.

    Args:
        text: wikitext without comments and references.
        language: of the wiki; None: unknown.
        title: of the article, which some templates repeat.
    """

    def shown(template: re.Match[str]) -> str:
        return _shown(template[1], language, title) or GONE

    for pattern in (_TEMPLATE, _LOOSE_TEMPLATE):
        for _ in range(_MOST_NESTED):
            if "{{" not in text:
                break
            if "{{{" in text:
                text = _PARAMETER.sub(lambda parameter: parameter[2] or "", text)
            text, found = pattern.subn(shown, text)
            if not found:
                break
    for mark, markup in ((BAR, "|"), (BRACE, "{"), (CLOSING_BRACE, "}")):
        if mark in text:
            text = text.replace(mark, markup)
    return text


def arguments(text: str) -> dict[str, str]:
    """A template's arguments by name; those without one are called 1, 2, …; a link's bars divide nothing."""
    if "[[" in text:
        text = _LINK.sub(lambda link: link[0].replace("|", BAR), text)
    found: dict[str, str] = {}
    place = 0
    for part in text.split("|"):
        name, equals, value = part.partition("=")
        if not equals or "<" in name or "[" in name or "//" in name:
            place += 1
            name, value = str(place), part
        value = value.strip(" \t")
        begins_list = value[:1] == "\n" and value.lstrip()[:1] in tuple("*#:;")
        found[name.strip().lower()] = "\n" * begins_list + value.strip().replace(BAR, "|")
    return found


def _shown(inside: str, language: str | None, title: str) -> str:
    """What of a template is text."""
    if GONE in inside:
        inside = inside.replace(GONE, "")
    name, bar, rest = inside.partition("|")
    if ":" in name or (not bar and name.strip().isupper()):
        value = _function(name, rest, language, title)
        if value is not None:
            return value
    rule = _rule(name, bool(bar), language)
    if rule is None or isinstance(rule, str):
        return rule or ""
    return rule(arguments(rest) if bar else {}, language)


def _function(name: str, rest: str, language: str | None, title: str) -> str | None:
    """What a parser function or variable shows; None: it is a template."""
    head, _, first = name.partition(":")
    head = head.strip()
    if head.isupper() and head.replace("SUB", "").replace("FULL", "").replace("BASE", "") == "PAGENAME":
        return protect(title)
    if not is_parser_function(head):
        return None
    linked = _LINK.sub(lambda link: link[0].replace("|", BAR), rest) if "[[" in rest else rest
    values = [first, *(linked.split("|") if rest else [])]
    return parser_function(head, [value.strip() for value in values], language).replace(BAR, "|")


@cache
def _patterns() -> Mapping[str, Rule]:
    """Rules by the names of templates, in lower case."""
    written = {name.strip(): _by_pattern(pattern) for pattern, names in PATTERNS for name in names.split(",")}
    return {**written, **RULES}


def _by_pattern(pattern: str) -> Rule:
    """A rule that fills a pattern in, as `template_patterns` describes them."""
    pieces = re.split(r"<([^<>]*)>", pattern)

    def rule(given: Mapping[str, str], _language: str | None) -> str:
        shown = ""
        for place, piece in enumerate(pieces):
            values = [_value(names, given) for names in re.findall(r"\{([^{}]*)\}", piece)]
            if all(values) or (place % 2 == 0 and (any(values) or not values)):
                remaining = iter(values)
                shown += re.sub(r"\{[^{}]*\}", lambda _: next(remaining), piece)  # noqa: B023
        return shown if any(_value(names, given) for names in re.findall(r"\{([^{}]*)\}", pattern)) else ""

    return rule


def _value(names: str, given: Mapping[str, str]) -> str:
    """The first of several arguments that is not empty; `-1` is the last unnamed one, `*` all of them joined."""
    unnamed = [given[str(place)] for place in range(1, len(given) + 1) if str(place) in given]
    if names.startswith("*"):
        return names[1:].join(value for value in unnamed if value)
    for name in names.split("|"):
        value = (unnamed[-1] if unnamed else "") if name == "-1" else given.get(name, "")
        if value:
            return value
    return ""


@lru_cache(maxsize=2**14)
def _rule(name: str, has_arguments: bool, language: str | None) -> Rule | str | None:
    """How a template is shown: by a rule, as a constant text, or not at all."""
    name = " ".join((name[prefix.end() :] if (prefix := _NAMESPACE.match(name)) else name).replace("_", " ").split())
    lower = name.lower()
    rules = _patterns()
    if language and (special := rules.get(f"{language}:{lower}")):
        return special
    if lower in rules and (has_arguments or lower not in SYMBOLS):
        return rules[lower]
    if lower in SYMBOLS:
        return SYMBOLS[lower]
    if lower not in _NO_SYMBOLS and not any(letter.isalnum() for letter in lower):
        return protect(name)  # {{–}}, {{'}}, {{·}}: a template that is called by what it shows
    if not has_arguments and (ordinal := _ORDINAL.fullmatch(name)):
        return ordinal[2] + (" av. J.-C." if ordinal[1] else ordinal[3])
    families = {
        "lang-xx": lower.startswith("lang-"),
        "link-xx": lower.startswith(("link-", "internal link helper/")),
        "nowrap": lower.startswith("script/") or bool(_SCRIPT.fullmatch(name)),
        "нп": lower.startswith(("не переведено", "не перекладено")),
    }
    return next((rules[family] for family, belongs in families.items() if belongs), None)
