"""`crosswiki new`: what people's files are like, seen, said, and read by the pipeline as they were meant."""

import csv
import gzip
import io
import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from crosswiki.__main__ import main
from crosswiki.commands.settings import LABELS_THAT_JUDGE, LARGE, next_command
from crosswiki.corpora.articles import in_task, pick
from crosswiki.corpora.collect import Corpus, collect
from crosswiki.corpora.mending import mend, spoilt
from crosswiki.corpora.parts import Bad
from crosswiki.corpora.readers.forms import Form, numbered_rows
from crosswiki.corpora.readers.task import read_file
from crosswiki.corpora.recognition import encoding_of, form_of
from crosswiki.corpora.splits import split_of
from crosswiki.evaluation.confidence import LEAST_LABELS
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.parameters_of_words import Download, Languages
from crosswiki.pipeline.presets import PRESETS, load_preset
from crosswiki.pipeline.provenance import flat
from tests.tiny import ROOT

ENGLISH = ("where is my parcel", "I was charged twice", "the page does not load", "my invoice is wrong")
GERMAN = ("Wo ist mein Päckchen?", "Ich wurde zweimal belastet – für was?", "Die Seite lädt nicht", "Größe falsch, 5 €")
LABELS = ("delivery", "billing", "technical", "billing")
SMALL = {"finetune_source.mixture_noise.probability": 0, "finetune_source.max_length": 128}  # a list and no Wikipedia


def rows_of(count: int = 60, texts: tuple[str, ...] = ENGLISH) -> list[tuple[str, str]]:
    """Different texts, and their labels."""
    return [(f"{texts[i % 4]}, number {i}", LABELS[i % 4]) for i in range(count)]


