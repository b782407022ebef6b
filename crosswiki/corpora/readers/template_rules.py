"""Templates that compute what they show: dates, measures, fractions, ships."""

import re
from collections.abc import Callable, Mapping

from crosswiki.corpora.readers.template_dates import age_of, as_of, date, day_first

Rule = Callable[[Mapping[str, str], str | None], str]


_RANGES = {
    **dict.fromkeys(("-", "–", "to(-)", "à", "a", "bis", "до", "tot", "til", "till", "‒"), "–"),
    **{"to": " to ", "and": " and ", "or": " or ", "et": " et ", "y": " y ", "и": " и ", "und": " und ", "ou": " ou "},
    **{
        "x": " × ",
        "×": " × ",
        "xx": " × ",
        "*": " × ",
        "by": " by ",
        "par": " × ",
        "+/-": " ± ",
        "±": " ± ",
        "+": " + ",
    },
    **{
        "and(-)": " and ",
        "to about": " to about ",
        "u": " u ",
        "x(-)": " × ",
        "e": " e ",
        ",": ", ",
        ", and": ", and ",
    },
}
_UNITS = {
    "C": "°C",
    "F": "°F",
    "sqmi": "sq mi",
    "sqft": "sq ft",
    "cuft": "cu ft",
    "USgal": "US gal",
    "impgal": "imp gal",
}
_COMPOUND_UNITS = "ft in foot inch feet inches yd st lb oz mi ch fur lbs stone"
_COMPOUND = frozenset(_COMPOUND_UNITS.split())


def _measure(given: Mapping[str, str], _language: str | None) -> str:
    """{{convert|7|-|8|km|mi}}: 7–8 km. The reckoned value is left out."""
    values = [given[str(place)] for place in range(1, len(given) + 1) if str(place) in given]
    if not values:
        return ""
    shown, place = values[0], 1
    while place + 1 < len(values) and (between := _RANGES.get(values[place])) and values[place + 1][:1] in _DIGITS:
        shown, place = shown + between + values[place + 1], place + 2
    while place < len(values) and values[place]:
        shown += "\xa0" + re.sub(
            r"(?<=[a-z])[23]\b", lambda p: "²³"[int(p[0]) - 2], _UNITS.get(values[place], values[place])
        )
        pair = values[place : place + 3]
        if len(pair) < 3 or not {pair[0], pair[2]} <= _COMPOUND or pair[1][:1] not in _DIGITS:
            break
        shown, place = f"{shown} {pair[1]}", place + 2
    return shown


_DIGITS = frozenset("0123456789.−-+½¼¾")
_SUPERSCRIPTS = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


def _value(given: Mapping[str, str], _language: str | None) -> str:
    """{{val|879.6|0.8|u=s}}: 879.6±0.8 s."""
    number, error = given.get("1", ""), given.get("2", "")
    shown = number + (error if error[:1] == "(" else f"±{error}" if error else "")
    power = "×10" + given["e"].translate(_SUPERSCRIPTS) if given.get("e") else ""
    unit = given.get("u") or given.get("ul") or given.get("upl") or ""
    return f"{shown}{power}{' ' + unit if unit else ''}{'/' + given['up'] if given.get('up') else ''}"


def _power(given: Mapping[str, str], _language: str | None) -> str:
    return "×10" + given.get("1", "").translate(_SUPERSCRIPTS)


def _fraction(given: Mapping[str, str], _language: str | None) -> str:
    """{{frac|2}}: 1⁄2; {{frac|1|2}}: 1⁄2; {{frac|3|1|2}}: 3 1⁄2."""
    match [given[name] for name in "123" if given.get(name)]:
        case [below]:
            return f"1⁄{below}"
        case [above, below]:
            return f"{above}⁄{below}"
        case [whole, above, below]:
            return f"{whole} {above}⁄{below}"
    return ""


def _ship(prefix: str, place: int) -> Rule:
    """{{HMS|Victory|1765}}: HMS Victory (1765); a further argument leaves out the number or the prefix."""

    def rule(given: Mapping[str, str], _language: str | None) -> str:
        name, number, form = (given.get(str(place + offset), "") for offset in range(3))
        if not name:
            return ""
        before = "" if form in ("3", "5", "6") else (prefix or given.get("1", ""))
        after = f"({number})" if number and form not in ("2", "6") else ""
        return " ".join(part for part in (before, name, after) if part)

    return rule


def _japanese(given: Mapping[str, str], _language: str | None) -> str:
    """{{nihongo|Tokyo|東京|Tōkyō}}: Tokyo (東京, Tōkyō); after a Chinese word with the marks of Chinese."""
    word, notes = given.get("1", ""), [given[name] for name in "23" if given.get(name)]
    if not word or not notes:
        return word or ", ".join(notes)
    wide = any("\u3040" <= letter <= "\u9fff" for letter in word)
    return f"{word}（{'，'.join(notes)}）" if wide else f"{word} ({', '.join(notes)})"


