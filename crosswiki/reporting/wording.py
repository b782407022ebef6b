"""Numbers and languages as people write them."""

from babel import Locale

SPACE = "\N{NO-BREAK SPACE}"
UNKNOWN = "not available"


def language_name(code: str) -> str:
    """A language's English name; where it is not known here, its code."""
    return str(Locale("en").languages.get(code, code))


def number(value: float) -> str:
    """Whole numbers with thousands separators; others with three significant digits."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"


def compact(value: float) -> str:
    """A number short enough for an axis: 6.5 M."""
    for size, letter in ((1e9, "G"), (1e6, "M")):
        if value >= size:
            return f"{value / size:.3g}{SPACE}{letter}"
    return number(value)


def percent(share: float, decimals: int = 1) -> str:
    """A share as a percentage."""
    return f"{100 * share:.{decimals}f}{SPACE}%"


def interval(low: float, high: float, decimals: int = 1) -> str:
    """The ends of an interval of percentages, without the sign."""
    return f"{100 * low:.{decimals}f}–{100 * high:.{decimals}f}"


def beginning(text: str, length: int) -> str:
    """The first characters of a text, with a sign that there are more."""
    return text if len(text) <= length else text[:length].rstrip(" .…") + "…"
