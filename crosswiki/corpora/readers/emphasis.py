"""Bold and italic: which apostrophes are markup, and which are text."""

import re

_QUOTES = re.compile(r"'''*")  # two or more; written so, the search goes by the first two


def without_emphasis(line: str) -> str:
    """A line without the apostrophes that make text bold and italic; others are left (MediaWiki: `doQuotes`)."""
    runs = _QUOTES.findall(line)
    bold, italic = runs.count("'''"), runs.count("''")
    if bold + italic == len(runs) and not (bold % 2 and italic % 2):
        return _QUOTES.sub("", line)
    more = sum(len(run) >= 5 for run in runs)  # bold and italic
    odd = (bold + more + runs.count("''''")) % 2 and (italic + more) % 2
    alone = _apostrophe_before(line) if odd else -1
    return _QUOTES.sub(lambda run: "'" * ((run.start() == alone) + (len(run[0]) == 4) + max(0, len(run[0]) - 5)), line)


def _apostrophe_before(line: str) -> int:
    """Where the first of three apostrophes is text: after a word of one letter, else a longer one, else a space."""
    places: dict[str, int] = {}
    for run in _QUOTES.finditer(line):
        if len(run[0]) in (3, 4):
            before = line[max(0, run.start() - 2) : run.start()] + "'" * (len(run[0]) == 4)
            kind = "space" if before[-1:] == " " else "letter" if before[-2:-1] == " " else "word"
            places.setdefault(kind, run.start())
    return next((places[kind] for kind in ("letter", "word", "space") if kind in places), -1)