def _centuries(given: Mapping[str, str], _language: str | None) -> str:
    """French {{s|XIX}}: XIXe siècle; {{sp|XIX|e|et|XX|e}}: XIXe et XXe siècles."""
    match [given[name] for name in "12345" if given.get(name)]:
        case [first, ending, between, second, *rest]:
            return f"{first}{ending} {between} {second}{rest[0] if rest else 'e'} siècles"
        case [first, *rest]:
            return f"{first}{rest[0] if rest else 'e'} siècle"
    return ""


def _before_christ(century: str) -> str:
    return century and f"{century} av. J.-C."


def _linked_elsewhere(given: Mapping[str, str], _language: str | None) -> str:
    """{{ill|Joke|fr|Blague}}: Joke; {{ill|fr|Blague|Joke}}, with the language first: Joke."""
    if shown := given.get("lt") or given.get("text") or given.get("label"):
        return shown
    first = given.get("1", "")
    language_first = re.fullmatch(r"[a-z]{2,3}", first) and given.get("2")
    return (given.get("3") or given.get("2", "")) if language_first else first


def _as_it_stands(given: Mapping[str, str], _language: str | None) -> str:
    """{{sic|recieve}}: recieve [sic], unless it is hidden."""
    words = given.get("1", "") + given.get("2", "")
    return words if given.get("hide") or not words else f"{words} [sic]"


def _accidental(given: Mapping[str, str], _language: str | None) -> str:
    """{{music|flat}}: ♭."""
    return {"flat": "♭", "b": "♭", "sharp": "♯", "#": "♯", "natural": "♮", "n": "♮"}.get(given.get("1", ""), "")


def _life(given: Mapping[str, str], _language: str | None) -> str:
    """Chinese {{bd|1990年|1月2日|2001年|3月4日}}: （1990年1月2日－2001年3月4日）."""
    born, died = (given.get(one, "") + given.get(other, "") for one, other in ("12", "34"))
    return f"（{born}－{died}）" if born or died else ""


_SHIP_PREFIXES = """
HMS USS SS MV RMS HMAS HMCS HMNZS HMIS INS SMS USNS USCGC USAT ROKS RFA HDMS HNLMS HNoMS HSwMS MS RV GTS TSS USAV
USRC HMT ORP BAP ARA BNS PNS JDS
"""
RULES: dict[str, Rule] = {
    **dict.fromkeys(
        (
            "start date",
            "end date",
            "birth date",
            "birth-date",
            "death date",
            "birth date and age",
            "bda",
            "dts",
            "film date",
            "birth year",
            "death year",
            "start date and age",
            "death date and age",
            "release date",
            "date table sorting",
            "birth year and age",
        ),
        date,
    ),
    **dict.fromkeys(
        (
            "date",
            "date-",
            "fecha",
            "fecha de nacimiento",
            "fecha de inicio",
            "date de naissance",
            "date de décès",
            "datum",
            "дата",
            "дата рождения",
            "др",
        ),
        day_first,
    ),
    **dict.fromkeys(("age", "age in years"), age_of),
    **dict.fromkeys(("as of", "asof"), as_of),
    **dict.fromkeys(
        ("convert", "cvt", "unité", "unidad", "unit", "conversion", "converter", "convertir", "conv"), _measure
    ),
    "val": _value,
    "e": _power,
    **dict.fromkeys(("frac", "fraction", "frac2", "bruch", "дробь", "fracción"), _fraction),
    "ship": _ship("", 2),
    **{name.lower(): _ship(name, 1) for name in _SHIP_PREFIXES.split()},
    **dict.fromkeys(
        ("nihongo", "nihongo3", "japonais", "nihongo4", "jap", "japanese", "日本語", "японский"), _japanese
    ),
    "fr:s": _centuries,
    **dict.fromkeys(("fr:sp", "fr:siècle", "fr:s2"), _centuries),
    "fr:s-": lambda given, _language: given.get("1", "") + given.get("2", "e"),
    "fr:s2-": lambda given, _language: "{1}{2}-{3}{4}".format(*([""] + [given.get(name, "") for name in "1234"])),
    "fr:-s": lambda given, language: _before_christ(_centuries(given, language)),
    "fr:-s-": lambda given, _language: _before_christ(given.get("1", "") + given.get("2", "e")),
    "fr:e": lambda _given, _language: "e",
    "es:ac": lambda _given, _language: "a. C.",
    "es:dc": lambda _given, _language: "d. C.",
    "bd": _life,
    **dict.fromkeys(("ill", "interlanguage link", "interlanguage link multi", "illm", "ilh"), _linked_elsewhere),
    "sic": _as_it_stands,
    "music": _accidental,
}
