"""Bold and italic: which apostrophes are markup, and which are text."""

import re

_FROM_QUOTES = re.compile(r"''[^\n]*+")
_QUOTES = re.compile(r"'''*")  # two or more; written so, the search goes by the first two


def without_emphasis(text: str) -> str:
    """Text without the apostrophes that make it bold and italic, line by line; others are left.

    Source: MediaWiki's `Parser::doQuotes`.
    """
    return _FROM_QUOTES.sub(_without_quotes, text)


def _without_quotes(match: re.Match[str]) -> str:
    line = match[0]
    if "''''" not in line:
        bold = line.count("'''")
        italic = line.count("''") - bold
        if not (bold % 2 and italic % 2):
            return line.replace("'''", "").replace("''", "")
    before = match.string[max(0, match.start() - 2) : match.start()].rpartition("\n")[2]
    line = before + line
    runs = _QUOTES.findall(line)
    bold, italic = runs.count("'''"), runs.count("''")
    more = sum(len(run) >= 5 for run in runs)  # bold and italic
    odd = (bold + more + runs.count("''''")) % 2 and (italic + more) % 2
    alone = _apostrophe_before(line) if odd else -1
    shown = _QUOTES.sub(lambda run: "'" * ((run.start() == alone) + (len(run[0]) == 4) + max(0, len(run[0]) - 5)), line)
    return shown[len(before) :]


def _apostrophe_before(line: str) -> int:
    """Where the first of three apostrophes is text: after a word of one letter, else a longer one, else a space."""
    places: dict[str, int] = {}
    for run in _QUOTES.finditer(line):
        if len(run[0]) in (3, 4):
            before = line[max(0, run.start() - 2) : run.start()] + "'" * (len(run[0]) == 4)
            kind = "space" if before[-1:] == " " else "letter" if before[-2:-1] == " " else "word"
            places.setdefault(kind, run.start())
    return next((places[kind] for kind in ("letter", "word", "space") if kind in places), -1)
