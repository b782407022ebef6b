"""People's own tables: what spreadsheets and programs do to them is read, or is one bad record with its place."""

import gzip
import json
from pathlib import Path
from typing import Any

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.collect import Corpus, collect
from crosswiki.corpora.groups import Counts
from crosswiki.corpora.joining import label, labels_alike
from crosswiki.corpora.parts import Bad
from crosswiki.corpora.readers import delimited, json_rows
from crosswiki.corpora.readers.files import prefixes
from crosswiki.corpora.readers.records import read_rows
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters_of_words import Download
from crosswiki.pipeline.presets import FilesPreset

HEADER = "id,title,text,topic\n"
MANY = 300


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "work"))


def collected(*paths: Path, allowed: float = 0.01) -> tuple[pandas.DataFrame, Counts]:
    """The table and the counts that `download` makes of files."""
    content = {
        "kind": "files",
        "languages": {"source": "en", "target": "fr", "test": "es"},
        "articles": {"en": [{"path": str(path), "columns": {"topic": "topic"}} for path in paths]},
    }
    params = {
        "languages": dict.fromkeys(("source", "target", "test")),
        "max_articles": None,
        "max_characters": 100_000,
        "max_bad_records": allowed,
    }
    output = paths[0].parent / "articles.parquet"
    corpus = Corpus(FilesPreset.model_validate(content), "en", "en")
    counts = collect(corpus, Download.model_validate(params), 1, output)
    return load_articles(output), counts


def json_lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def row(number: object, text: object = "A river.", topic: object = "Nature") -> dict[str, object]:
    return {"id": number, "title": f"Title {number}", "text": text, "topic": topic}


def texts(path: Path) -> list[Any]:
    """The texts of a file's rows, in their place the bad ones' lines."""
    return [str(item) if isinstance(item, Bad) else item["text"] for item in read_rows(path)]


# ------------------------------------------------------------------------------------------------------- one bad record


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (row("x", "half \ud83d of one"), "half a surrogate pair"),
        (row("x\udc00"), "half a surrogate pair"),
        (row("x", topic="\ud800"), "half a surrogate pair"),
        (row("x", ["First.", "Second."]), "a list where text is needed"),
        (row("x", {"en": "First."}), "a mapping where text is needed"),
        (row("x", topic=["a", "b"]), "a list where text is needed"),
        (row(None), "no id"),
        (row("x", None), "no text"),
        ([row("x")], "no JSON object"),
        ("text", "no JSON object"),
    ],
)
def test_a_record_of_json_that_is_none_costs_itself_alone(
    tmp_path: Path, spoilt: object, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = json_lines(tmp_path / "a.jsonl", *map(row, range(MANY)), spoilt)
    table, counts = collected(path)
    assert len(table) == MANY
    assert counts["bad_records"] == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"download: en: 1 of {MANY + 1} records were skipped; the first: {path}: ")
    assert str(MANY + 1) in line.partition(": the first")[0]
    assert why in line


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_one_byte_that_is_not_utf8_costs_its_row_alone_in_every_format(tmp_path: Path, name: str) -> None:
    separator = "\t" if name == "a.tsv" else ","
    lines = [separator.join((str(n), f"T{n}", f"Café {n}.", "Nature")) for n in range(MANY)]
    content = [HEADER.replace(",", separator).strip(), *lines]
    if name == "a.jsonl":
        content = [json.dumps(row(n, f"Café {n}."), ensure_ascii=False) for n in range(MANY)]
    spoilt = "\n".join(content).encode().replace("Café 7.".encode(), "Café 7.".encode("latin-1"))
    (tmp_path / name).write_bytes(spoilt)
    table, counts = collected(tmp_path / name)
    assert (len(table), counts["bad_records"]) == (MANY - 1, 1)
    assert "a:7" not in set(table["id"])
    assert set(table["text"]) == {f"Café {n}." for n in range(MANY) if n != 7}


def test_a_comma_too_many_costs_its_row_alone(tmp_path: Path) -> None:
    lines = [f"{n},Title {n},Number {n} of the river.,A\n" for n in range(MANY)]
    lines[41] = "41,Title 41,Number 41, of the river.,A\n"
    (tmp_path / "a.csv").write_text(HEADER + "".join(lines))
    table, counts = collected(tmp_path / "a.csv")
    assert (len(table), counts["bad_records"], set(table["topic"])) == (MANY - 1, 1, {"A"})
    [bad] = [item for item in read_rows(tmp_path / "a.csv") if isinstance(item, Bad)]
    assert str(bad) == f"{tmp_path}/a.csv: line 43: 5 cells, the header has 4"


