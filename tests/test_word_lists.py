"""Word lists in every form that people share them in, in either order, with what was not understood said."""

import gzip
import json
import re
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pyarrow
import pyarrow.parquet
import pytest

from crosswiki.corpora.parts import Bad
from crosswiki.corpora.readers.word_list_forms import read_word_list
from crosswiki.corpora.readers.word_lists import Dictionary, count_words, read_dictionaries
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.preset_files import WordList
from crosswiki.pipeline.presets import DumpPreset, FilesPreset

ENGLISH = re.findall(r"\w+", "river sea house mountain water tree bread milk stone road city king queen bird horse")
FRENCH = re.findall(
    r"\w+", "rivière mer maison montagne eau arbre pain lait pierre route ville roi reine oiseau cheval"
)
FINNISH = re.findall(
    r"\w+", "joki meri talo vuori vesi puu leipä maito kivi tie kaupunki kuningas kuningatar lintu hevonen"
)
FRENCH_TEXT = Counter(dict.fromkeys(FRENCH, 3) | {"le": 30, "la": 30, "et": 20})


def pairs_of(path: Path, language: str = "fr") -> list[tuple[str, str]]:
    return [item for item in read_word_list(path, "en", language) if not isinstance(item, Bad)]


def preset_of(*lists: object, language: str = "fr") -> FilesPreset:
    languages = {"source": "en", "target": "fr", "test": "es"}
    content = {"kind": "files", "languages": languages, "articles": {}, "dictionaries": {language: list(lists)}}
    return FilesPreset.model_validate(content)


def tabbed(path: Path, *columns: list[str]) -> str:
    path.write_text("".join("\t".join(cells) + "\n" for cells in zip(*columns, strict=True)), encoding="utf-8")
    return str(path)


TEI = """<?xml version="1.0" encoding="UTF-8"?>
<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><fileDesc><titleStmt><title>English-French</title></titleStmt>
</fileDesc></teiHeader><text><body>
<entry><form><orth>river</orth><pron>rɪvə</pron></form><gramGrp><pos>n</pos></gramGrp>
<sense><cit type="trans" xml:lang="fr"><quote>rivière</quote></cit><cit type="trans"><quote>fleuve</quote></cit></sense>
<sense><cit type="example"><quote>The river is wide.</quote></cit></sense></entry>
<entry><form><orth>to be
 able</orth></form><sense><cit type="trans"><quote>pouvoir</quote></cit></sense></entry>
<entry><form><orth>alone</orth></form></entry>
</body></text></TEI>"""
WIKTIONARY: list[dict[str, object]] = [
    {"word": "rivière", "lang_code": "fr", "pos": "noun", "senses": [{"glosses": ["river (large stream), stream"]}]},
    {"word": "aller", "lang_code": "fr", "senses": [{"glosses": ["to go"]}, {"glosses": ["A long tale of how to go"]}]},
    {"word": "rivières", "lang_code": "fr", "senses": [{"glosses": ["plural of rivière"], "form_of": [{"word": "r"}]}]},
    {"word": "Fluss", "lang_code": "de", "senses": [{"glosses": ["river"]}]},
    {
        "word": "sea",
        "lang_code": "en",
        "senses": [{"glosses": ["x"], "translations": [{"lang_code": "fr", "word": "mer"}]}],
        "translations": [{"code": "fr", "word": "océan"}, {"code": "de", "word": "Meer"}, {"code": "fr"}],
    },
]
FORMS = {
    "tabs.tsv": ("river\trivière\nhot dog\thot-dog\n", [("river", "rivière"), ("hot dog", "hot-dog")]),
    "columns.tsv": ("river\trivière\tn.\t0.9\nsea\tmer\n", [("river", "rivière"), ("sea", "mer")]),
    "muse.txt": ("river rivière\nsea mer\n\nsea  océan\n", [("river", "rivière"), ("sea", "mer"), ("sea", "océan")]),
    "several.tsv": (
        "# a comment\nhouse\tmaison; logis\nsea\tmer, océan\nyes dear\toui, chère\n#\tdièse\n",
        [
            ("house", "maison"),
            ("house", "logis"),
            ("sea", "mer"),
            ("sea", "océan"),
            ("yes dear", "oui, chère"),
            ("#", "dièse"),
        ],
    ),
    "commas.csv": (
        'to go,aller\n"yes, dear","oui, chère"\nsea,mer;océan,n.\n',
        [("to go", "aller"), ("yes, dear", "oui, chère"), ("sea", "mer"), ("sea", "océan")],
    ),
    "semicolons.csv": ("to go;aller\nhot, very dry;sec\n", [("to go", "aller"), ("hot, very dry", "sec")]),
    "freedict.tei": (TEI, [("river", "rivière"), ("river", "fleuve"), ("to be able", "pouvoir")]),
    "kaikki.jsonl": (
        "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in WIKTIONARY),
        [("river", "rivière"), ("stream", "rivière"), ("go", "aller"), ("sea", "océan"), ("sea", "mer")],
    ),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_every_form_is_told_by_what_it_begins_with(tmp_path: Path, name: str, packed: bool) -> None:
    content, expected = FORMS[name]
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content.encode()) if packed else ("\ufeff" * (name[0] != "f") + content).encode())
    assert pairs_of(path) == expected


