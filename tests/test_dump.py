"""Dumps, real and small, whole and broken."""

import bz2
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pandas
import pytest
from gensim.test.utils import datapath

from crosswiki.corpora import groups
from crosswiki.corpora.articles import concept_of, load_articles
from crosswiki.corpora.collect import Corpus, collect
from crosswiki.corpora.groups import GroupWriter
from crosswiki.corpora.readers import dump as dump_reader
from crosswiki.corpora.readers.langlinks import read_links
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.presets import DumpPreset
from tests.dumps import PLAIN, dump, head, langlinks, page
from tests.standin import item_of, trio
from tests.test_corpora import ALL

REAL = Path(datapath("enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"))


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "work"))
    # To start processes takes longer than all of a small dump; `test_workers.py` has them.
    monkeypatch.setattr("crosswiki.corpora.collect.over_workers", lambda work, tasks, *_: ((t, work(t)) for t in tasks))


def preset_of(pages: Path | str, **changes: object) -> DumpPreset:
    languages = {"source": "en", "target": "zh", "test": "ru"}
    return DumpPreset.model_validate({"kind": "dump", "languages": languages, "pages": str(pages), **changes})


def articles(
    pages: Path | str, language: str = "en", limits: dict[str, Any] | None = None, **changes: object
) -> pandas.DataFrame:
    path = Path(os.environ["DVC_ROOT"]) / "articles.parquet"
    path.parent.mkdir(exist_ok=True)
    collect(Corpus(preset_of(pages, **changes), language, "en"), ALL.model_copy(update=limits or {}), 1, path)
    return load_articles(path)