def test_too_many_bad_records_refuse_the_file_and_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes((HEADER + "1,Été,Chaud.,A\n2,Thé,Froid.,A\n").encode("windows-1252"))
    with pytest.raises(UserError, match=r"a\.csv: line 2: not UTF-8: save the file as UTF-8 \(in a spreadsheet"):
        collected(tmp_path / "a.csv")


# --------------------------------------------------------------------------------------------------- spreadsheets' CSV


def test_empty_cells_at_the_ends_of_rows_shift_no_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "".join(f'{n},T{n},"A river, {n}.",A,\n' for n in range(9)))
    table, counts = collected(tmp_path / "a.csv")
    assert table.loc[3, ["id", "title", "text", "topic"]].tolist() == ["a:3", "T3", "A river, 3.", "A"]
    assert (len(table), counts["labelled"], counts["bad_records"]) == (9, 9, 0)
    (tmp_path / "a.csv").write_text("id,title,text,topic,\n1,T,Text.,A,\n")
    assert [*read_rows(tmp_path / "a.csv")] == [{"id": "1", "title": "T", "text": "Text.", "topic": "A"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_excel_saves_is_read(tmp_path: Path, encoding: str, separator: str, end: str) -> None:
    lines = ["id;title;text;topic", '1;"Été";"Chaud; sec, ""beau"".";A', "2;雪;NA;null", "3;None;Deux lignes.;"]
    text = end.join(line.replace(";", separator) for line in lines) + end
    mark = "\ufeff" if encoding.endswith("-bom") else ""
    (tmp_path / "a.csv").write_bytes((mark + text).encode(encoding.removesuffix("-bom")))
    assert [*read_rows(tmp_path / "a.csv")] == [
        {"id": "1", "title": "Été", "text": 'Chaud; sec, "beau".'.replace("; ", f"{separator} "), "topic": "A"},
        {"id": "2", "title": "雪", "text": "NA", "topic": "null"},
        {"id": "3", "title": "None", "text": "Deux lignes.", "topic": ""},
    ]


def test_a_line_that_names_the_separator_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sep=;\nid;text\n1;a, b\n")
    assert [*read_rows(tmp_path / "a.csv")] == [{"id": "1", "text": "a, b"}]


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text,text\n1,a,b\n")
    with pytest.raises(UserError, match="two columns are called 'text'"):
        texts(tmp_path / "a.csv")


def test_missing_values_of_json_are_none_and_words_for_them_are_words(tmp_path: Path) -> None:
    rows = [row(1, "null", "NA"), row(2, "None", None), row(3, "nan", ""), row(4, "x", False)]
    table, counts = collected(json_lines(tmp_path / "a.jsonl", *rows))
    assert table["text"].tolist() == ["null", "None", "nan", "x"]
    assert [None if pandas.isna(topic) else topic for topic in table["topic"]] == ["NA", None, None, "false"]
    assert counts["labelled"] == 2


# ------------------------------------------------------------------------------------------------------ quotation marks


def test_a_quotation_mark_that_opens_a_cell_swallows_no_row(tmp_path: Path) -> None:
    lines = [
        '1\t"Stop, he said.\tA',
        '2\tThe 12" record.\tB',
        '3\t"Go" she said.\tB',
        '4\t"Whole ""cell"""\tA',
        "5\tx\tA",
    ]
    (tmp_path / "a.tsv").write_text("id\ttext\ttopic\n" + "\n".join(lines))
    assert texts(tmp_path / "a.tsv") == ['"Stop, he said.', 'The 12" record.', '"Go" she said.', 'Whole "cell"', "x"]
    (tmp_path / "b.csv").write_text("id,text,topic\n" + "\n".join(lines).replace(",", "").replace("\t", ","))
    assert texts(tmp_path / "b.csv") == ['"Stop he said.', 'The 12" record.', '"Go" she said.', 'Whole "cell"', "x"]


def test_a_tsv_cell_that_only_the_next_rows_mark_would_close_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('id\ttext\n1\t"Stop\n2\the said"\n3\tx\n')
    assert texts(tmp_path / "a.tsv") == ['"Stop', 'he said"', "x"]


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.tsv", "\t")])
def test_a_cell_of_several_lines_is_one_cell(tmp_path: Path, name: str, separator: str) -> None:
    text = f'One,\n\n"two"\r\nthree{separator}\n' + "more\n" * 2000 + '"end"'
    cell = '"' + text.replace('"', '""') + '"'
    content = "\n".join(
        [separator.join(("id", "text", "topic")), separator.join(("1", cell, "A")), separator.join("2xB")]
    )
    (tmp_path / name).write_bytes(content.encode())
    assert texts(tmp_path / name) == [text, "x"]
    numbers = [item["id"] for item in read_rows(tmp_path / name) if not isinstance(item, Bad)]
    assert numbers == ["1", "2"]


def test_a_mark_that_is_never_closed_loses_no_row_however_long_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "LONGEST", 1000)
    (tmp_path / "a.csv").write_text('id,text\n0,"open\n' + "".join(f"{n},text {n}\n" for n in range(1, 500)))
    assert texts(tmp_path / "a.csv") == ['"open', *(f"text {n}" for n in range(1, 500))]


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\ufeff"), max_size=20)


@settings(deadline=None)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8))
def test_what_the_csv_library_writes_is_read_back(rows: list[tuple[str, str]]) -> None:
    import csv
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerows([("id", "text"), *rows])
        assert [(item["id"], item["text"]) for item in read_rows(path) if not isinstance(item, Bad)] == rows


