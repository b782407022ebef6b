"""Templates that show dates, as their language writes them."""

from collections.abc import Mapping

# The months as dates name them; languages that are not here get the English names.
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "uk": "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
}
# What stands between day and month, and month and year; elsewhere a space.
_BETWEEN = {"de": (". ", " "), "es": (" de ", " de "), "pt": (" de ", " de ")}
_IN_ASIA = {"zh": "年月日", "ja": "年月日", "ko": "년월일"}


def date(given: Mapping[str, str], language: str | None) -> str:
    """{{start date|1993|2|24}}: February 24, 1993; in other languages as they write it."""
    year, month, day = (given.get(name, "").lstrip("0") for name in "123")
    if not (month.isdigit() and 1 <= int(month) <= 12):
        return " ".join(part for part in (day, month, year) if part)
    if signs := _IN_ASIA.get(language or ""):
        return "".join(part + sign for part, sign in zip((year, month, day), signs, strict=True) if part)
    name = _MONTHS.get(language or "en", _MONTHS["en"]).split()[int(month) - 1]
    if day and language in (None, "en") and given.get("df", "")[:1] not in tuple("yY1"):
        return f"{name} {day}, {year}"
    after_day, after_month = _BETWEEN.get(language or "", (" ", " "))
    return (day and day + after_day) + name + (year and after_month + year)


def day_first(given: Mapping[str, str], language: str | None) -> str:
    """Spanish {{fecha|24|2|1993}}: 24 de febrero de 1993; of dates in words, the words."""
    day, month, year = (given.get(name, "") for name in "123")
    if not (day.isdigit() and month.isdigit() and year.isdigit()):
        return " ".join(value for name, value in given.items() if name.isdigit() and value)
    return date({"1": year, "2": month, "3": day, "df": "y"}, language)


def age_of(given: Mapping[str, str], _language: str | None) -> str:
    """{{age|1950|3|4|2000|1|2}}: 49. The age today is nothing that a text can say."""
    numbers = [given.get(name, "") for name in "123456"]
    if not all(number.isdigit() for number in numbers):
        return ""
    born, then = (tuple(map(int, numbers[start : start + 3])) for start in (0, 3))
    return str(then[0] - born[0] - (then[1:] < born[1:]))


def as_of(given: Mapping[str, str], language: str | None) -> str:
    """{{As of|2014|5|lc=y}}: as of May 2014."""
    if alt := given.get("alt"):
        return alt
    when = date({**given, "df": "y"}, language)
    words = ("Since" if given.get("since") else "As of") if not given.get("pre") else f"As of {given['pre']}"
    return f"{words[0].lower() if given.get('lc') else words[0]}{words[1:]} {when}{given.get('post', '')}"