def table(rows: list[tuple[str, ...]], header: tuple[str, ...] | None = ("text", "label"), separator: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows([header, *rows] if header else rows)
    return out.getvalue()


def objects(rows: list[tuple[str, str]]) -> str:
    return "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project: parameters and the shipped presets, and a usable file of each language."""
    (tmp_path / "data/corpora").mkdir(parents=True)
    shutil.copy2(ROOT / "params.yaml", tmp_path)
    for name in ("offline", "wikipedia", "dump"):
        shutil.copy2(ROOT / PRESETS / f"{name}.yaml", tmp_path / PRESETS)
    (tmp_path / "en.csv").write_text(table(rows_of()), encoding="utf-8")
    (tmp_path / "de.txt").write_text("\n".join(text for text, _ in rows_of(texts=GERMAN)), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path


def new(
    *arguments: str, source: str = "en=en.csv", target: str = "de=de.txt", wikipedia: str = "none", dictionary: str = ""
) -> None:
    arguments += ("--dictionary", dictionary) if dictionary else ()
    main(["new", "mine", "--source", source, "--target", target, "--wikipedia", wikipedia, *arguments])


def refused(capsys: pytest.CaptureFixture[str], run: Callable[[], None]) -> str:
    """The line that a command ends in, exit status 2; it leaves no preset."""
    with pytest.raises(SystemExit) as caught:
        run()
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert "Traceback" not in said
    assert not (PRESETS / "mine.yaml").exists()
    assert list(PRESETS.glob(".*")) == []
    return said


# A file's name and content, and what the line that refuses it says: where, what, and what to do. All stand as --source.
BAD_FILES: dict[str, tuple[str, bytes, tuple[str, ...]]] = {
    "empty": ("a.csv", b"", ("a.csv", "empty")),
    "only a mark": ("a.csv", b"\xef\xbb\xbf", ("a.csv", "empty")),
    "only line ends": ("a.csv", b"\r\n\r\n\r\n", ("a.csv", "empty")),
    "only a header": ("a.csv", b"text,label\r\n", ("a.csv", "no row")),
    "an Excel workbook": ("a.xlsx", b"PK\x03\x04" + bytes(60), ("workbook", "CSV")),
    "a workbook called CSV": ("a.csv", b"PK\x03\x04" + bytes(60), ("workbook", "CSV")),
    "an old workbook": ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(60), ("workbook", "CSV")),
    "a PDF": ("a.txt", b"%PDF-1.7\n%\xe2\xe3", ("PDF", ".txt")),
    "a web page": ("a.csv", b"<!DOCTYPE html>\n<html><body>Log in</body></html>", ("web page", "login")),
    "XML": ("a.csv", b"<?xml version='1.0'?><rows/>", ("XML", "CSV")),
    "a pointer": ("a.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:00", ("git lfs pull",)),
    "numbers for a program": ("a.csv", bytes(range(256)) * 20, ("a.csv", "no text")),
    "packed, but not called so": ("a.csv", gzip.compress(table(rows_of()).encode()), ("gzip", ".gz")),
    "packed, and cut off": ("a.csv.gz", gzip.compress(table(rows_of()).encode())[:-30], ("a.csv.gz", "whole")),
    "called packed": ("a.csv.gz", table(rows_of()).encode(), ("a.csv.gz", "unpacked")),
    "another ending": ("a.docx2", b"where is my parcel", (".csv", ".jsonl")),
    "a quote that never closes": (
        "a.csv",
        (table(rows_of(20)) + '"where is it,delivery\r\n' + "a parcel,delivery\r\n" * 20).encode(),
        ("a.csv", "row 22", "never closed"),
    ),
    "commas without quotes": (
        "a.csv",
        (
            "text,label\n"
            + "".join(f"{text} {i},{label}\n" for i, (_, label) in enumerate(rows_of(30)) for text in "x")
            + "well, yes, maybe,billing\n" * 9
        ).encode(),
        ("row 32", "4 cells", "quotes"),
    ),
    "quotes in quotes": (
        "a.csv",
        (table(rows_of(30)) + '"he said "no" to me",billing\n' * 5).encode(),
        ("row 32", '""'),
    ),
    "two columns of one name": ("a.csv", table(rows_of(), ("text", "text")).encode(), ("row 1", "'text'", "rename")),
    "no column of text": ("a.csv", table([(str(i), str(i * i)) for i in range(30)], ("n", "m")).encode(), ("--text",)),
    "two columns of text": (
        "a.csv",
        table([(f"{text} a", f"{text} b", label) for text, label in rows_of()], ("one", "two", "label")).encode(),
        ("'one'", "'two'", "--text"),
    ),
    "no column of labels": ("a.csv", table([(text,) for text, _ in rows_of()], ("text",)).encode(), ("--label",)),
    "two columns of labels": (
        "a.csv",
        table([(text, label, "ab"[len(text) % 2]) for text, label in rows_of()], ("text", "queue", "tier")).encode(),
        ("'queue'", "'tier'", "--label"),
    ),
    "no labels": ("a.txt", "\n".join(text for text, _ in rows_of()).encode(), ("--label", "a.txt")),
    "one label": ("a.csv", table([(text, "billing") for text, _ in rows_of()]).encode(), ("'billing'", "two or more")),
    "a label a text": ("a.csv", table([(text, text[::-1]) for text, _ in rows_of()]).encode(), ("60", "--label")),
    "few rows": ("a.csv", table(rows_of(8)).encode(), ("8 texts", "label more")),
    "no texts": ("a.csv", table([("", label) for _, label in rows_of()]).encode(), ("a.csv", "text")),
    "one JSON list": ("a.json", json.dumps([{"text": "a", "label": "b"}]).encode(), ("JSON Lines",)),
    "JSON over many lines": ("a.json", json.dumps([{"text": "a"}], indent=1).encode(), ("one object a line",)),
    "broken JSON": ("a.jsonl", (objects(rows_of(30)) + '{"text": "cut o\n').encode(), ("line 31", "not JSON")),
    "JSON that is no object": ("a.jsonl", (objects(rows_of(30)) + '"a"\n').encode(), ("line 31", "{…}")),
    "half a letter": ("a.jsonl", (objects(rows_of(30)) + '{"text": "\\ud83d", "label": "b"}\n').encode(), ("line 31",)),
    "Parquet, cut off": ("a.parquet", b"PAR1" + bytes(100), ("a.parquet", "cannot be read")),
    "two encodings": (
        "a.csv",
        table(rows_of(40, GERMAN)).encode() + table(rows_of(4, GERMAN), None).encode("cp1252"),
        ("row 42", "encoding"),
    ),
}


def test_the_list_of_bad_files_is_long() -> None:
    assert len(BAD_FILES) >= 30


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_ends_in_one_line_that_says_what_to_do(
    kind: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content, expected = BAD_FILES[kind]
    (project / name).write_bytes(content)
    said = refused(capsys, lambda: new(source=f"en={name}"))
    assert said.startswith(name), said
    for part in expected:
        assert part in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"source": "en=none.csv"}, ("none.csv", "no such file")),
        ({"source": "en=data"}, ("data", "a folder")),
        ({"source": "en.csv"}, ("--source", "LANGUAGE=FILE")),
        ({"source": "English=en.csv"}, ("--source", "LANGUAGE=FILE")),
        ({"target": "en=de.txt"}, ("--target", "source language too")),
        ({"dictionary": "de=none.tsv"}, ("--dictionary", "none.tsv", "no such file")),
        ({"dictionary": "en=en.csv"}, ("--dictionary", "leads to de")),
    ],
)
def test_arguments_that_do_not_go_together_end_in_one_line(
    arguments: dict[str, str], expected: tuple[str, ...], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, lambda: new(**arguments))
    assert all(part in said for part in expected), said


