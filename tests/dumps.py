"""Small dumps, written as Wikimedia writes them, for the articles of the tiny trio."""

import bz2
import gzip
from collections.abc import Sequence
from html import escape
from typing import Any

from tests.standin import trio

NAMES = {
    "en": ("File", "Category", "Talk"),
    "zh": ("File", "Category", "Talk"),
    "ru": ("Файл", "Категория", "Обсуждение"),
}
ADORNED = {
    "en": "{{{{Infobox|a={{{{b|c}}}}}}}}\n'''{title}''' {text}<ref>{{{{cite|x}}}}</ref>\n"
    "[[Category:Things]]\n[[File:a.jpg|thumb|A [[picture]]]]",
    "zh": "{{{{noteTA|T=zh-hans:甲;zh-hant:乙}}}}'''{title}'''-{{zh-hans:是;zh-hant:係}}-{text}<ref>注</ref>\n"
    "[[分类:事物]]\n[[檔案:a.jpg|縮圖|[[圖]]]]",
    "ru": "{{{{Карточка|a={{{{b|c}}}}}}}}\n'''{title}''' — {text}<ref>см.</ref>\n"
    "[[Категория:Вещи]]\n[[Файл:a.jpg|мини|[[Вид]]]]",
}
PLAIN = {"en": "{title} {text}", "zh": "{title}是{text}", "ru": "{title} — {text}"}


def page(number: int, title: str, text: str, namespace: int = 0, redirect: str | None = None) -> str:
    """A <page> of export format 0.11."""
    moved = f'    <redirect title="{escape(redirect)}" />\n' if redirect else ""
    return (
        f"  <page>\n    <title>{escape(title)}</title>\n    <ns>{namespace}</ns>\n    <id>{number}</id>\n{moved}"
        f"    <revision>\n      <id>{number + 5000}</id>\n      <timestamp>2024-01-01T00:00:00Z</timestamp>\n"
        f"      <contributor><username>A</username><id>7</id></contributor>\n      <model>wikitext</model>\n"
        f'      <format>text/x-wiki</format>\n      <text bytes="{len(text)}" xml:space="preserve">'
        f"{escape(text)}</text>\n"
        "      <sha1>x</sha1>\n    </revision>\n  </page>\n"
    )


def head(language: str) -> str:
    """The beginning of a dump."""
    files, categories, talk = NAMES[language]
    return (
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" '
        f'xml:lang="{language}">\n  <siteinfo>\n    <dbname>{language}wiki</dbname>\n    <namespaces>\n'
        '      <namespace key="0" case="first-letter" />\n'
        f'      <namespace key="1" case="first-letter">{talk}</namespace>\n'
        f'      <namespace key="6" case="first-letter">{files}</namespace>\n'
        f'      <namespace key="14" case="first-letter">{categories}</namespace>\n    </namespaces>\n  </siteinfo>\n'
    )


def dump(language: str, rows: Sequence[dict[str, Any]] | None = None, pages_a_stream: int = 7) -> bytes:
    """A multistream dump: the head, some pages each, and the end, each a bz2 stream."""
    rows = trio(language) if rows is None else rows
    pages = [
        page(row["number"], row["title"], ADORNED[language].format(title=row["title"], text=row["text"]))
        for row in rows
    ]
    pages.insert(3, page(1, "Talk:Something", "Chatter.", namespace=1))
    pages.insert(5, page(2, "Moved", "#REDIRECT [[Elsewhere]]", redirect="Elsewhere"))
    pieces = ["".join(pages[i : i + pages_a_stream]) for i in range(0, len(pages), pages_a_stream)]
    return b"".join(bz2.compress(piece.encode()) for piece in [head(language), *pieces, "</mediawiki>\n"])


def langlinks(language: str, source: str = "en") -> bytes:
    """A langlinks table: what mysqldump writes, quotes escaped, links to other languages among them."""
    titles = {row["concept"]: row["title"] for row in trio(source)}
    rows = [(row["number"], source, titles[row["concept"]]) for row in trio(language) if row["concept"] in titles]
    rows += [(7, "de", "Rock 'n' Roll"), (7, source, "Rock 'n' Roll"), (8, "fr", f"(9,'{source}','x')")]
    values = ",".join("({},'{}','{}')".format(n, other, title.replace("'", "\\'")) for n, other, title in rows)
    text = f"-- MySQL dump\nCREATE TABLE `langlinks` (\n  `ll_from` int\n);\nINSERT INTO `langlinks` VALUES {values};\n"
    return gzip.compress(text.encode())
