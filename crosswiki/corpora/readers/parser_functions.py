"""Parser functions whose value the wikitext itself decides; all others show nothing."""

import ast
import math
import operator
import re
from collections.abc import Callable

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
_WITH_POINTS = "de nl da id tr el hr sl sr ro is gl eu ca az vi mk lb fo"
_WITH_SPACES = "fr ru uk be be-tarask cs sk sv nb no nn fi hu et lv lt kk hy ka eo af tt ba"
# How languages write 1234567.8: the mark between thousands, that of the fraction, and
# the fewest digits that are divided.
_POINTS: dict[str, tuple[str, str, int]] = {
    **dict.fromkeys(
        _WITH_POINTS.split(),
        (".", ",", 4),
    ),
    **dict.fromkeys(["it", "es", "pt"], (".", ",", 5)),
    **dict.fromkeys(
        _WITH_SPACES.split(),
        ("\xa0", ",", 4),
    ),
    **dict.fromkeys(["pl", "bg"], ("\xa0", ",", 5)),
}
_POINTS["es"] = ("\xa0", ",", 5)
_NAMES = """
formatnum lc uc lcfirst ucfirst plural gender grammar int displaytitle defaultsort fullurl localurl canonicalurl
filepath urlencode anchorencode ns nse padleft padright pagesincategory numberofpages numberofarticles currentyear
currentmonth currentmonthname currentday currenttime currenttimestamp localyear localmonth localmonthname localday
revisionid revisiontimestamp revisionyear namespace talkpagename sitename server noexternallanglinks
"""
_FUNCTIONS = frozenset(_NAMES.split())


def is_parser_function(name: str) -> bool:
    """Whether what stands before a colon in braces names a function and no template."""
    return name.startswith("#") or name.lower() in _FUNCTIONS


def parser_function(name: str, values: list[str], language: str | None) -> str:
    """What `{{name:value|value…}}` shows.

    Args:
        name: with its `#`, if it has one.
        values: at least one.
        language: of the wiki; None: unknown.
    """
    first, *others = values
    function = _VALUES.get(name.lower())
    return function(first, others, language) if function else ""


def format_number(number: str, language: str | None) -> str:
    """A number as the readers of a language write it; anything else as it is.

    >>> format_number("1234567.5", "en"), format_number("1234567.5", "de")
    ('1,234,567.5', '1.234.567,5')
    """
    parts = re.fullmatch(r"([-−+]?)(\d+)(?:\.(\d*))?", number)
    if not parts:
        return number
    thousands, point, fewest = _POINTS.get(language or "en", (",", ".", 4))
    whole = parts[2] if len(parts[2]) < fewest else f"{int(parts[2]):,}".replace(",", thousands)
    return parts[1] + whole + (point + parts[3] if parts[3] else "")


def _at(values: list[str], place: int) -> str:
    return values[place] if place < len(values) else ""


def _equal(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return one == other


def _switch(value: str, cases: list[str]) -> str:
    """The first case's text whose name is the value; cases without a text share that of the next."""
    default, matched = "", False
    for place, case in enumerate(cases):
        name, equals, text = (part.strip() for part in case.partition("="))
        matched = matched or _equal(name, value)
        if not equals:
            if place == len(cases) - 1:
                return name
        elif matched:
            return text
        elif name == "#default":
            default = text
    return default


def _expression(text: str) -> str:
    """Sums, products and `round`; nothing where there is more than these."""
    sum_, _, digits = text.partition("round")
    try:
        value = _number(ast.parse(sum_.strip().replace("^", "**"), mode="eval").body)
        return f"{round(value, int(digits)) if digits else value:.12g}"
    except (ValueError, SyntaxError, ZeroDivisionError, OverflowError, RecursionError, MemoryError):
        return ""


def _number(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return float(_OPERATORS[type(op)](_number(left), _number(right)))
    raise ValueError("no sum")


_VALUES: dict[str, Callable[[str, list[str], str | None], str]] = {
    "formatnum": lambda first, others, language: (
        first if {"NOSEP", "R"} & set(others) else format_number(first, language)
    ),
    "lc": lambda first, _others, _language: first.lower(),
    "uc": lambda first, _others, _language: first.upper(),
    "lcfirst": lambda first, _others, _language: first[:1].lower() + first[1:],
    "ucfirst": lambda first, _others, _language: first[:1].upper() + first[1:],
    "plural": lambda first, others, _language: others[0 if first in ("1", "-1") else -1] if others else "",
    "gender": lambda _first, others, _language: others[-1] if others else "",
    "grammar": lambda _first, others, _language: _at(others, 0),
    "#if": lambda first, others, _language: _at(others, 0 if first else 1),
    "#ifeq": lambda first, others, _language: _at(others, 1 if _equal(first, _at(others, 0)) else 2),
    "#iferror": lambda first, others, _language: first if len(others) < 2 else others[1],
    "#ifexist": lambda _first, others, _language: _at(others, 0),
    "#switch": lambda first, others, _language: _switch(first, others),
    "#expr": lambda first, _others, _language: _expression(first),
    "sitename": lambda _first, _others, _language: "Wikipedia",
}
