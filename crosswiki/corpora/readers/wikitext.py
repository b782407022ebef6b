"""Wikitext to plain text: what a reader of the article would read, without tables, references, pictures and boxes.

mwparserfromhell is the library for this, and the tests' oracle; at 2 MB/s and core it would spend ten hours on the
English Wikipedia where this takes one. Each step below is one regular expression that the `re` module searches at
memory speed, innermost constructs first, so that the number of passes is the depth of nesting.
"""

import html
import re
from collections.abc import Callable, Iterable
from functools import cache
from operator import itemgetter

# What a namespace is called beside the name that a dump's header gives it, here by the canonical English one.
FILE_NAMES = (
    "File",
    "Image",
    "Media",
    "Файл",
    "Изображение",
    "文件",
    "檔案",
    "图像",
    "圖像",
    "图片",
    "圖片",
    "Fichier",
    "Archivo",
)
CATEGORY_NAMES = ("Category", "Категория", "分类", "分類", "Catégorie", "Categoría")
# Templates that show one of their unnamed arguments; of all others nothing is kept, as they make boxes and notes.
_SHOWN = {"lang": 1, "langue": 1, "transl": -1, "link-en": 0, "le": 0, "tsl": -1, "нп5": 1, "iw": 0} | dict.fromkeys(
    ("nowrap", "nobr", "small", "big", "abbr", "val", "num", "formatnum:", "s", "ударение", "lang-zh"), 0
)
_MEASURES = ("convert", "cvt", "unité", "unidad")
# The variants of Chinese, the one that is taken first.
_VARIANTS = ("zh-hans", "zh-cn", "zh-sg", "zh-my", "zh", "zh-hant", "zh-tw", "zh-hk", "zh-mo")