def refused(pages: Path | str, language: str = "en", **changes: object) -> str:
    with pytest.raises(UserError) as caught:
        articles(pages, language, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("language", ["en", "zh", "ru"])
def test_a_dump_gives_its_articles_as_text(tmp_path: Path, language: str) -> None:
    (tmp_path / f"{language}wiki.xml.bz2").write_bytes(dump(language))
    table = articles(tmp_path / "{wiki}.xml.bz2", language)
    rows = sorted(trio(language), key=lambda row: row["number"])
    assert table["title"].tolist() == [row["title"] for row in rows]
    assert table["id"].tolist() == [str(row["number"]) for row in rows]
    plain = [PLAIN[language].format(title=row["title"], text=row["text"]) for row in rows]
    assert table["text"].tolist() == plain


def test_however_a_dump_is_packed_and_cut_it_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = dump("ru")
    plain = bz2.decompress(many)
    packed = {
        "multistream.xml.bz2": many,
        "one.xml.bz2": bz2.compress(plain),
        "cut.xml.bz2": bz2.compress(plain[:5000]) + bz2.compress(plain[5000:]),  # as parallel packers do
        "a.xml.gz": gzip.compress(plain),
        "a.xml": plain,
    }
    first = None
    for size in (300, 2**20):
        monkeypatch.setattr(dump_reader, "PART", size)
        monkeypatch.setattr(dump_reader, "BLOCK", size * 10)
        for name, content in packed.items():
            (tmp_path / name).write_bytes(content)
            table = articles(tmp_path / name, "ru")
            first = table if first is None else first
            pandas.testing.assert_frame_equal(table, first)
    parts = list(dump_reader.parts(preset_of(tmp_path / "multistream.xml.bz2"), "ru"))
    assert len(parts) == 1
    assert parts[-1].reached == 1.0


def test_the_real_dump_is_read_whole(tmp_path: Path) -> None:
    table = articles(REAL)
    assert len(table) == 106  # of 206 pages, 100 are redirects
    apollo = table.set_index("title").loc["Apollo", "text"]
    assert apollo.startswith("Apollo (Attic, Ionic, and Homeric Greek: Ἀπόλλων, Apollōn (")
    assert "{{" not in apollo


def test_links_lead_to_the_sources_concept_and_topic(tmp_path: Path) -> None:
    for language in ("en", "zh"):
        (tmp_path / f"{language}wiki.xml.bz2").write_bytes(dump(language))
        (tmp_path / f"{language}wiki-langlinks.sql.gz").write_bytes(langlinks(language))
    lines = ["concept\ttopic\ten\tzh"]
    known = [row for row in trio("en") if row["topic"]]
    lines += [f"{item_of(row['concept'])}\t{row['topic']}\t{row['title'].lower()}\t" for row in known[:5]]
    (tmp_path / "topics.tsv").write_text("\n".join(lines) + "\n")
    changes = {"links": str(tmp_path / "{wiki}-langlinks.sql.gz"), "labels": {"table": str(tmp_path / "topics.tsv")}}
    tables = {
        language: articles(tmp_path / "{wiki}.xml.bz2", language, **changes).set_index("title")
        for language in ("en", "zh")
    }
    english = {row["concept"]: row["title"] for row in trio("en")}
    for row in [row for row in trio("zh") if row["concept"] in english]:
        assert tables["zh"].loc[row["title"], "concept"] == tables["en"].loc[english[row["concept"]], "concept"]
    assert tables["en"]["topic"].notna().sum() == tables["zh"]["topic"].notna().sum() == 5
    unknown = next(row for row in trio("en") if row not in known[:5])
    assert tables["en"].loc[unknown["title"], "concept"] == concept_of(unknown["title"])


def test_quotes_in_a_links_title_and_parentheses_in_another_are_no_rows(tmp_path: Path) -> None:
    (tmp_path / "zhwiki-langlinks.sql.gz").write_bytes(langlinks("zh"))
    links = read_links(preset_of("x", links=str(tmp_path / "{wiki}-langlinks.sql.gz")), "zh", "en")
    assert links is not None
    assert links.title("7") == "Rock 'n' Roll"
    assert links.title("8") is None
    assert links.title("9") is None
    assert read_links(preset_of("x", links="y"), "en", "en") is None


@pytest.mark.parametrize(("name", "pack"), [("a.xml.bz2", bz2.compress), ("a.xml.gz", gzip.compress)])
def test_a_truncated_dump_is_named(tmp_path: Path, name: str, pack: Any) -> None:
    content = pack(bz2.decompress(dump("en")))
    for share in (0.3, 0.99):
        (tmp_path / name).write_bytes(content[: int(len(content) * share)])
        assert f"{tmp_path / name}: " in (message := refused(tmp_path / name))
        assert "is it whole" in message


def test_a_truncated_multistream_dump_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump_reader, "PART", 300)
    content = dump("en")
    (tmp_path / "a.xml.bz2").write_bytes(content[:-200])  # in the middle of the last pages
    assert f"{tmp_path / 'a.xml.bz2'}: " in refused(tmp_path / "a.xml.bz2")
    ends = len(content) - len(bz2.compress(b"</mediawiki>\n"))
    (tmp_path / "a.xml.bz2").write_bytes(content[:ends])  # between two streams
    assert "its XML ends in the middle" in refused(tmp_path / "a.xml.bz2")


