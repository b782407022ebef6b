"""Wikitext to plain text, against what the markup means and against mwparserfromhell."""

import bz2
import re
import time
import xml.etree.ElementTree as ET

import mwparserfromhell
import pytest
from gensim.test.utils import datapath
from hypothesis import given
from hypothesis import strategies as st

from crosswiki.corpora.readers.wikitext import plain_text

DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
MARKUP = re.compile(
    r"\{\{|\}\}|\[\[|\]\]|\{\||^\|\}|</?(?:ref|br|small|div|span|table)\b|'''|^=+ |\bthumb\|", re.MULTILINE
)


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("'''Zinc''' is a ''metal''.", "Zinc is a metal."),
        ("A [[chemical element|element]] and [[zinc]]s.", "A element and zincs."),
        ('Text<ref name=a>{{cite|title=x}}</ref> goes<ref name="a" /> on<!-- not\nseen -->.', "Text goes on."),
        ("{{Infobox|a={{b|c={{d}}}}}}Text.", "Text."),
        ("Before\n{| class=x\n|-\n| a || b\n{|\n| c\n|}\n|}\nafter", "Before\nafter"),
        ("[[File:a.jpg|thumb|A [[city]] in [[France|the west]]]]Text [[Category:Cities]]", "Text"),
        ("[[Файл:a.jpg|мини|Вид [[город]]а]]Текст", "Текст"),
        ("[[檔案:a.jpg|縮圖|城市]]文字[[分类:城市]]", "文字"),
        ("See [https://example.org the site] and [https://example.org].", "See the site and ."),
        ("== History ==\nText\n== Notes ==\n{{reflist}}\n", "History\nText"),
        ("== A ==\n=== B ===\nText", "A\nB\nText"),
        ("== A ==\n=== B ===\n== C ==\nText", "C\nText"),
        ("* one\n** two\n# three\n: four\n; five", "one\ntwo\nthree\nfour\nfive"),
        ("5&nbsp;km &amp; &lt;b&gt; &eacute;", "5 km & <b> é"),
        ("a<br/>b<p>c</p>d <small>e</small>", "a\nb\nc\nd e"),
        ("x {{convert|5|km|mi}} y {{lang|fr|mot}} z {{lang-ru|слово}}", "x 5 km y mot z слово"),
        ("'''Москва''' ({{IPA|x}}; {{lang-en|}}) — город.", "Москва — город."),
        ("2 < 3 and 5 > 4, a <10 ppm level", "2 < 3 and 5 > 4, a <10 ppm level"),
        ("__NOTOC__Text__TOC__", "Text"),
        ("<math>a_{b}</math><gallery>\nFile:x.jpg|y\n</gallery>Text", "Text"),
        ("[[fr:Zinc]][[zh-yue:鋅]]Zinc", "Zinc"),
        ("an {{unclosed template", "an unclosed template"),
        ("an [[unclosed link|here", "an here"),
        ("<ref>never closed. Text", "never closed. Text"),
        ("{| never closed\nText", "{| never closed\nText"),
        ("-{zh-hans:计算机;zh-hant:電腦}-很快", "计算机很快"),
        ("-{zh-tw:資訊;zh-cn:信息;}-技术", "信息技术"),
        ("-{T|zh-cn:标题;zh-tw:標題}-正文-{H|zh-cn:甲;zh-tw:乙}-", "正文"),
        ("-{R|里}-程与-{里}-", "里程与里"),
        ("-{A|zh-cn:博客;zh-tw:部落格}-与[[网志|-{zh-hans:网志;zh-hant:網誌}-]]", "博客与网志"),
    ],
)
def test_what_a_reader_would_read_is_left(wikitext: str, text: str) -> None:
    assert plain_text(wikitext) == text


def test_the_names_that_a_dump_gives_its_namespaces_are_known() -> None:
    assert plain_text("[[Datei:a.jpg|mini|Bild]]Text[[Kategorie:B]]", ["Datei"], ["Kategorie"]) == "Text"


@pytest.fixture(scope="module")
def articles() -> list[tuple[str, str]]:
    """Real articles of the English Wikipedia."""
    with bz2.open(datapath(DUMP)) as file:
        root = ET.fromstring(file.read())  # noqa: S314
    space = root.tag.partition("}")[0] + "}"
    pages = [page for page in root.iter(f"{space}page") if page.find(f"{space}redirect") is None]
    return [
        (page.findtext(f"{space}title") or "", page.findtext(f"{space}revision/{space}text") or "")
        for page in pages
        if page.findtext(f"{space}ns") == "0"
    ]


def test_real_articles_keep_no_markup(articles: list[tuple[str, str]]) -> None:
    left = [(title, found[0]) for title, text in articles for found in MARKUP.finditer(plain_text(text))]
    assert len(left) <= 2, left


def test_real_articles_keep_the_words_that_mwparserfromhell_finds(articles: list[tuple[str, str]]) -> None:
    """Both read the same prose: of its sentences hardly one is missing here.

    Tables, captions and references are taken out for the library first: it leaves the text of some.
    """
    sentence = re.compile(r"[A-Z][a-z]+(?: [a-z]+){7,}[.]")
    expected, missing = 0, []
    for title, wikitext in articles[:40]:
        text = " ".join(plain_text(wikitext).split())
        without = re.sub(
            r"(?ms)^[:*]*\{\|.*?^\|\}|\[\[(?:File|Image):.*?\]\]\n|<ref[^>]*/>|<ref[^>]*>.*?</ref>", "", wikitext
        )
        reference = (
            mwparserfromhell.parse(without, skip_style_tags=True).strip_code().replace("'''", "").replace("''", "")
        )
        for found in sentence.findall(" ".join(reference.split())):
            expected += 1
            if found not in text:
                missing.append((title, found))
    assert expected > 900
    assert len(missing) <= 0.01 * expected, missing[:20]


@given(
    st.lists(
        st.sampled_from(
            [
                "{{",
                "}}",
                "{|",
                "|}",
                "[[",
                "]]",
                "|",
                "<ref>",
                "</ref>",
                "<!--",
                "-->",
                "-{",
                "}-",
                "\n",
                "==",
                "'''",
                "a",
                "[http://b ",
                "]",
                "<",
                ">",
                "&",
                "(",
            ]
        )
    ).map("".join)
)
def test_no_text_is_too_broken(wikitext: str) -> None:
    assert isinstance(plain_text(wikitext), str)


@pytest.mark.parametrize(
    "piece", ["{{", "[[", "{|\n", "<ref>", "<!--", "-{", "[http://a ", "== a ==\n", "(", "'''", "{{a|", "[[File:"]
)
def test_time_does_not_grow_faster_than_the_text(piece: str) -> None:
    """A vandal's page must not hold up a dump."""
    started = time.process_time()
    plain_text(piece * (200_000 // len(piece)))
    assert time.process_time() - started < 5
