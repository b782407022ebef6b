"""Files of texts into files of topics: every format into every format, and again after a kill."""

import csv
import io
import json
import os
import threading
from argparse import ArgumentParser, Namespace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet
from tqdm import tqdm

from crosswiki.commands import predict
from crosswiki.pipeline.errors import UserError
from crosswiki.serving import answering, bulk
from crosswiki.serving.answering import Answering
from crosswiki.serving.answers import Reader, load_reader
from tests.test_threads import make_classifier
from tests.tiny import ROOT, trio_texts

TEXTS = [text[:80] for text in trio_texts("en")[:23]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_classifier(tmp_path_factory.mktemp("bulk") / "model")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bulk, "PART", 5)
    for module in (predict, answering):
        monkeypatch.setattr(module, "BATCH", 3)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (tmp_path / "data/corpora").mkdir(parents=True)
    (tmp_path / "data/corpora/offline.yaml").write_text((ROOT / "tests/trio/corpus.yaml").read_text())


def arguments(*given: str | Path) -> Namespace:
    parser = ArgumentParser()
    predict.add_arguments(parser)
    parsed = parser.parse_args(list(map(str, given)))
    parsed.parser = parser
    return parsed


def classify(*given: str | Path) -> None:
    predict.run(arguments(*given))


def write(file: Path, texts: list[str]) -> None:
    rows = [{"id": place, "body": text} for place, text in enumerate(texts)]
    if file.suffix == ".parquet":
        parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    elif file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with file.open("w", newline="") as stream:
            table = csv.DictWriter(stream, ["id", "body"], delimiter="," if file.suffix == ".csv" else "\t")
            table.writeheader()
            table.writerows(rows)