def test_xml_that_is_cut_in_the_middle_is_named(tmp_path: Path) -> None:
    plain = bz2.decompress(dump("en"))
    for place in (len(plain) // 2, len(plain) - 20):
        (tmp_path / "a.xml").write_bytes(plain[:place])
        assert f"{tmp_path / 'a.xml'}: its XML ends in the middle" in refused(tmp_path / "a.xml")


def test_a_file_that_is_no_dump_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<html></html>")
    assert f"{tmp_path / 'a.xml'}: no MediaWiki dump" in refused(tmp_path / "a.xml")
    assert f"{tmp_path / 'none.xml'}: no such file" in refused(tmp_path / "none.xml")


def broken_dump(path: Path, good: int = 300) -> None:
    """A dump with a page of invalid UTF-8, one that is no XML, one of 10 MB, an empty one, and an id twice."""
    pages = [page(i, f"Title {i}", f"Text {i}.").encode() for i in range(1, good + 1)]
    pages.insert(7, page(901, "Bad letters", "caf\u00e9").encode().replace("é".encode(), b"\xe9"))
    pages.insert(8, page(902, "Bad tags", "x").replace("<sha1>", "<sha2>").encode())
    pages.insert(9, page(903, "Long", "word " * 2_000_000).encode())
    pages.insert(10, page(904, "Empty", "{{only a template}}").encode())
    pages.insert(20, page(5, "Again", "Another text.").encode())
    path.write_bytes(head("en").encode() + b"".join(pages) + b"</mediawiki>\n")


def test_bad_records_are_skipped_and_counted(tmp_path: Path) -> None:
    broken_dump(tmp_path / "a.xml")
    output = tmp_path / "articles.parquet"
    counts = collect(
        Corpus(preset_of(tmp_path / "a.xml"), "en", "en"), ALL.model_copy(update={"max_bad_records": 0.02}), 1, output
    )
    assert counts == {"articles": 300, "labelled": 0, "empty": 1, "bad_records": 4}
    table = load_articles(output).set_index("id")
    assert table.loc["5", "text"] == "Text 5."
    assert not {"901", "902", "903", "904"} & set(table.index)


@pytest.mark.parametrize("share", [0.0, 0.01])
def test_too_many_bad_records_are_an_error_that_names_the_first(tmp_path: Path, share: float) -> None:
    broken_dump(tmp_path / "a.xml")
    message = refused(tmp_path / "a.xml", limits={"max_bad_records": share})
    assert f"{tmp_path / 'a.xml'}: page 901: invalid UTF-8" in message
    assert "4 of 304 records" in message
    assert "download.max_bad_records" in message


def test_a_wrong_digest_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.xml.bz2").write_bytes(dump("en"))
    message = refused(tmp_path / "a.xml.bz2", sha1={"en": "0" * 40})
    assert "its SHA-1 is" in message
    assert "0" * 40 in message


def test_a_broken_links_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "zhwiki.xml.bz2").write_bytes(dump("zh"))
    (tmp_path / "links.sql.gz").write_bytes(langlinks("zh")[:-30])
    assert f"{tmp_path / 'links.sql.gz'}: cannot be unpacked" in refused(
        tmp_path / "{wiki}.xml.bz2", "zh", links=str(tmp_path / "links.sql.gz")
    )


def test_a_run_that_failed_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump_reader, "PART", 300)
    path = tmp_path / "a.xml.bz2"
    path.write_bytes(dump("en"))
    whole = articles(path)
    read: list[str] = []
    real = groups.write_shard

    def failing(part: Any, **arguments: Any) -> Any:
        if len(read) == 3:
            read.append("stop")
            raise KeyboardInterrupt
        read.append(part.name)
        return real(part, **arguments)

    monkeypatch.setattr("crosswiki.corpora.collect.write_shard", failing)
    with pytest.raises(KeyboardInterrupt):
        articles(path)
    pandas.testing.assert_frame_equal(articles(path), whole)
    names = [name for name in read if name != "stop"]
    assert len(names) == len(set(names)) > 4, "no part is read twice"


def test_a_limit_keeps_the_same_concepts_in_every_language_and_labelled_ones_first(tmp_path: Path) -> None:
    for language in ("en", "ru"):
        (tmp_path / f"{language}wiki.xml.bz2").write_bytes(dump(language))
    lines = ["concept\ttopic\ten\tru"]
    titles = {language: {row["concept"]: row["title"] for row in trio(language)} for language in ("en", "ru")}
    for place, concept in enumerate([concept for concept in titles["en"] if concept in titles["ru"]]):
        known = "Known" if place < 6 else ""
        lines.append(f"{item_of(concept)}\t{known}\t{titles['en'][concept]}\t{titles['ru'][concept]}")
    (tmp_path / "topics.tsv").write_text("\n".join(lines) + "\n")
    changes = {"labels": {"table": str(tmp_path / "topics.tsv")}}
    kept = {
        language: articles(tmp_path / "{wiki}.xml.bz2", language, {"max_articles": 12}, **changes)
        for language in ("en", "ru")
    }
    assert {len(table) for table in kept.values()} == {12}
    linked = {item_of(concept) for concept in titles["en"] if concept in titles["ru"]}
    both = set(kept["en"]["concept"]) & set(kept["ru"]["concept"])
    assert both <= linked
    assert len(both) >= 10  # articles that only one language has take a place or two
    assert {int(table["topic"].notna().sum()) for table in kept.values()} == {6}


