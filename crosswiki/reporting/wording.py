"""Numbers and languages as people write them."""

from math import isnan

from babel import Locale

SPACE = "\N{NO-BREAK SPACE}"
UNKNOWN = "not available"


def language_name(code: str) -> str:
    """A language's English name; where it is not known here, its code."""
    return str(Locale("en").languages.get(code, code))


def number(value: float) -> str:
    """Whole numbers with thousands separators; others with three significant digits."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"


def percent(share: float, decimals: int = 1) -> str:
    """A share as a percentage; a dash where there is none."""
    return "–" if isnan(share) else f"{100 * share:.{decimals}f}{SPACE}%"


def interval(low: float, high: float, decimals: int = 1) -> str:
    """The ends of an interval of percentages, without the sign."""
    return f"{100 * low:.{decimals}f}–{100 * high:.{decimals}f}"