_NO_WIKITEXT = (
    "ref|references|math|chem|ce|gallery|timeline|imagemap|score|syntaxhighlight|source|pre|graph|mapframe|maplink|"
    "templatestyles|inputbox|hiero|style|section|categorytree|indicator|includeonly|noinclude"
)
# Each stops at the next opening of its own kind, so that what is never closed costs one look and not one a character.
_HIDDEN = re.compile(
    rf"<!--.*?(?:-->|\Z)|<({_NO_WIKITEXT})\b(?:[^<>/]|/(?!>))*+(?:/>|>(?:[^<]++|<(?!/?\1\b))*+</\1\s*>)",
    re.DOTALL | re.IGNORECASE,
)
_VARIANT = re.compile(r"-\{((?:[^{}-]|-(?!\{)(?!\})|(?<!-)\{|\}(?!-))*+)\}-")
_TEMPLATE = re.compile(r"\{\{([^{}]*+)\}\}")
_LOOSE_TEMPLATE = re.compile(r"\{\{((?:[^{}]++|\{(?!\{)|\}(?!\}))*+)\}\}")
_TABLE = re.compile(r"^[ \t:*#]*+\{\|(?:[^\n]++|\n(?![ \t:*#]*+\{\||[ \t]*+\|\}))*+\n[ \t]*+\|\}", re.MULTILINE)
_OUTWARD = re.compile(
    r"\[(?:https?:|ftp:|mailto:|news:|irc:)?//[^\s\[\]<>\"]++[ \t]*+((?:[^\[\]\n]++|\[(?!\[)[^\[\]\n]*+\])*+)\]"
)
_LINK = re.compile(r"\[\[(?:[^\[\]|]*+\|)*?([^\[\]|]*+)\]\]")
_LANGUAGE_LINK = re.compile(r"\[\[[a-z]{2,3}(?:-[a-z]+)*:[^\[\]|]*+\]\]")
_BROKEN_LINE = re.compile(
    r"<br\s*/?>|</?(?:p|div|center|blockquote|li|ul|ol|dl|dd|dt|h\d|tr|td|th|table)\b[^<>]*+>", re.IGNORECASE
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*+>")
_QUOTES = re.compile(r"'''*")  # two or more; written so, the search goes by the first two
_SWITCH = re.compile(r"__[A-ZА-Я_]{3,}__|^-{4,}", re.MULTILINE)
_PAIR_STARTS = {mark: re.compile(rf"{re.escape(mark)}[\s,;:，；：、]++") for mark in "(（"}
_HEADING = re.compile(r"\n(={1,6})[^\n]+?\1[ \t]*+(?=\n)")  # not ^, so that the search goes by the first two letters
_SPACES = re.compile(r"  +")
_UNCLOSED = re.compile(r"\[\[(?:[^\[\]|\n]*+\|)?|\]\]|\{\{+|\}\}+")
_MOST_NESTED = 40
_FIRST_GROUP = itemgetter(1)  # of a match; as a replacement it is faster than the template r"\1"


def plain_text(wikitext: str, files: Iterable[str] = (), categories: Iterable[str] = ()) -> str:
    """The text of an article, one line a paragraph, list item or heading, sections without text left out.

    Args:
        wikitext: the article's source.
        files: names of the file namespace in its wiki, beside `FILE_NAMES`.
        categories: names of the category namespace, beside `CATEGORY_NAMES`.
    """
    text = wikitext
    if "<" in text:
        text = _HIDDEN.sub("", text)
    if "-{" in text:
        text = _repeat(_VARIANT, _variant, text, "-{")
    if "{{" in text:
        text = _repeat(_TEMPLATE, _shown, text, "{{")
        text = _repeat(_LOOSE_TEMPLATE, _shown, text, "{{")
    if "{|" in text:
        text = _repeat(_TABLE, "", text, "{|")
    if "[" in text:
        if "//" in text:
            text = _OUTWARD.sub(_FIRST_GROUP, text)
        text = _without_links(text, _unshown(tuple(files), tuple(categories)))
    if "[[" in text or "]]" in text or "{{" in text or "}}" in text:
        text = _UNCLOSED.sub("", text)
    if "<" in text:
        text = _TAG.sub("", _BROKEN_LINE.sub("\n", text))
    text = _QUOTES.sub("", text)
    if "__" in text or "----" in text:
        text = _SWITCH.sub("", text)
    if "&" in text:
        text = html.unescape(text)
    if "==" in text:
        text = _without_empty_sections(text)
    for mark, pair_start in _PAIR_STARTS.items():
        text = pair_start.sub(mark, text)
    text = text.replace(" ()", "").replace("()", "").replace("（）", "")
    text = _SPACES.sub(" ", text.replace("\xa0", " ").replace("\t", " "))
    lines = (line.strip() for line in text.split("\n"))
    unmarked = (_without_line_marks(line) if line[0] in "*#:;=" else line for line in lines if line)
    return "\n".join(line for line in unmarked if line)


def _without_line_marks(line: str) -> str:
    """A line without what makes it a list item or a heading."""
    if line[0] in "*#:;":
        return line.lstrip("*#:; ")
    return line.strip("= ") if line[-1] == "=" else line


def _repeat(pattern: re.Pattern[str], replacement: str | Callable[[re.Match[str]], str], text: str, mark: str) -> str:
    """Replace until nothing is left: each pass takes the innermost."""
    for _ in range(_MOST_NESTED):
        text, found = pattern.subn(replacement, text)
        if not found or mark not in text:
            break
    return text


def _shown(template: re.Match[str]) -> str:
    """What of a template is text."""
    inside = template[1]
    name, bar, rest = inside.partition("|")
    name = name.strip().lower()
    if not bar:
        return ""
    if name in _MEASURES:
        return "\xa0".join(rest.split("|")[:2])
    place = _SHOWN.get(name, 0 if name.startswith("lang-") else None)
    if place is None:
        return ""
    unnamed = [part for part in rest.split("|") if "=" not in part]
    return unnamed[place].strip() if -len(unnamed) <= place < len(unnamed) else ""


def _variant(markup: re.Match[str]) -> str:
    """What language-variant markup shows: nothing (flags that only define), its text, or the first variant known."""
    flags, bar, rest = markup[1].partition("|")
    if bar and re.fullmatch(r"[A-Z;\s]*", flags):
        if set(flags) & set("HT-"):
            return ""
        rules = rest
    else:
        rules = markup[1]
    found = re.findall(r"(?:^|;)\s*(?:[^;:]*=>)?\s*(zh(?:-[a-z]+)?)\s*:([^;]*)", rules)
    if not found:
        return rules
    named = {name: value.strip() for name, value in found}
    return next((named[name] for name in _VARIANTS if name in named), found[0][1].strip())


@cache
def _unshown(files: tuple[str, ...], categories: tuple[str, ...]) -> re.Pattern[str]:
    """Links that show no text: pictures with their captions, and categories."""
    names = "|".join(re.escape(name) for name in (*FILE_NAMES, *files, *CATEGORY_NAMES, *categories) if name)
    return re.compile(rf"\[\[\s*+(?:{names})\s*+:(?:[^\[\]]++|\[(?!\[)|\](?!\]))*+\]\]", re.IGNORECASE)


def _without_links(text: str, unshown: re.Pattern[str]) -> str:
    """Links become the words that they are under; a picture goes once the links in its caption have gone."""
    text = _LANGUAGE_LINK.sub("", text)
    for _ in range(_MOST_NESTED):
        if "[[" not in text:
            break
        text, pictures = unshown.subn("", text)
        text, links = _LINK.subn(_FIRST_GROUP, text)
        if not pictures and not links:
            break
    return text


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