def test_a_full_disk_ends_in_one_line_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    path = tmp_path / "a.xml.bz2"
    path.write_bytes(dump("en"))
    before = articles(path)

    def full(self: GroupWriter) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(GroupWriter, "close", full)
    message = refused(path)
    assert "No space left on device" in message
    pandas.testing.assert_frame_equal(load_articles(Path(os.environ["DVC_ROOT"]) / "articles.parquet"), before)


def test_counts_are_kept_as_json(tmp_path: Path) -> None:
    (tmp_path / "a.xml.bz2").write_bytes(dump("en"))
    part = next(dump_reader.parts(preset_of(tmp_path / "a.xml.bz2"), "en"))
    groups.write_shard(part, tmp_path, 10**6)
    assert json.loads((tmp_path / f"{part.name}.json").read_text()) == {
        "articles": 30,
        "empty": 0,
        "bad": 0,
        "first_bad": None,
    }


def revision(number: int, text: str, timestamp: str | None = None) -> str:
    moment = f"<timestamp>{timestamp}</timestamp>" if timestamp else ""
    return f"<revision><id>{number}</id>{moment}<text>{text}</text></revision>"


@pytest.mark.parametrize(
    "revisions",
    [
        revision(11, "Old.", "2001-01-01T00:00:00Z") + revision(12, "New.", "2024-01-01T00:00:00Z"),
        revision(12, "New.", "2024-01-01T00:00:00Z") + revision(11, "Old.", "2001-01-01T00:00:00Z"),
        revision(9, "Old.") + revision(10, "New.") + revision(8, "Older."),
        revision(99, "Old.", "2001-01-01T00:00:00Z") + revision(12, "New.", "2024-01-01T00:00:00Z"),
        revision(11, "Old.", "2024-01-01T00:00:00Z") + revision(12, "New.", "2024-01-01T00:00:00Z"),
    ],
)
def test_of_several_revisions_the_newest_is_read(tmp_path: Path, revisions: str) -> None:
    page_ = f"<page><title>Lake</title><ns>0</ns><id>3</id>{revisions}</page>\n"
    (tmp_path / "a.xml").write_text(head("en") + page_ + "</mediawiki>\n")
    assert articles(tmp_path / "a.xml")["text"].tolist() == ["New."]


@pytest.mark.parametrize(
    "header", ["<siteinfo/>", "<siteinfo><namespaces><namespace key='4'/></namespaces></siteinfo>"]
)
def test_a_dump_without_namespaces_of_pages_gives_its_articles_by_their_titles(tmp_path: Path, header: str) -> None:
    """Export formats 0.3 and 0.4 have no <ns>, and 0.3 no <redirect>."""
    titles = {
        "Lake": "It lies still.",
        "Talk:Lake": "chat",
        "User talk:A": "chat",
        "Image:a.png": "a file",
        "Portal:Water": "links",
        "Pond": "#REDIRECT [[Lake]]",
        "Mare": "#WEITERLEITUNG[[Lake]]",
        "Mission: Impossible": "A film.",
        "Steps": "# first\n# second",
    }
    pages = "".join(
        f"<page><title>{title}</title><id>{number}</id>{revision(number, text)}</page>\n"
        for number, (title, text) in enumerate(titles.items(), 1)
    )
    (tmp_path / "a.xml").write_text(f'<mediawiki version="0.3" xml:lang="en">\n{header}\n{pages}</mediawiki>\n')
    assert articles(tmp_path / "a.xml")["title"].tolist() == ["Lake", "Mission: Impossible", "Steps"]