def read(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".parquet":
        return parquet.read_table(file).to_pylist()
    with file.open(newline="") as stream:
        if file.suffix == ".jsonl":
            return [json.loads(line) for line in stream]
        return list(csv.DictReader(stream, delimiter="," if file.suffix == ".csv" else "\t"))


@pytest.mark.parametrize("into", [".jsonl", ".csv", ".tsv", ".parquet"])
@pytest.mark.parametrize("of", [".jsonl", ".csv", ".tsv", ".parquet"])
def test_every_format_into_every_format(model: Path, of: str, into: str) -> None:
    texts = [*TEXTS, 'a "quoted", text\nof two lines\tand a tab', ""]
    write(file := Path(f"texts{of}"), texts)
    classify("--file", file, "--text", "body", "--out", f"topics{into}", "--model", model)
    rows = read(Path(f"topics{into}"))
    assert list(rows[0]) == ["id", "body", "topic", "probability", "language", "model"]
    assert [row["body"] for row in rows] == texts
    assert [int(row["id"]) for row in rows] == list(range(len(texts)))
    reader = load_reader(model)
    for row, text in zip(rows, texts, strict=True):
        [alone] = reader.answer([text])
        assert (row["topic"] or None) == alone.topic
        assert float(row["probability"] or 0) == pytest.approx(alone.probability or 0, abs=0.02)
    assert {path.name for path in Path.cwd().iterdir()} == {"data", "params.yaml", file.name, f"topics{into}"}


@pytest.mark.parametrize("into", [".jsonl", ".csv", ".parquet"])
def test_a_killed_run_goes_on_and_writes_the_same_bytes(
    model: Path, into: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(Path("texts.jsonl"), TEXTS)
    given = ("--file", "texts.jsonl", "--text", "body", "--model", model, "--all", "--out")
    classify(*given, f"whole{into}")
    answered, answer = [], Answering.__call__

    def killed(self: Answering, rows: Any) -> Any:
        answered.append(len(rows))
        if len(answered) == 3:
            raise KeyboardInterrupt
        return answer(self, rows)

    with monkeypatch.context() as patch:
        patch.setattr(Answering, "__call__", killed)
        with pytest.raises(KeyboardInterrupt):
            classify(*given, f"topics{into}")
    assert not Path(f"topics{into}").exists()
    assert len(list(Path(f"topics{into}.parts").glob("*.part"))) == 2
    capsys.readouterr()
    classify(*given, f"topics{into}")
    assert "23 texts, 10 of them by an earlier run" in capsys.readouterr().err
    assert Path(f"topics{into}").read_bytes() == Path(f"whole{into}").read_bytes()
    assert not Path(f"topics{into}.parts").exists()


def test_progress_is_that_of_answers_and_of_what_an_earlier_run_had_done(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(Path("texts.parquet"), TEXTS)
    given = ("--file", "texts.parquet", "--text", "body", "--model", model, "--out", "topics.parquet")
    seen: list[tuple[int, int]] = []  # rows that the bar has, rows that have been read by a model
    answer = Reader.answer
    read = []

    class Bar(tqdm):  # type: ignore[type-arg]
        def __init__(self, *_: Any, **options: Any) -> None:
            super().__init__(file=io.StringIO(), **{**options, "disable": False})
            assert options["total"] == len(TEXTS)

        def update(self, n: float | None = 1) -> bool | None:
            shown = super().update(n)
            seen.append((int(self.n), len(read)))
            return shown

    def counted(self: Reader, texts: Any, abstain: float = 0.0) -> Any:
        if len(read) == 13 and seen[-1] == (13, 13):  # in the middle of the third part
            raise KeyboardInterrupt
        read.extend(texts)
        return answer(self, texts, abstain)

    monkeypatch.setattr(predict, "tqdm", Bar)
    monkeypatch.setattr(Reader, "answer", counted)
    with pytest.raises(KeyboardInterrupt):
        classify(*given)
    assert seen == [(3, 3), (5, 5), (8, 8), (10, 10), (13, 13)]
    seen.clear()
    read.clear()
    classify(*given)
    assert seen == [(5, 0), (10, 0), (13, 3), (15, 5), (18, 8), (20, 10), (23, 13)]
    assert capsys.readouterr().err == "predict: topics.parquet: 23 texts, 10 of them by an earlier run\n"


def test_parts_of_another_question_are_not_taken(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(Path("texts.jsonl"), TEXTS)
    given = ("--file", "texts.jsonl", "--text", "body", "--model", model, "--out", "topics.jsonl")
    with monkeypatch.context() as patch:
        patch.setattr(bulk, "_join", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            classify(*given)
    classify(*given, "--abstain", "1")
    assert {row["topic"] for row in read(Path("topics.jsonl"))} == {None}


def test_types_of_parquet_are_kept_and_columns_of_our_names_too(model: Path) -> None:
    days = pyarrow.array([date(2026, 1, 1), None], pyarrow.date32())
    table = pyarrow.table(
        {"text": TEXTS[:2], "topic": [7, 8], "day": days, "n": pyarrow.array([1, 2], pyarrow.int16())}
    )
    parquet.write_table(table, "texts.parquet")
    classify("--file", "texts.parquet", "--out", "topics.parquet", "--model", model, "--all")
    found = parquet.read_table("topics.parquet")
    for name in ("text", "day", "n"):
        assert found[name].combine_chunks() == table[name].combine_chunks()
    assert found["given"].to_pylist() == [{"topic": 7}, {"topic": 8}]
    assert all(sum(row.values()) == pytest.approx(1, abs=1e-5) for row in found["probabilities"].to_pylist())


@pytest.mark.parametrize(
    ("name", "content", "given", "words"),
    [
        ("t.csv", b"id,body\n1,a\n", [], ["t.csv", "no column 'text'", "id, body", "--text"]),
        ("t.csv", b"text,id\na,1\nb\n", [], ["t.csv: line 3", "found 1 cells", "2 columns"]),
        ("t.tsv", b"text\n\xff\n", [], ["t.tsv: line 2", "UTF-8"]),
        ("t.parquet", b"PAR", [], ["t.parquet", "not a Parquet file"]),
        ("t.jsonl", b'{"text": 5}\n', [], ["t.jsonl: line 1", "string"]),
        ("t.jsonl", b'{"text": "a"}\n', ["--out", "t.xlsx"], ["t.xlsx", ".parquet"]),
        ("t.jsonl", b'{"text": "a"}\n', ["--out", "t.jsonl"], ["t.jsonl", "which is the --file"]),
        ("t.jsonl", b'{"text": "a"}\n', ["--abstain", "2"], ["--abstain", "0 to 1"]),
        ("t.tsv", b'id\ttext\n1\tSalut\n2\t"Bonjour\n3\tCiao\n', [], ["t.tsv: line 3", "quotation mark"]),
        ("t.csv", b"text,id,id\na,1,2\n", [], ["two columns are called 'id'"]),
        ("t.jsonl", b'{"text": "a", "n": 1}\n{"text": "a", "n": "x"}\n', ["--out", "o.parquet"], ["several types"]),
        ("t.jsonl", b'{"text": "a"}\n', ["--runtime", "onnx"], ["model.onnx", "crosswiki export"]),
    ],
)
def test_a_file_that_cannot_be_read_or_written_ends_in_a_line(
    model: Path, name: str, content: bytes, given: list[str], words: list[str]
) -> None:
    Path(name).write_bytes(content)
    with pytest.raises(UserError) as error:
        classify("--file", name, "--model", model, *(given if "--out" in given else [*given, "--out", "o.jsonl"]))
    assert all(word in str(error.value) for word in words), error.value
    assert "\n" not in str(error.value)
    assert not Path("o.jsonl").exists()


@pytest.mark.parametrize("into", ["o.jsonl", None])
def test_every_row_of_a_named_pipe_is_read_though_it_can_be_read_once(
    model: Path, into: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in `--file <(zcat texts.gz)`."""
    os.mkfifo("pipe.jsonl")
    rows = [json.dumps({"text": text}) + "\n" for text in TEXTS]
    thread = threading.Thread(target=lambda: Path("pipe.jsonl").write_text("".join(rows)))
    thread.start()
    classify("--file", "pipe.jsonl", "--model", model, *(["--out", into] if into else []))
    thread.join()
    answered = Path(into).read_text() if into else capsys.readouterr().out
    assert [json.loads(line)["text"] for line in answered.splitlines()] == TEXTS


def test_a_folder_is_not_written_over(model: Path) -> None:
    Path("o.parquet").mkdir()
    Path("o.parquet/part-0.parquet").write_text("mine")
    write(Path("t.jsonl"), TEXTS)
    with pytest.raises(UserError, match=r"--out: found o\.parquet, which is a folder"):
        classify("--file", "t.jsonl", "--text", "body", "--model", model, "--out", "o.parquet")
    assert Path("o.parquet/part-0.parquet").read_text() == "mine"


def test_a_file_without_rows_has_an_answer_without_rows(model: Path) -> None:
    for name in ("o.jsonl", "o.csv", "o.parquet"):
        Path("t.jsonl").write_text("")
        classify("--file", "t.jsonl", "--model", model, "--out", name)
        assert read(Path(name)) == []
    assert {"topic", "probability"} <= set(parquet.read_schema("o.parquet").names)


def test_rows_of_an_unfinished_last_part_are_counted_once(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(Path("t.jsonl"), TEXTS[:8])  # a part of five, and one of three
    given = ("--file", "t.jsonl", "--text", "body", "--model", model, "--out", "o.jsonl")
    with monkeypatch.context() as patched:
        patched.setattr(bulk, "_join", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            classify(*given)
    classify(*given)
    assert "o.jsonl: 8 texts, 8 of them by an earlier run" in capsys.readouterr().err


def test_a_single_text_may_have_a_name_of_its_own(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classify("--text", "Nachricht", "--model", model, TEXTS[0])
    assert json.loads(capsys.readouterr().out)["Nachricht"] == TEXTS[0]


def test_a_table_by_a_name_in_capitals_is_a_table(model: Path) -> None:
    Path("T.CSV").write_text("id,text\n1,river\n")
    classify("--file", "T.CSV", "--model", model, "--out", "o.jsonl")
    assert [row["id"] for row in read(Path("o.jsonl"))] == ["1"]


def test_a_gloss_takes_no_column_of_the_users(model: Path) -> None:
    answers = Answering(
        load_reader(model, "en"), "m", "text", 0.0, False, gloss=lambda texts: [t.upper() for t in texts]
    )
    (row,) = answers([{"text": "river", "gloss": "mine"}])
    assert (row["text"], row["gloss"], row["given"]) == ("river", "RIVER", {"gloss": "mine"})