def test_what_was_not_understood_is_counted_with_its_first_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(tabbed(tmp_path / "a.tsv", ENGLISH, FRENCH))
    path.write_bytes(path.read_bytes() + "nothing\t\nélève\tpupil\n".encode("latin-1") + b"three words here\n")
    found = read_dictionaries(preset_of(str(path)), "fr", FRENCH_TEXT)
    assert found.entries == list(zip(ENGLISH, FRENCH, strict=True))
    assert found.counts() == {
        "dictionary_entries": 15,
        "dictionary_bad_lines": 3,
        "dictionary_known_words": round(45 / 125, 6),
    }
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"dictionary: {path}: 3 lines were not understood; the first: {path}: line 16: ")


@pytest.mark.parametrize("broken", ["<TEI><text><entry>", "<html><p>Not found</html>"])
def test_broken_xml_is_one_line(tmp_path: Path, broken: str) -> None:
    (tmp_path / "a.tei").write_text(broken)
    with pytest.raises(UserError, match=r"a\.tei: cannot be read"):
        pairs_of(tmp_path / "a.tei")


def test_a_list_is_read_in_either_order_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right, wrong = tabbed(tmp_path / "r.tsv", ENGLISH, FRENCH), tabbed(tmp_path / "w.tsv", FRENCH, ENGLISH)
    straight = read_dictionaries(preset_of(right), "fr", FRENCH_TEXT)
    assert capsys.readouterr().err == ""
    assert read_dictionaries(preset_of(wrong), "fr", FRENCH_TEXT) == straight
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"dictionary: {wrong}: the first column is in 'fr'")
    assert read_dictionaries(preset_of(wrong, right), "fr", FRENCH_TEXT).entries == straight.entries


def test_a_list_of_another_language_is_a_warning_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tabbed(tmp_path / "fi.tsv", ENGLISH, FINNISH)
    assert len(read_dictionaries(preset_of(path), "fr", FRENCH_TEXT).entries) == 15
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"dictionary: {path}: has 0% of the frequent words of the text in 'fr'")


def test_a_licence_may_stand_beside_a_path_in_presets_of_every_kind() -> None:
    lists = ["a.tsv", {"path": "b.tsv", "licence": "CC BY-SA 4.0"}]
    languages = {"source": "en", "target": "fr", "test": "es"}
    content = {"kind": "dump", "languages": languages, "pages": "x", "dictionaries": {"fr": lists}}
    preset = DumpPreset.model_validate(content)
    assert preset.dictionaries["fr"] == [WordList(path="a.tsv"), WordList(path="b.tsv", licence="CC BY-SA 4.0")]


def test_a_text_of_which_nothing_is_known_leaves_a_list_as_it_is(tmp_path: Path) -> None:
    found = read_dictionaries(preset_of(tabbed(tmp_path / "a.tsv", FRENCH, ENGLISH)), "fr", Counter())
    assert found.entries[0] == ("rivière", "river")
    assert Dictionary([], 0, 0.0).counts() == {}


def test_words_are_counted_as_prepare_counts_them(tmp_path: Path) -> None:
    table = pyarrow.table({"text": ["Il pleut, il mouille.", "IL est né."]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert count_words(tmp_path / "a.parquet", "fr") == Counter(il=3, pleut=1, mouille=1, est=1, né=1)


class Quiet(SimpleHTTPRequestHandler):
    """A folder's files at an address, without a line for each request."""

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def test_a_list_at_an_address_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    path = tabbed(tmp_path / "en-fr.tsv", ENGLISH, FRENCH)
    straight = read_dictionaries(preset_of(path), "fr", FRENCH_TEXT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    preset = preset_of(f"http://127.0.0.1:{server.server_port}/en-{{language}}.tsv")
    try:
        assert read_dictionaries(preset, "fr", FRENCH_TEXT) == straight
    finally:
        server.shutdown()
        server.server_close()
    assert read_dictionaries(preset, "fr", FRENCH_TEXT) == straight  # the server is gone


def test_line_ends_of_old_macs_are_read_or_one_line(tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_bytes(b"cat,chat\rdog,chien\r")
    with pytest.raises(UserError, match=r"words\.csv: cannot be read \("):
        pairs_of(tmp_path / "words.csv")