def test_a_header_names_the_namespaces_that_titles_begin_with(tmp_path: Path) -> None:
    pages = "".join(
        f"<page><title>{title}</title><id>{number}</id>{revision(number, 'Текст.')}</page>\n"
        for number, title in enumerate(["Озеро", "Обсуждение:Озеро", "Talk:Озеро"], 1)
    )
    (tmp_path / "a.xml").write_text(head("ru") + pages + "</mediawiki>\n")
    assert articles(tmp_path / "a.xml", "ru")["title"].tolist() == ["Озеро"]


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("be-tarask", "be_x_oldwiki"),
        ("be-x-old", "be_x_oldwiki"),
        ("zh-min-nan", "zh_min_nanwiki"),
        ("nan", "zh_min_nanwiki"),
        ("yue", "zh_yuewiki"),
        ("zh-yue", "zh_yuewiki"),
        ("lzh", "zh_classicalwiki"),
        ("zh-classical", "zh_classicalwiki"),
        ("sgs", "bat_smgwiki"),
        ("vro", "fiu_vrowiki"),
        ("rup", "roa_rupwiki"),
        ("roa-tara", "roa_tarawiki"),
        ("gsw", "alswiki"),
        ("nb", "nowiki"),
        ("nds-nl", "nds_nlwiki"),
        ("map-bms", "map_bmswiki"),
        ("cbk-zam", "cbk_zamwiki"),
        ("fr", "frwiki"),
    ],
)
def test_a_wikis_files_are_found_under_the_name_of_its_database(tmp_path: Path, language: str, name: str) -> None:
    content = head("en") + page(1, "Lake", "It lies still.") + "</mediawiki>\n"
    (tmp_path / f"{name}.xml").write_text(content)
    assert articles(tmp_path / "{wiki}.xml", language)["title"].tolist() == ["Lake"]


INSERT = "INSERT INTO `langlinks` VALUES "


@pytest.mark.parametrize(
    "table",
    [
        INSERT + "(21,'en','Lake'),(22,'en','Rock \\'n\\' Roll'),(21,'de','See');\n",
        INSERT.strip() + "\n(21,'en','Lake'),\n(22,'en','Rock \\'n\\' Roll'),\n(21,'de','See');\n",
        INSERT.strip() + "\n  ( 21 , 'en' , 'Lake' ),\n  (22, 'en', 'Rock ''n'' Roll') ;\n",
        INSERT + "(21,'en','Lake');\n" + INSERT + "(22,'en','Rock \\'n\\' Roll');\n",
        "insert into langlinks (ll_from, ll_lang, ll_title)\nvalues\n(21,'en','Lake')\n,"
        "(22,'en','Rock \\'n\\' Roll')\n;\n",
        INSERT + "(21,_binary 'en',_binary 'Lake'),(22,'en','Rock \\'n\\' Roll');\n",
    ],
)
def test_however_a_links_table_is_laid_out_it_gives_the_same(
    tmp_path: Path, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"-- MySQL dump\nCREATE TABLE `langlinks` (\n  `ll_from` int\n);\n{table}/*!40000 ALTER TABLE */;\n"
    (tmp_path / "links.sql").write_text(text)
    links = read_links(preset_of("x", links=str(tmp_path / "links.sql")), "fr", "en")
    assert links is not None
    assert [links.title(page_) for page_ in ("21", "22", "23")] == ["Lake", "Rock 'n' Roll", None]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("-- nothing\n", ["no row links to 'en': is it the langlinks table of 'fr'?"]),
        (INSERT + "(21,'de','See');\n", ["no row links to 'en': is it the langlinks table of 'fr'?"]),
        (
            INSERT + "(21,'en','Lake'),\nfirst nonsense,\nmore,\n(22,'en','Rock');\n",
            ["lines of rows that were not understood: 2, first line 2: 'first nonsense,'"],
        ),
        (
            INSERT + "('en',21,'Lake');\n",
            ["lines of rows that were not understood: 1, first line 1: \"('en',21,'Lake');\"", "no row links to 'en'"],
        ),
    ],
)
def test_what_is_not_understood_in_a_links_table_is_said(
    tmp_path: Path, table: str, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "links.sql").write_text(table)
    read_links(preset_of("x", links=str(tmp_path / "links.sql")), "fr", "en")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(said)
    for line, words in zip(lines, said, strict=True):
        assert line.startswith(f"{tmp_path / 'links.sql'}: {words}")


def test_links_name_a_language_by_its_former_code_too(tmp_path: Path) -> None:
    (tmp_path / "links.sql").write_text(INSERT + "(21,'zh-yue','湖'),(22,'yue','山');\n")
    for code in ("yue", "zh-yue"):
        links = read_links(preset_of("x", links=str(tmp_path / "links.sql")), "fr", code)
        assert links is not None
        assert [links.title("21"), links.title("22")] == ["湖", "山"]