def test_a_target_label_that_the_source_has_not_is_refused_and_can_be_left_aside(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "de.csv").write_text(table([(text, "Rechnung") for text, _ in rows_of(texts=GERMAN)]), encoding="utf-8")
    said = refused(capsys, lambda: new(target="de=de.csv"))
    assert all(part in said for part in ("de.csv", "row 2", "'Rechnung'", "billing", "--label"))
    new("--label", "de=none", target="de=de.csv")
    preset = load_preset("mine")
    assert list(preset.labelled) == ["en"]
    assert list(preset.unlabelled) == ["de"]


def test_the_first_row_of_json_may_have_no_label(project: Path) -> None:
    Path("a.jsonl").write_text(json.dumps({"text": "no label yet"}) + "\n" + objects(rows_of()))
    new(source="en=a.jsonl")
    assert articles("en")["topic"].isna().sum() == 1


def test_a_preset_that_is_there_is_not_written_over(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new()
    before = (PRESETS / "mine.yaml").read_text()
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        new()
    assert caught.value.code == 2
    assert "--force" in capsys.readouterr().err
    (project / "en.csv").write_text(table(rows_of(40)))
    new("--force")
    assert (PRESETS / "mine.yaml").read_text() != before


def test_a_word_list_is_looked_at(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of 13 running words the list has five."""
    texts = ["Wo ist mein Paket", "mein Paket ist da", "die Seite lädt", "Rechnung falsch"]
    (project / "de.txt").write_text("\n".join(texts))
    known = [("my", "mein"), ("page", "Seite"), ("is", "ist"), ("tree", "Baum")]
    (project / "list.tsv").write_text("".join(f"{source}\t{other}\n" for source, other in known))
    new(dictionary="de=list.tsv")
    said = capsys.readouterr()
    assert "list.tsv: word list of en and de, 4 pairs\n" in said.out
    assert f"knows    {5 / 13:.0%} of the texts' running words" in said.out
    (project / "list.tsv").write_text("".join(f"{other}\t{source}\n" for source, other in known))
    new("--force", dictionary="de=list.tsv")
    assert "read the other way round" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("listed", "wikipedia", "wanted"),
    [
        (None, "none", {}),
        (2, "none", {**SMALL, "distill.teachers": ("adapted", "glossed"), "finetune_source.round_trips": 2}),
        (5, "none", {**SMALL, "distill.teachers": ("adapted", "glossed")}),
        (5, "hub", {"distill.teachers": ("neighbours", "adapted", "glossed")}),
    ],
)
def test_the_next_command_makes_the_most_of_a_word_list(
    project: Path, capsys: pytest.CaptureFixture[str], listed: int | None, wikipedia: str, wanted: dict[str, object]
) -> None:
    """With a list the gloss teaches; where the list lacks many of the running words, the teacher learns to read it."""
    (project / "de.txt").write_text("mein Paket ist nicht da\n" * 3)
    pairs = [("my", "mein"), ("parcel", "Paket"), ("is", "ist"), ("not", "nicht"), ("there", "da")]
    (project / "list.tsv").write_text("".join(f"{source}\t{other}\n" for source, other in pairs[:listed]))
    new(wikipedia=wikipedia, dictionary="de=list.tsv" if listed else "")
    command = capsys.readouterr().out.splitlines()[-1].split()
    content = yaml.safe_load((project / "params.yaml").read_text())
    for setting in shlex.split(" ".join(command[3:]))[1::2]:
        key, _, value = setting.partition("=")
        *sections, name = key.split(".")
        place = content
        for section in sections:
            place = place[section]
        place[name] = yaml.safe_load(value)
    (project / "params.yaml").write_text(yaml.safe_dump(content))
    params = load_parameters()
    settings = dict(flat(params.model_dump()))
    usual = dict(flat(load_parameters(ROOT / "params.yaml").model_dump()))
    large = {setting.partition("=")[0] for setting in LARGE if wikipedia == "hub"}
    changed = {name for name, value in settings.items() if value != usual[name]} - large
    assert changed == {"corpus", "roles", *wanted} | (
        {"distill.carried_labels", "distill.max_loss", "transplant.lexicon_prior", "source_shares"} if listed else set()
    )
    assert {name: settings[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("texts", "wikipedia", "proposed"), [(720, "hub", 504), (700, "hub", None), (720, "none", None)]
)
def test_with_enough_texts_of_ones_own_the_student_reads_no_articles(
    project: Path, capsys: pytest.CaptureFixture[str], texts: int, wikipedia: str, proposed: int | None
) -> None:
    """Of 720 texts, 7 tenths are for training: `prepare.validation` and `prepare.test` take 1 and 2."""
    (project / "de.txt").write_text("".join(f"mein Paket Nummer {number} ist nicht da\n" for number in range(texts)))
    new(wikipedia=wikipedia)
    said = capsys.readouterr().out
    assert (f"-S distill.max_texts={proposed} -S distill.epochs=4 " in f"{said.strip()} ") == (proposed is not None)
    assert ("distill.max_texts" in said) == (proposed is not None)


@pytest.mark.parametrize(
    ("listed", "judging", "proposed"), [(0.5, 0, True), (0.5, 49, True), (0.5, 50, False), (None, 0, False)]
)
def test_without_labels_that_judge_it_a_student_may_lose_more_in_the_lists_words(
    listed: float | None, judging: int, proposed: bool
) -> None:
    command = next_command("mine", {"source": "en", "target": "ace"}, "none", 100, listed, True, judging)
    assert ("distill.max_loss=0.2" in command) == proposed
    assert LABELS_THAT_JUDGE == LEAST_LABELS


@pytest.mark.parametrize(("labels", "proposed"), [(LABELS, True), (LABELS[:1], False), (LABELS[:2], False)])
def test_labels_of_the_target_say_whether_its_topics_have_the_sources_shares(
    project: Path, capsys: pytest.CaptureFixture[str], labels: tuple[str, ...], proposed: bool
) -> None:
    rows = [(f"{GERMAN[i % 4]} {i}", labels[i % len(labels)]) for i in range(60)]
    (project / "de.csv").write_text(table(rows), encoding="utf-8")
    (project / "list.tsv").write_text("is\tist\nwhere\two\nmy\tmein\n")
    new(target="de=de.csv", dictionary="de=list.tsv")
    assert ("source_shares=true" in capsys.readouterr().out) == proposed


def test_a_list_of_another_language_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "list.tsv").write_text("house\tдом\nwater\tвода\ntree\tдерево\nhand\tрука\n")
    new(dictionary="de=list.tsv")
    assert "is it a list of another language" in capsys.readouterr().err


def test_what_is_no_word_list_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "list.tsv").write_text("just a sentence in a line of its own\n" * 5)
    assert "is it a word list?" in refused(capsys, lambda: new(dictionary="de=list.tsv"))


# --------------------------------------------------------------------------------------- what programs write, is read

WRITTEN: dict[str, tuple[str, Callable[[list[tuple[str, str]]], bytes]]] = {
    "CSV": ("a.csv", lambda rows: table(rows).encode()),
    "CSV without names": ("a.csv", lambda rows: table(rows, None).encode()),
    "Excel's CSV": ("a.csv", lambda rows: table(rows, separator=";").encode("cp1252")),
    "Excel's CSV in UTF-8": ("a.csv", lambda rows: table(rows, separator=";").encode("utf-8-sig")),
    "Excel's CSV that names its separator": ("a.csv", lambda rows: b"sep=;\r\n" + table(rows, separator=";").encode()),
    "Excel's Unicode text": ("a.txt", lambda rows: table(rows, separator="\t").encode("utf-16")),
    "UTF-16 without a mark": ("a.csv", lambda rows: table(rows).encode("utf-16-le")),
    "TSV": ("a.tsv", lambda rows: table(rows, separator="\t").encode()),
    "TSV in which quotation marks are text": (
        "a.tsv",
        lambda rows: "".join(f"{label}\t{text}\n" for text, label in rows).encode(),
    ),
    "bars": ("a.csv", lambda rows: table(rows, separator="|").encode()),
    "packed": ("a.csv.gz", lambda rows: gzip.compress(table(rows).encode())),
    "JSON Lines": ("a.jsonl", lambda rows: objects(rows).encode()),
    "more columns": (
        "a.csv",
        lambda rows: table(
            [(str(i), *row, "2020-01-01") for i, row in enumerate(rows)], ("id", "body", "queue", "day")
        ).encode(),
    ),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_what_programs_write_is_read_back_letter_by_letter(
    how: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of(60, GERMAN)
    if "quotation" in how:
        rows = [(f'"{text}" sagt' if place % 3 else f'"{text}', label) for place, (text, label) in enumerate(rows)]
    name, write = WRITTEN[how]
    (project / name).write_bytes(write(rows))
    new(target=f"de={name}")
    read = articles("de")
    assert sorted(zip(read["text"], read["topic"], strict=True)) == sorted(rows)
    assert "60 texts" in capsys.readouterr().out


def test_parquet_is_read(project: Path) -> None:
    pandas.DataFrame(rows_of(60, GERMAN), columns=["text", "label"]).to_parquet(project / "a.parquet")
    new(target="de=a.parquet")
    assert sorted(articles("de")["text"]) == sorted(text for text, _ in rows_of(60, GERMAN))


def articles(language: str, source: str = "en", **limits: Any) -> pandas.DataFrame:
    """What `download` makes of the corpus `mine`."""
    limits = {"max_articles": None, "max_characters": 10_000, "max_bad_records": 0.01} | limits
    params = Download(languages=Languages(source=None, target=None, test=None), **limits)
    collect(Corpus(load_preset("mine"), language, source), params, 1, Path("out.parquet"))
    return pandas.read_parquet("out.parquet")


@pytest.mark.parametrize(
    ("language", "encoding"),
    [("de", "cp1252"), ("ru", "cp1251"), ("pl", "cp1250"), ("zh", "gb18030"), ("fr", "cp1252")],
)
def test_older_encodings_are_told_apart(language: str, encoding: str) -> None:
    texts = {
        "de": "Müller prüft die Größe der Übertragung; später hört er auf. Schönen Gruß aus Köln – für alle!",
        "ru": "Волга впадает в Каспийское море, а Москва стоит на реке, которая носит то же имя.",
        "pl": "Zażółć gęślą jaźń, a potem wróć do łódki; świeże źdźbła są już gdzieś na łące.",
        "zh": "长江是中国最长的河流，它从青藏高原流向东海，经过许多城市。",
        "fr": "L’élève a été déçu par la façon dont où le maître, très sévère, a réglé l’affaire à Noël.",
    }
    content = "\n".join([texts[language], *["plain text, and no more"] * 50]).encode(encoding)
    assert content.decode(encoding_of(content, Path("a.txt"))) == content.decode(encoding)


def test_labels_that_say_nothing_or_are_rare_are_pointed_out(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [*rows_of(60), *((f"a text, {number}", "N/A") for number in range(8)), ("so it is", "praise")]
    Path("en.csv").write_text(table(rows))
    new()
    said = capsys.readouterr().out
    assert "a label that may mean that there is none: 'N/A' 8; `topics: {'N/A': null}` in the preset" in said
    assert "1 label of fewer than 5 texts, too few to learn and to measure: 'praise' 1" in said
    preset = yaml.safe_load((PRESETS / "mine.yaml").read_text())
    preset["labelled"]["en"][0]["topics"] = yaml.safe_load("{'N/A': null}")
    (PRESETS / "mine.yaml").write_text(yaml.safe_dump(preset))
    assert articles("en")["topic"].isna().sum() == 8


def test_a_list_of_sentences_with_tabs_and_commas_stays_a_list(project: Path) -> None:
    Path("a.txt").write_text("one, two\nthree\nfour,\tfive, six\nseven\n" * 5)
    assert form_of(Path("a.txt")).kind == "lines"


def test_what_is_found_is_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        *rows_of(60),
        ("Where is my PARCEL, number 0", "billing"),  # row 62: row 2 again, under another label
        ("I don\\u2019t know", "technical"),
        ("you &amp; me", "technical"),
        ("cafÃ© au lait, s'il vous plaÃ®t", "technical"),
        ("caf\ufffd au lait", "technical"),
        ("an invoice", "Billing "),
        ("another invoice", "BILLING"),
        ("", "billing"),
        ("no label here", ""),
    ]
    Path("en.csv").write_text(table(rows), encoding="utf-8")
    new()
    said = capsys.readouterr().out
    for line in (
        "68 texts",
        'shortest, row 67: "an invoice"',
        "billing 31, technical 19, delivery 15, Billing 1, BILLING 1",
        "1 text without a label",
        "1 text has stood before, as in rows 2 and 62",
        "1 row with a text that stands under another label too, as in row 2 (delivery) and row 62 (billing)",
        "'billing' 31, 'Billing' 1, 'BILLING' 1; --mend",
        r"letters written as \u2019 and the like in row 63",
        "letters written as &amp; and the like in row 64",
        "wrong encoding in row 65",
        "lost: export",
        "1 row without a text, the first of them row 69",
        "dvc exp run -S corpus=mine -S 'roles=[source,target]'",
    ):
        assert line in said, line
    assert sorted(articles("en")["topic"].dropna().unique()) == [
        "BILLING",
        "Billing",
        "billing",
        "delivery",
        "technical",
    ]
    new("--mend", "--force")
    mended = articles("en")
    assert sorted(mended["topic"].dropna().unique()) == ["billing", "delivery", "technical"]
    assert {"I don’t know", "you & me", "café au lait, s'il vous plaît"} <= set(mended["text"])


def test_the_shown_splits_are_those_of_the_pipeline(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new()
    prepare = load_parameters().prepare
    splits = [
        split_of(concept, prepare.validation, prepare.test, prepare.fold) for concept in articles("en")["concept"]
    ]
    shown = f"{splits.count('train')} to train on, {splits.count('validation')} to choose by, {splits.count('test')} to"
    assert shown in capsys.readouterr().out


def test_a_column_of_splits_is_kept_to(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [("train", "test", "Dev", "")[i % 4] for i in range(60)]
    rows = [(*row, split) for row, split in zip(rows_of(), given, strict=True)]
    rows.append((rows[0][0].upper(), rows[0][1], "test"))  # row 2 once more, on the other side
    Path("en.csv").write_text(table(rows, ("text", "label", "split")))
    new()
    said = capsys.readouterr().out
    assert "column 'split'" in said
    assert "under another split too, as in row 2 (train) and row 62 (test)" in said
    read = articles("en")
    splits = {(row.text, split_of(row.concept, 0.1, 0.2)) for row in read.itertuples()}
    names = {"train": "train", "test": "test", "Dev": "validation"}
    assert {(text, names[split]) for text, _, split in rows if split} <= splits
    for fold in range(5):
        assert {(row.text, split_of(row.concept, 0.1, 0.2, fold)) for row in read.itertuples()} >= {
            (text, names[split]) for text, _, split in rows if split
        }


def test_a_split_that_is_none_is_a_bad_row(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(*row, "train" if i % 2 else "test") for i, row in enumerate(rows_of())]
    Path("en.csv").write_text(table(rows, ("text", "label", "split")))
    new()
    preset = load_preset("mine").labelled["en"][0]
    Path("en.csv").write_text(table([*rows, ("a text", "billing", "held out")], ("text", "label", "split")))
    found = list(read_file(Path("en.csv"), preset.model_copy(update={"sha256": None}), "en"))
    assert [str(one) for one in found if isinstance(one, Bad)] == [
        "en.csv: row 62: split 'held out' is none of train, validation, test"
    ]


@pytest.mark.parametrize(
    ("text", "kinds", "meant"),
    [
        ("don\\u2019t", ["escapes"], "don’t"),
        ("\\ud83d\\ude00 fine", ["escapes"], "😀 fine"),
        ("Tom &amp; Jerry", ["entities"], "Tom & Jerry"),
        ("&#8217;tis", ["entities"], "’tis"),
        ("GrÃ¶ÃŸe", ["mojibake"], "Größe"),
        ("Größe «ſo» — “quoted” ﬁne ¬¬", [], "Größe «ſo» — “quoted” ﬁne ¬¬"),
        ("C:\\users\\u20", [], "C:\\users\\u20"),
        ("R&D, AT&T; x < y", [], "R&D, AT&T; x < y"),
    ],
)
def test_mending_gives_what_was_meant_and_leaves_the_rest(text: str, kinds: list[str], meant: str) -> None:
    assert spoilt(text) == kinds
    assert mend(text) == meant


@given(st.text(st.characters(codec="latin-1", categories=["L", "N", "Zs", "P"])))
def test_what_is_not_spoilt_is_not_changed(text: str) -> None:
    if not spoilt(text) and "&" not in text and "\x85" not in text:
        assert mend(text) == text


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=9)), min_size=1, max_size=20))
def test_a_table_that_python_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    rows = [(a, b) for a, b in rows if (a + b).strip() and "\0" not in a + b and (a + b).isprintable()]
    path = tmp_path_factory.mktemp("tables") / "a.csv"
    path.write_text(table(rows), encoding="utf-8", newline="")
    read = [row for _, row in numbered_rows(path, Form("table"))]
    assert read == [{"text": a, "label": b} for a, b in rows]


# ------------------------------------------------------------------------------------- the task beside another corpus


def test_paths_hold_in_an_experiments_copy_too(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    new()
    stored = load_preset("mine").labelled["en"][0]
    assert stored.path == "$DVC_ROOT/en.csv"
    copy = tmp_path / "copy"
    (copy / PRESETS).mkdir(parents=True)
    shutil.copy2(PRESETS / "mine.yaml", copy / PRESETS)
    monkeypatch.chdir(copy)
    assert len(articles("en")) == 60
    monkeypatch.chdir(project)
    monkeypatch.delenv("DVC_ROOT")
    assert len(articles("en")) == 60  # `crosswiki check` and stages by hand have no DVC_ROOT


def test_a_file_that_has_changed_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from crosswiki.pipeline.errors import UserError

    new()
    Path("en.csv").write_text(table(rows_of(50)))
    with pytest.raises(UserError, match=r"en\.csv.*SHA-256.*changed"):
        articles("en")
    params = Path("params.yaml").read_text().replace("corpus: offline", "corpus: mine").replace("  - test\n", "")
    Path("params.yaml").write_text(params)
    with pytest.raises(SystemExit):
        main(["check"])  # as `make repro` does: DVC alone would run nothing
    assert "SHA-256" in capsys.readouterr().err
    new("--force")
    main(["check"])


def beside_articles(project: Path) -> None:
    """The corpus mine: its texts beside articles with topics of their own."""
    rows = [{"id": str(i), "title": f"Article {i}", "text": f"article {i}", "topic": "History"} for i in range(200)]
    Path("wiki.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    new()
    with (PRESETS / "mine.yaml").open("a") as file:
        file.write("articles: {en: [{path: $DVC_ROOT/wiki.jsonl, columns: {topic: topic}}]}\n")


def test_the_task_is_the_files_and_the_corpus_only_text(project: Path) -> None:
    beside_articles(project)
    table = articles("en")
    own = table["concept"].map(in_task)
    assert (own.sum(), (~own).sum()) == (60, 200)
    assert set(table.loc[own, "topic"]) == set(LABELS)
    assert table.loc[~own, "topic"].isna().all()


def test_the_tasks_texts_go_first_where_there_is_a_limit(project: Path) -> None:
    beside_articles(project)
    few = articles("en", max_articles=60)
    assert few["concept"].map(in_task).all()
    more = articles("en", max_articles=100)
    assert more["concept"].map(in_task).sum() == 60
    linked = more.loc[~more["concept"].map(in_task), "concept"]
    assert pick(more, 60, 1, first=linked)["concept"].map(in_task).all()


def test_a_repeated_text_falls_on_one_side_whatever_file_it_stands_in(project: Path) -> None:
    Path("more").mkdir()
    Path("more/en.csv").write_text(table([(text.upper() + " ", label) for text, label in rows_of(30)]))
    main(
        [
            "new",
            "mine",
            "--source",
            "en=en.csv",
            "--source",
            "en=more/en.csv",
            "--target",
            "de=de.txt",
            "--wikipedia",
            "none",
        ]
    )
    read = articles("en")
    assert len(read) == 90
    assert read["id"].is_unique
    assert read["concept"].nunique() == 60


def test_the_shipped_wikipedias_can_stand_beside(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wikipedia, kind in (("hub", "hub"), ("dump", "dump"), ("offline", "wheel")):
        new("--force", wikipedia=wikipedia)
        preset: Any = load_preset("mine")
        assert preset.kind == kind
        assert preset.languages.target == "de"
        assert preset.languages.test is None
        printed = capsys.readouterr().out
        assert all((setting in printed) == (kind != "wheel") for setting in LARGE)


def test_a_column_is_not_label_and_concept_at_once(project: Path) -> None:
    """Splits are by concept, so that each topic would be wholly in one of them."""
    (project / "en.csv").write_text(table(rows_of(), ("text", "concept")), encoding="utf-8")
    new()
    (file,) = load_preset("mine").labelled["en"]
    assert (file.columns.topic, file.columns.concept) == ("concept", None)


def test_a_column_of_bytes_is_no_text(project: Path) -> None:
    frame = pandas.DataFrame(rows_of(60, GERMAN), columns=["text", "label"])
    frame.assign(digest=[text.encode() for text in frame["text"]]).to_parquet(project / "a.parquet")
    new(target="de=a.parquet")
    (file,) = load_preset("mine").labelled["de"]
    assert (file.columns.text, file.columns.topic) == ("text", "label")
