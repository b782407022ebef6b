"""Wikitext to plain text: what a reader of the article would read, without tables, references, pictures and boxes.

mwparserfromhell is the library for this, and the tests' oracle; at 2 MB/s and core it would spend ten hours on the
English Wikipedia where this takes one. Each step below is one regular expression that the `re` module searches at
memory speed, innermost constructs first, so that the number of passes is the depth of nesting. The order is
MediaWiki's: comments and extension tags, templates, tables, variants, links, apostrophes, tags.
"""

import html
import re
from collections.abc import Iterable
from functools import cache, partial
from html.entities import html5
from operator import itemgetter

from crosswiki.corpora.readers.emphasis import without_emphasis
from crosswiki.corpora.readers.marks import BREAK, GONE, SEPARATOR, protect, unprotect
from crosswiki.corpora.readers.templates import without_templates
from crosswiki.corpora.readers.variants import one_variant
from crosswiki.corpora.readers.wikis import CATEGORY_NAMES, FILE_NAMES, LANGUAGES, MEDIA_NAMES
from crosswiki.corpora.readers.wikitables import without_tables

_NO_WIKITEXT = (
    "ref|references|math|chem|ce|gallery|timeline|imagemap|score|syntaxhighlight|source|pre|graph|mapframe|maplink|"
    "templatestyles|inputbox|hiero|style|categorytree|indicator|includeonly|rt|rp|phonos|templatedata"
)
_ATTRIBUTES = r'(?:[^<>/"]++|"[^"<\n]*+"|/(?!>)|")*+'  # a quoted value may contain >
_CONTENT = r"(?:/>|>(?:[^<]++|<(?!/?\1\b))*+</\1\s*>)"
# Each stops at the next opening of its own kind, so that what is never closed costs one look and not one a character.
_HIDDEN = re.compile(
    rf"<!--.*?(?:-->|\Z)|<({_NO_WIKITEXT})\b(?:{_ATTRIBUTES}{_CONTENT}|(?:[^<>/]|/(?!>))*+{_CONTENT})",
    re.DOTALL | re.IGNORECASE,
)
_NOWIKI = re.compile("<nowiki", re.IGNORECASE)
_RAW_OR_HIDDEN = re.compile(
    rf"{_HIDDEN.pattern}|(<nowiki\s*+/>)|<nowiki\b[^<>]*+>((?:[^<]++|<(?!/?nowiki\b))*+)</nowiki\s*>", _HIDDEN.flags
)
_TAGS = (
    "b|bdi|bdo|del|i|ins|u|font|big|small|sub|sup|cite|code|em|s|strike|strong|tt|var|ruby|rb|rtc|span|abbr|dfn|kbd|"
    "samp|data|time|mark|wbr|q|a|img|meta|link|caption|tbody|thead|tfoot|colgroup|col|noinclude|onlyinclude|section|"
    "nowiki|translate|tvar|languages|nobr"
)
_LINE_TAGS = "br|hr|p|div|center|blockquote|li|ul|ol|dl|dd|dt|h[1-6]|tr|td|th|table|poem|main|aside|article"
# What may follow a tag's name: nothing, or attributes; `a<b and c>d` has none.
_AFTER_NAME = (
    r"(?:\s*+[/\\]?\s*+>|(?:\s++(?:noshade|nowrap|compact|hidden|clear))++\s*+/?>"
    r"|[\s/](?=[^<>=\"]*+[=\"])(?:[^<>=\"']++|=\s*+(?:\"[^\"<\n]*+\"|'[^'<\n]*+')|[=\"'])*+>|\s[^<>]*+=[^<>]*+>)"
)
_LINE_TAG = re.compile(rf"<(?:/\s*+)?(?:{_LINE_TAGS}){_AFTER_NAME}", re.IGNORECASE)
_TAG = re.compile(rf"<(?:/\s*+)?(?:(?:{_TAGS}){_AFTER_NAME}|(?:{_NO_WIKITEXT})\b[^<>]*+>)", re.IGNORECASE)

