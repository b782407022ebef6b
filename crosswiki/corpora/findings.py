"""What a survey of a file found, in lines for the file's owner."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crosswiki.corpora.readers.forms import Form
from crosswiki.corpora.readers.task import Text, texts_of
from crosswiki.corpora.readers.word_lists import overlap, read_pairs
from crosswiki.corpora.survey import Survey
from crosswiki.corpora.text import normalise, segment

QUOTED = 60  # letters of a text that are shown
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
ENCODINGS = {
    "utf-8-sig": "UTF-8",
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252",
}
NOTHING = frozenset({"na", "n/a", "nan", "none", "null", "nil", "-", "?", "unknown", "unlabelled", "unlabeled"})
RARE = 5  # texts of a label, fewer of which are hardly learnt or measured
SPOILT = {
    "escapes": r"letters written as \u2019 and the like",
    "entities": "letters written as &amp; and the like",
    "mojibake": "letters that were read in a wrong encoding",
    "lost letters": "� in place of letters, which are lost: export the texts anew if you can",
}


def lines_of(found: Survey, mending: bool) -> Iterator[str]:
    """What there is to say of a file, the good first.

    Args:
        found: the survey.
        mending: whether spoilt text and labels are put right when the file is read.
    """
    unit, columns = found.unit, found.file.columns
    yield f"{found.path}: {_form(found.form)}, {_count(found.texts, 'text')}"
    if found.shortest and found.longest:
        column = f"column {columns.text!r}, " if found.form.kind != "lines" else ""
        shortest, longest = found.shortest, found.longest
        yield f"  texts    {column}{len(shortest[0]):,} to {len(longest[0]):,} letters"
        yield f"           shortest, {unit} {shortest[1]}: {quoted(shortest[0])}"
        yield f"           longest, {unit} {longest[1]}: {quoted(longest[0])}"
    if columns.pair:
        yield f"  pairs    column {columns.pair!r} has their second texts"
    if found.labels:
        counts = ", ".join(f"{label} {count:,}" for label, count in found.labels.most_common(12))
        more = f", and {len(found.labels) - 12} more" if len(found.labels) > 12 else ""
        yield f"  labels   column {columns.topic!r}: {counts}{more}"
        if found.unlabelled:
            yield f"           {_count(found.unlabelled, 'text')} without a label, read as unlabelled text"
        splits, by = found.splits, f"column {columns.split!r}: " if columns.split else ""
        yield (
            f"  splits   {by}{splits['train']:,} to train on, {splits['validation']:,} to choose by, "
            f"{splits['test']:,} to test on"
        )
    else:
        yield "  labels   none: read as unlabelled text"
    if columns.article:
        yield f"  joins    articles that the corpus has, by column {columns.article!r}"
    if columns.id or columns.concept:
        named = [
            f"{key} from column {name!r}" for key, name in (("id", columns.id), ("concept", columns.concept)) if name
        ]
        yield f"  names    {', '.join(named)}"
    if found.unread:
        yield f"  unread   {_count(len(found.unread), 'column')}: {', '.join(found.unread[:12])}"
    yield from _doubts(found, mending)


@dataclass(frozen=True)
class WordList:
    """A word list beside the texts of its language.

    Attributes:
        path: of the file.
        languages: the source's, and the other one.
        pairs: that were understood.
        bad: lines that were not.
        known: the share of the texts' running words that the list has.
    """

    path: Path
    languages: tuple[str, str]
    pairs: int
    bad: int
    known: float


def survey_word_list(path: Path, source: str, language: str, surveys: list[Survey]) -> WordList:
    """Read a word list, and the texts of its language.

    Args:
        path: of the file.
        source: the source's language.
        language: the other language.
        surveys: of the files of its texts.

    Raises:
        UserError: see `read_pairs`.
    """
    texts = (row.text for found in surveys for _, row in texts_of(found.path, found.file) if isinstance(row, Text))
    words = Counter(word for text in texts for word in segment(normalise(text, language), language))
    pairs, bad = read_pairs(path, source, language, words)
    known = overlap((other for _, other in pairs), words, language).running
    return WordList(path, (source, language), len(pairs), bad, known)


def lines_of_word_list(found: WordList) -> Iterator[str]:
    """What there is to say of a word list."""
    unread = f", {_count(found.bad, 'line')} not understood" if found.bad else ""
    yield f"{found.path}: word list of {' and '.join(found.languages)}, {_count(found.pairs, 'pair')}{unread}"
    yield f"  knows    {found.known:.0%} of the texts' running words"


def _doubts(found: Survey, mending: bool) -> Iterator[str]:
    unit = found.unit
    if found.labels and not found.splits["test"]:
        yield "  look at  no label to test on: how good the classifier is on these texts will not be measured"
    if found.first_repeated:
        one, other, text = found.first_repeated
        again = "texts have" if found.repeated > 1 else "text has"
        yield f"  look at  {found.repeated:,} {again} stood before, as in {unit}s {one} and {other}: {quoted(text)}"
    for kind, (count, torn) in found.torn.items():
        if torn:
            (one, first), (other, second), text = torn
            stands = f"{_count(count, unit)} with a text that stands under another {kind} too"
            yield f"  look at  {stands}, as in {unit} {one} ({first}) and {unit} {other} ({second}): {quoted(text)}"
    for labels in found.variants():
        names = ", ".join(f"{label!r} {found.labels[label]:,}" for label in labels)
        cure = f"read as {labels[0]!r}" if mending else f"--mend reads them as {labels[0]!r}"
        yield f"  look at  labels that differ by case or space alone: {names}; {cure}"
    for label in (label for label in found.labels if label.strip().lower() in NOTHING):
        cure = f"`topics: {{{label!r}: null}}` in the preset reads its texts as unlabelled"
        yield f"  look at  a label that may mean that there is none: {label!r} {found.labels[label]:,}; {cure}"
    spelt = {label for labels in found.variants() for label in labels}
    if rare := sorted(label for label, count in found.labels.items() if count < RARE and label not in spelt):
        names = ", ".join(f"{label!r} {found.labels[label]:,}" for label in rare[:12])
        few = f"{_count(len(rare), 'label')} of fewer than {RARE} texts, too few to learn and to measure"
        yield f"  look at  {few}: {names}"
    for kind, (count, number, text) in found.spoilt.items():
        cure = "" if kind == "lost letters" else "; mended as it is read" if mending else "; --mend puts it right"
        where = f"{unit} {number}" if count == 1 else f"{count:,} {unit}s, as in {unit} {number}"
        yield f"  look at  {SPOILT[kind]} in {where}: {_around(text, kind)}{cure}"
    if found.empty:
        yield f"  skipped  {_count(len(found.empty), unit)} without a text, the first of them {unit} {found.empty[0]}"
    for why, (count, number) in found.bad.items():
        yield f"  skipped  {_count(count, unit)}, the first of them {unit} {number}: {why}"


def quoted(text: str, most: int = QUOTED) -> str:
    """A text's beginning, in one line."""
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= most else f'"{line[:most].rstrip()}…"'


def _around(text: str, kind: str) -> str:
    from crosswiki.corpora.mending import ENTITY, ESCAPE, LOST

    sign = {"escapes": ESCAPE.search, "entities": ENTITY.search}.get(kind)
    found = sign(text) if sign else None
    start = found.start() if found else next((i for i, letter in enumerate(text) if letter > "\x7f"), 0)
    start = text.index(LOST) if kind == "lost letters" else start
    return quoted(("…" if start > 25 else "") + text[max(0, start - 25) :])


def _form(form: Form) -> str:
    if form.kind == "parquet":
        return "Parquet"
    encoding = ENCODINGS.get(form.encoding, form.encoding)
    if form.kind == "json":
        return f"JSON Lines, {encoding}"
    if form.kind == "lines":
        return f"one text a line, {encoding}"
    between = SEPARATORS.get(form.separator, repr(form.separator))
    return f"table with {between}, {encoding}" + ("" if form.header else ", columns without names")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
