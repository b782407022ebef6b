"""What templates and parser functions show within a sentence; boxes, notes, references and citations show nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from crosswiki.corpora.readers.marks import BAR, BRACE, CLOSING_BRACE, GONE, protect
from crosswiki.corpora.readers.parser_functions import is_parser_function, parser_function
from crosswiki.corpora.readers.template_patterns import PATTERNS
from crosswiki.corpora.readers.template_rules import RULES, Rule
from crosswiki.corpora.readers.template_symbols import SYMBOLS

_TEMPLATE = re.compile(r"\{\{(\{?[^{}]*+)\}\}(\}?)")  # a third brace makes it a parameter
_LOOSE_TEMPLATE = re.compile(r"\{\{((?:[^{}]++|\{(?!\{)|\}(?!\}))*+)\}\}()")
_LINK = re.compile(r"\[\[[^\[\]]*+\]\]")
_NAMESPACE = re.compile(
    r"\s*:?\s*(?:(?:safe)?subst|msg|msgnw|raw|template|modèle|vorlage|шаблон|plantilla|predefinição|模板)\s*:", re.I
)
# fr: {{XIXe siècle}}, {{Ier}}, {{-IIe siècle}}
_ORDINAL = re.compile(
    r"(-?)((?:[IVX]|XL|L[IVX]|\d)[IVX\d]*(?:er|re|e|ème)(?: (?:siècle|millénaire|arrondissement))?)"
    r"((?: (?:av|apr)\. J\.-C\.)?)"
)
# Templates whose names end in a language, or in what they are about.
_FAMILIES = {
    "lang-xx": re.compile("lang-", re.I),
    "link-xx": re.compile("link-|internal link helper/", re.I),
    "nowrap": re.compile(r"[sS]cript/|[a-z]{2,3}S\Z"),
    "нп": re.compile("не переведено|не перекладено", re.I),
}
_PAGE_NAME = re.compile(r"(?:FULL|SUB|BASE)?PAGENAME")
_NO_SYMBOLS = frozenset({"", "-", "--", "---", ",", "?", "+", "^", ".", ":", ";", "#", "~"})
_LIST_MARKS = frozenset("*#:;")
_MOST_NESTED = 40


def without_templates(text: str, language: str | None, title: str) -> str:
    """Replace each template by what it shows, innermost first.

    Args:
        text: wikitext without comments and references.
        language: of the wiki; None: unknown.
        title: of the article, which some templates repeat.
    """

    def shown(template: re.Match[str]) -> str:
        inside, after = template.groups()
        if inside[:1] == "{":
            if after:
                return inside.partition("|")[2]
            return "{" + value(inside[1:])
        return value(inside) + after

    def value(inside: str) -> str:
        name, bar, rest = inside.partition("|")
        rule = _rule(name, bar, language)
        if rule is None or isinstance(rule, str):
            return rule or GONE
        rest = rest.replace(GONE, "")
        if isinstance(rule, _Function):
            return _function(rule, rest, language, title) or GONE
        return rule(arguments(rest) if bar else {}, language) or GONE

    for pattern in (_TEMPLATE, _LOOSE_TEMPLATE):
        for _ in range(_MOST_NESTED):
            if "{{" not in text:
                break
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
        stripped = value.strip()
        if value[:1] == "\n" and stripped[:1] in _LIST_MARKS:
            stripped = "\n" + stripped
        found[name.strip().lower()] = stripped.replace(BAR, "|")
    return found


@dataclass(frozen=True)
class _Function:
    """A parser function or variable, and its first argument, which its name is not divided from by a bar."""

    name: str
    first: str


def _function(function: _Function, rest: str, language: str | None, title: str) -> str:
    """What a parser function or variable shows."""
    if function.name.upper().endswith("PAGENAME"):
        return protect(title)
    linked = _LINK.sub(lambda link: link[0].replace("|", BAR), rest) if "[[" in rest else rest
    values = [function.first, *(linked.split("|") if rest else [])]
    return parser_function(function.name, [value.strip() for value in values], language).replace(BAR, "|")


@cache
def _patterns() -> Mapping[str, Rule]:
    """Rules by the names of templates, in lower case."""
    written = {name.strip(): _by_pattern(pattern) for pattern, names in PATTERNS for name in names.split(",")}
    return {**written, **RULES}


def _by_pattern(pattern: str) -> Rule:
    """A rule that fills a pattern in, as `template_patterns` describes them."""
    if re.fullmatch(r"\{[^{}]*\}", pattern):  # most are a single argument
        names = pattern[1:-1]
        return lambda given, _language: _value(names, given)
    # Pieces by turns always there and left out where an argument is empty; each of texts and arguments by turns.
    pieces = [re.split(r"\{([^{}]*)\}", piece) for piece in re.split(r"<([^<>]*)>", pattern)]

    def rule(given: Mapping[str, str], _language: str | None) -> str:
        shown, found = "", False
        for place, piece in enumerate(pieces):
            values = [_value(names, given) for names in piece[1::2]]
            if all(values) or (place % 2 == 0 and any(values)):
                shown += "".join(text + value for text, value in zip(piece[::2], [*values, ""], strict=True))
            found = found or any(values)
        return shown if found else ""

    return rule


def _value(names: str, given: Mapping[str, str]) -> str:
    """The first of several arguments that is not empty; `-1` is the last unnamed one, `*` all of them joined."""
    if names[0] in "*-":
        unnamed = [given[str(place)] for place in range(1, len(given) + 1) if str(place) in given]
        return names[1:].join(value for value in unnamed if value) if names[0] == "*" else (unnamed or [""])[-1]
    return next((value for name in names.split("|") if (value := given.get(name))), "")


@lru_cache(maxsize=2**14)
def _rule(name: str, bar: str, language: str | None) -> Rule | _Function | str | None:
    """How a template is shown: by a rule, as a constant text, or not at all.

    Args:
        name: what stands before the first bar.
        bar: empty where there is none.
        language: of the wiki.
    """
    name = name.replace(GONE, "")
    head, colon, first = name.partition(":")
    head = head.strip()
    if (colon or head.isupper()) and (is_parser_function(head) or _PAGE_NAME.fullmatch(head)):
        return _Function(head, first)
    if prefix := _NAMESPACE.match(name):
        name = name[prefix.end() :]
    name = " ".join(name.replace("_", " ").split())
    lower = name.lower()
    rules = _patterns()
    if language and (special := rules.get(f"{language}:{lower}")):
        return special
    if lower in rules or lower in SYMBOLS:
        return rules[lower] if lower in rules and (bar or lower not in SYMBOLS) else SYMBOLS[lower]
    if lower not in _NO_SYMBOLS and not any(letter.isalnum() for letter in lower):
        return protect(name)  # {{–}}, {{'}}, {{·}}: a template that is called by what it shows
    ordinal = None if bar else _ORDINAL.fullmatch(name)
    if ordinal:
        return ordinal[2] + (" av. J.-C." if ordinal[1] else ordinal[3])
    return next((rules[family] for family, belongs in _FAMILIES.items() if belongs.match(name)), None)