_PROTOCOL = r"(?:(?:https?:|ftps?:|ircs?:|git:|svn:|ssh:|gopher:)?//|(?:mailto|news|tel|sip|xmpp|urn|geo|magnet|sms):)"
_OUTWARD = re.compile(rf"\[{_PROTOCOL}[^\s\[\]<>\"]++[ \t]*+((?:[^\[\]\n]++|\[(?!\[)[^\[\]\n]*+\])*+)\]", re.IGNORECASE)
_LINK = re.compile(r"\[\[:?(?:[^\[\]|]*+\|)?([^\[\]]*+)\]\]")
_NAMED_LINK = re.compile(r"\[\[[ \t\n_]*+([^\[\]|:\n#]{1,40}+):((?:[^\[\]]++|\[(?!\[)|\](?!\]))*+)\]\]")
_QUOTED_WORDS = re.compile(r"(?<=\|)''[^\[\]|\n]*+(?<='')(?=\]\])")  # within a link, apart from what is around it
_PICTURE = re.compile(
    r"\.(?:jpe?g|png|svg|gif|tiff?|webp|xcf|pdf|djvu|og[gva]|webm|mp[34g]|wav|flac|midi?|opus|stl)\s*(?:\||\Z)", re.I
)
_UNCLOSED = re.compile(r"\[\[(?:[^\[\]|\n]*+\|)?|\]\]|\{\{+|\}\}+")
_SWITCH = re.compile(r"__(?:[^\s_<>\[\]{}|a-z0-9]++|_(?!_))+__|^-{4,}", re.MULTILINE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_DIVIDERS = " \t\n\xa0,;:/–—，；：、"
_OPENING, _CLOSING = frozenset("(（"), frozenset(")）")
_HEADING = re.compile(r"\n(={1,6})[^\n]+?\1[ \t]*+(?=\n)")  # not ^, so that the search goes by the first two letters
_SPACES = re.compile(r"  +")
_MOST_NESTED = 40
_FIRST_GROUP = itemgetter(1)  # of a match; as a replacement it is faster than the template r"\1"


def plain_text(
    wikitext: str,
    files: Iterable[str] = (),
    categories: Iterable[str] = (),
    language: str | None = None,
    title: str = "",
) -> str:
    """The text of an article, one line a paragraph, list item or heading, sections without text left out.

    Args:
        wikitext: the article's source.
        files: names of the file namespace in its wiki, beside the known ones.
        categories: names of the category namespace, beside the known ones.
        language: of its wiki; some markup and templates differ. None: unknown.
        title: the article's, which some templates repeat.
    """
    text = wikitext
    if "<" in text:
        text = _without_hidden(text)
    if "{{" in text:
        text = without_templates(text, language, title)
    if GONE in text:
        text = _without_gone(text)
    if "\n|" in text or "{|" in text:
        text = without_tables(text)
    if "-{" in text:
        text = one_variant(text, language)
    if "[" in text:
        text = _without_links(text, _unshown(tuple(files), tuple(categories)))
    if "[[" in text or "]]" in text or "{{" in text or "}}" in text:
        text = _UNCLOSED.sub("", text)
    return _lines(_without_marks_of_form(text))


def _without_marks_of_form(text: str) -> str:
    """Text without what makes it bold, small or a heading of an empty section, its entities replaced."""
    if "''" in text:
        text = without_emphasis(text)
    if "<" in text:
        text = _TAG.sub("", _LINE_TAG.sub("\n", text))
    if BREAK in text:
        text = text.replace(BREAK, "\n")
    if "__" in text or "----" in text:
        text = _SWITCH.sub("", text)
    if "&" in text:
        text = _ENTITY.sub(_letter, text.replace("&nbsp;", " "))
    return _without_empty_sections(text) if "==" in text else text


def _letter(entity: re.Match[str]) -> str:
    """What an entity stands for; `html.unescape` would take `&notin` for `&not;` and two letters."""
    return html.unescape(entity[0]) if entity[0][1] == "#" else html5.get(entity[0][1:], entity[0])


def _lines(text: str) -> str:
    """The lines that are not empty, without what makes them list items and headings, single spaces between words."""
    text = text.replace("\xa0", " ").replace("\t", " ")
    if "  " in text:
        text = _SPACES.sub(" ", text)
    lines = (line.strip() for line in text.split("\n"))
    unmarked = (_without_line_marks(line) if line[0] in "*#:;=" else line for line in lines if line)
    text = "\n".join(line for line in unmarked if line)
    if SEPARATOR not in text:
        return text
    lines = (line.strip() for line in _SPACES.sub(" ", unprotect(text)).split("\n"))
    return "\n".join(line for line in lines if line)


def _without_line_marks(line: str) -> str:
    """A line without what makes it a list item or a heading."""
    if line[0] in "*#:;":
        return line.lstrip("*#:; ")
    return line.strip("= ") if line[-1] == "=" else line


def _without_hidden(text: str) -> str:
    """Text without comments, references, formulas and the like; a reference within another goes too."""
    text = _RAW_OR_HIDDEN.sub(_raw, text) if _NOWIKI.search(text) else _HIDDEN.sub(GONE, text)
    for _ in range(_MOST_NESTED):
        if "</ref" not in text:
            break
        text, found = _HIDDEN.subn(GONE, text)
        if not found:
            break
    return text


def _raw(match: re.Match[str]) -> str:
    if match[3] is not None:
        return protect(_ENTITY.sub(_letter, match[3])) + SEPARATOR
    return SEPARATOR if match[2] else GONE


def _without_gone(text: str) -> str:
    """Text without the places of what has gone, without parentheses that it was alone in, and what divided it there."""
    first, *others = text.split(GONE)
    pieces, words = [first], 0  # `words` is the place of the last piece that has more than dividers
    for other in filter(None, others):
        after = other.lstrip(_DIVIDERS)
        if not after:
            pieces.append(other)
            continue
        before = pieces[words].rstrip(_DIVIDERS)
        opened, closed = before[-1:] in _OPENING, after[0] in _CLOSING
        if opened and closed:
            pieces[words:] = [before[:-1].removesuffix(" "), after[1:]]
        elif opened or closed:
            pieces[words:] = [before, after]
        else:
            fused = pieces[-1][-1:] == other[0] == "'"  # two pairs of apostrophes that would become a run of four
            pieces.append(SEPARATOR + other if fused else other)
        words = len(pieces) - 1
    return "".join(pieces)


@cache
def _unshown(files: tuple[str, ...], categories: tuple[str, ...]) -> frozenset[str]:
    """What stands before the colon, in lower case, in links that show no text in the article."""
    return FILE_NAMES | CATEGORY_NAMES | LANGUAGES | {name.lower() for name in (*files, *categories)}


def _without_links(text: str, unshown: frozenset[str]) -> str:
    """Links become the words that they are under; a picture goes once the links in its caption have gone."""
    if "'']]''" in text:
        text = _QUOTED_WORDS.sub(lambda words: SEPARATOR + without_emphasis(words[0]) + SEPARATOR, text)
    named = partial(_named_link, unshown)
    for _ in range(_MOST_NESTED):
        if "[[" not in text:
            break
        text, pictures = _NAMED_LINK.subn(named, text)
        text, links = _LINK.subn(_FIRST_GROUP, text)
        if not pictures and not links:
            break
    return _OUTWARD.sub(_FIRST_GROUP, text)


def _named_link(unshown: frozenset[str], link: re.Match[str]) -> str:
    """What a link shows that has a namespace or a language: nothing for pictures, categories and other languages."""
    name = link[1].strip(" _").replace("_", " ").lower()
    if name in unshown or (name not in MEDIA_NAMES and "//" not in link[2][:2] and _PICTURE.search(link[2])):
        return ""
    return link[0][1:-1] if link[2].startswith("//") or name == "mailto" else _LINK.sub(_FIRST_GROUP, link[0])


def _without_empty_sections(text: str) -> str:
    """Drop headings that no text follows before the next heading of the same or a higher level."""
    text = f"\n{text}\n"
    headings = list(_HEADING.finditer(text))
    kept, last = [], len(text)
    level_after = 0
    for heading in reversed(headings):
        body = text[heading.end() : last]
        level = len(heading[1])
        if body.strip() or level < level_after:
            kept.append(text[heading.start() : last])
            level_after = level
        last = heading.start()
    return text[:last] + "".join(reversed(kept))