# ----------------------------------------------------------------------------------------------------- arrays and marks


@pytest.mark.parametrize("chunk", [1, 7, 2**20])
@pytest.mark.parametrize("indent", [None, 2])
def test_one_json_array_is_read_element_by_element(
    tmp_path: Path, chunk: int, indent: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_rows, "CHUNK", chunk)
    rows = [row(n, f"[{n}], {{été}}") for n in range(20)]
    (tmp_path / "a.json").write_text(json.dumps([*rows, 5], indent=indent, ensure_ascii=False))
    assert texts(tmp_path / "a.json") == [*(r["text"] for r in rows), f"{tmp_path}/a.json: element 21: no JSON object"]
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + json.dumps(rows).encode()))
    assert texts(tmp_path / "a.json.gz") == [r["text"] for r in rows]


def test_an_array_that_breaks_off_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([row(1), row(2)])[:-20])
    with pytest.raises(UserError, match=r"a\.json: element 2 of the array is no JSON"):
        texts(tmp_path / "a.json")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_mark_before_json_lines_is_no_part_of_the_first_record(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(row(1, "été")) + "\n" + json.dumps(row(2)) + "\n", encoding=encoding)
    assert texts(tmp_path / "a.jsonl") == ["été", "A river."]


# ------------------------------------------------------------------------------------------------------- ids and labels


def test_files_of_one_beginning_keep_all_their_articles(tmp_path: Path) -> None:
    paths = [json_lines(tmp_path / f"wiki.{year}.jsonl", *map(row, range(5))) for year in (2023, 2024)]
    table, counts = collected(*paths)
    assert table["id"].tolist() == [f"wiki.{year}:{n}" for year in (2023, 2024) for n in range(5)]
    assert counts["bad_records"] == 0


def test_every_file_has_a_prefix_of_its_own_and_one_that_is_read_twice_has_not() -> None:
    def of(*names: str) -> list[str]:
        return prefixes([Path(name) for name in names])

    assert of("x/a.jsonl.gz", "x/b.csv") == ["a", "b"]
    assert of("a.csv", "a.jsonl") == ["a.csv", "a.jsonl"]
    assert of("x/train/a.csv", "x/test/a.csv") == ["train/a.csv", "test/a.csv"]
    assert of("/data/a.v1.csv") == ["a.v1"]
    assert of("a.csv", "a.csv") == ["a", "a"]


def test_labels_that_differ_by_spaces_are_one_and_by_case_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = ["A", "B ", " B", "B", "b", "Two  words", "Two\u00a0words", " "]
    table, counts = collected(json_lines(tmp_path / "a.jsonl", *(row(n, topic=t) for n, t in enumerate(labels))))
    assert table["topic"].value_counts().to_dict() == {"B": 3, "Two words": 2, "A": 1, "b": 1}
    assert counts["labelled"] == 7
    [line] = capsys.readouterr().err.splitlines()
    assert "'B' (3 articles) and 'b' (1 articles)" in line


@given(st.text())
def test_a_label_keeps_no_space_around_it(name: str) -> None:
    clean = label(name)
    assert clean is None or clean == clean.strip() != ""
    assert label(f" {name}\n") == clean
    assert not labels_alike({clean or "x"})
