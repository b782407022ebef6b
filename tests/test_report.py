"""The report of a small made-up project; what it must show is stated here, not computed as the code does."""

import json
import re
import shutil
import time
from dataclasses import fields
from html.parser import HTMLParser
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest
import torch
from matplotlib.figure import Figure

from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.vectors import WordVectors
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameter_values import ROLES, Role
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.reporting.charts import DARK_CELL, confusion_chart, coverage_chart, curve_chart, label_chart, map_chart
from crosswiki.reporting.figures import DARK, LIGHT, svg
from crosswiki.reporting.page import Report, render
from crosswiki.reporting.sentences import headline, labels_needed
from crosswiki.reporting.tables import confusion_of, examples, read_coverage, spread
from crosswiki.reporting.word_space import neighbours, word_map
from crosswiki.reporting.wording import language_name, number, percent
from stages import report
from tests.measured import SCORES, scores_of, write_json, write_project, write_report, write_table

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CROSSWIKI_TRACKING", "off")
    write_project()
    return tmp_path


class Page(HTMLParser):
    """Checks that tags close in order, and keeps what a browser would fetch and what a person would read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "xlink:href")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its report, for those who only read it."""
    return write_report(tmp_path_factory.mktemp("finished")).parents[1]


@pytest.fixture(scope="module")
def page(finished: Path) -> str:
    return (finished / "metrics/report.html").read_text(encoding="utf-8")


def test_page_is_well_formed_and_needs_nothing_from_elsewhere(page: str) -> None:
    parsed = Page(page)
    assert parsed.open == []
    assert len(set(parsed.ids)) == len(parsed.ids)
    assert {link.removeprefix("#") for link in parsed.links} == set(parsed.ids), "all links lead into the page"
    assert not re.search(r"url\(|@import|https?://", page)
    assert not parsed.tags & {"script", "link", "iframe", "object", "embed", "img"}


def test_page_says_what_was_measured(page: str) -> None:
    text = " ".join(Page(page).text.split())
    assert "English → French, with xx as test" in text
    assert (
        "Without a single French label, the transplanted model is right on 79 % (77–81) of 1,943 unseen articles; "
        "with 2,000 labels the final model is right on 87 % (85–89), where TF-IDF on the same labels reaches 81 %."
    ) in text
    for shown in (
        "91.1",
        "86.1",
        "81.1",
        "61.2",
        "52.6",
        "79.4",
        "82.2",
        "39.7",
        "83.3",
        "87.1",
        "55.2",
        "63.5",
        "83.1",
    ):
        assert text.count(f"{shown} %") >= 2, shown  # in the chart and in the table
    assert "85.0–89.0" in text  # the interval of the final system's accuracy
    assert "82.1 %" in text  # its macro-F1
    assert "9,955" in text and "25.7 %" in text
    assert "distilled student is right on 83.3 %; TF-IDF reaches that between 440 and 1,760 labels." in text
    assert re.search(r"Billion operations a text\s*0.68\s*0.68", text)
    assert re.search(r"Parameters\s*17,193,739\s*17,193,739", text)
    assert "Nothing was trained here." in text  # the adaptation's curve is empty
    assert 'aria-label="Drift of the adapted encoder: drift from 0.06 to 0.025"' in page
    assert "long " * 34 in text and "long " * 36 not in text  # 200 letters of a text are shown
    assert re.search(r"Calibration error before scaling\s*6.9 %\s*6.9 %\s*6.9 %", text)
    assert re.search(r"Calibration error after scaling\s*2.1 %\s*2.1 %\s*2.1 %", text)
    assert re.search(r"Answered at 95 % accuracy\s*73.4 %\s*73.4 %\s*73.4 %", text)
    assert re.search(r"87.1 %\s*85.0–89.0\s*88.2 %\s*82.1 %", text)  # the estimate beside what was measured
    assert "estimates from the source's labels alone were 1.1 points off on average, and 1.1 at most." in text
    assert "CC BY-SA 4.0" in text
    assert "dvc exp run -S finetune_target.labels=500" in text


def test_missing_system_is_shown_as_not_available(page: str) -> None:
    table = page.split("xx (test)</caption>")[1].split("</table>", maxsplit=1)[0]
    row = next(row for row in table.split("<tr>") if "TF-IDF" in row)
    assert "not available" in row and "%" not in row


def test_text_from_outside_is_escaped(page: str) -> None:
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;Arts&#34;" in page
    assert "&lt;b&gt;été&lt;/b&gt;" in page


def test_charts_have_descriptions_and_colours_of_both_schemes(page: str) -> None:
    charts = re.findall(r'<svg role="img" aria-label="([^"]*)"(.*?)</svg>', page, re.DOTALL)
    assert page.count("<svg") == len(charts) == 3 + 3 + 7 + 1 + 1 + 1
    descriptions = [description for description, _ in charts]
    assert all(descriptions)
    assert "Accuracy in French: Word vectors 61.2 %" in descriptions[1].replace("\N{NO-BREAK SPACE}", " ")
    labels = next(words for words in descriptions if "French labels: TF-IDF" in words).replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert "TF-IDF from 56.5 % with 110 to 88.0 % with 1,760; Distilled 83.3 %; Transplanted 79.4 %; Fine" in labels
    used = {name for _, chart in charts for name in re.findall(r"var\(--(\w+)\)", chart)}
    assert used == set(LIGHT) == set(DARK)
    for name in used:
        assert f"--{name}:{LIGHT[name]}" in page and f"--{name}:{DARK[name]}" in page
    assert not any("#" + colour in chart for _, chart in charts for colour in ("000000", "ffffff"))


def contrast(one: list[float], other: list[float]) -> float:
    """Contrast ratio of two colours, red, green and blue from 0 to 1: WCAG 2.2."""

    def luminance(colour: list[float]) -> float:
        parts = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_letters_stand_out_from_the_paper_and_numbers_from_cells(scheme: dict[str, str]) -> None:
    colours = {name: [int(text[place : place + 2], 16) / 255 for place in (1, 3, 5)] for name, text in scheme.items()}
    for name in ("ink", "quiet", "target", "test", "final"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    for share in numpy.linspace(0, 1, 41):
        cell = [share * top + (1 - share) * low for top, low in zip(colours["heat"], colours["paper"], strict=True)]
        assert contrast(cell, colours["bright" if share > DARK_CELL else "ink"]) >= 4, share


def test_every_topic_has_its_row_even_one_called_none(page: str) -> None:
    matrices = re.findall(r'aria-label="Confusion matrix\. ([^"]*)"', page)
    # Ten articles a topic; 0, 12, 24 (evil), 4, 16, 28 (History), 8, 20 (None) are predicted as the next topic.
    evil = "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;Arts&#34;"
    rows = f"{evil}: 7 as {evil}, 3 as History; History: 7 as History, 3 as None; None: 2 as {evil}, 8 as None"
    assert matrices == 3 * [rows]
    for chart in re.findall(r'aria-label="Confusion matrix.*?</svg>', page, re.DOTALL):
        assert re.findall(r">(\d+)</text>", chart) == ["7", "3", "7", "3", "2", "8"]


def test_two_languages_are_enough_and_scores_may_be_missing(project: Path) -> None:
    params = Path("params.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(
        re.sub(r"(roles:.*?)  - test\b[^\n]*\n", r"\1", params, count=1, flags=re.S), "utf-8"
    )
    for path in [*project.rglob("test.*"), *project.rglob("test/*")]:
        path.unlink()
    predictions = pandas.read_csv("metrics/predictions/target.csv", dtype=str, keep_default_na=False)
    predictions.assign(actual="").to_csv("metrics/predictions/target.csv", index=False)
    none = {role: dict.fromkeys(SCORES[role]) for role in ("source", "target")}
    write_json("metrics/evaluation.json", none | {"unmeasured": {"target": "no label in the test split"}})
    shutil.rmtree("metrics/plots/confusion")
    report.main()
    text = Page((project / "metrics/report.html").read_text(encoding="utf-8")).text
    assert "English → French" in text
    assert "as test" not in text and "xx" not in text
    assert text.count("not available") == 10 + 2  # each system in the charts, the source's in the table
    assert text.count("no label in the test split") == 8 + 1  # each system's row, and a sentence
    assert text.count("There are none.") == 2
    assert "Confusions" not in text
    assert (project / "metrics/plots/confusion.png").read_bytes().startswith(b"\x89PNG")


def test_page_without_a_test_language_and_without_scores(project: Path) -> None:
    found = report.collect(load_parameters())
    names = {"source": "English", "target": "French"}
    bare: dict[str, Any] = {}
    for field in fields(found):
        value = getattr(found, field.name)
        bare[field.name] = {key: it for key, it in value.items() if key != "test"} if isinstance(value, dict) else value
    for file, measured in found.measures.items():
        bare["measures"][file] = {key: it for key, it in measured.items() if key != "test"}
    bare["evaluation"] = {"target": {"tfidf": None, "finetuned": None}}
    bare |= {
        "confusions": {},
        "coverages": {},
        "things": found.things[:0],
        "labels": {},
        "examples": {"Correct": [], "Wrong": []},
    }
    bare["curves"] = {title: table for title, table in found.curves.items() if "xx" not in title}
    bare["label_curve"] = found.label_curve[:0]
    page = render(Report(**{**bare, "evaluation": {role: found.evaluation[role] for role in names}}))
    assert Page(page).open == []
    page = render(Report(**bare))
    parsed = Page(page)
    assert parsed.open == []
    assert "English → French" in parsed.text
    assert "xx" not in parsed.text
    assert parsed.text.count("There are none.") == 2
    assert "No system has been scored on the target." in parsed.text
    assert parsed.text.count("not available") == 4  # in the chart and in the table
    assert "Confusion" not in page and "map of aligned words" not in page and "How sure" not in page


def test_same_inputs_give_the_same_bytes_in_the_three_outputs(finished: Path, project: Path) -> None:
    before = {path for path in project.rglob("*") if path.is_file()}
    time.sleep(1.1)  # a time in seconds would differ
    report.main()
    written = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file() and path not in before}
    assert written == {"metrics/report.html", "metrics/plots/systems.png", "metrics/plots/confusion.png"}
    for path in written:
        assert (project / path).read_bytes() == (finished / path).read_bytes()
    for name in ("systems", "confusion"):
        picture = (project / f"metrics/plots/{name}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert b"Matplotlib" not in picture


def test_unlabelled_role_has_its_estimate_and_the_reason(project: Path) -> None:
    evaluation = json.loads(Path("metrics/evaluation.json").read_text(encoding="utf-8"))
    evaluation["target"] = dict.fromkeys(evaluation["target"])
    evaluation["unmeasured"] = {"target": "no label in the test split"}
    evaluation["estimated_accuracy"] = {"target": {"copied": 0.4243, "finetuned": 0.7654}}
    write_json("metrics/evaluation.json", evaluation)
    report.main()
    page = (project / "metrics/report.html").read_text(encoding="utf-8")
    text = " ".join(Page(page).text.split())
    assert "French has not been measured: no label in the test split." in text
    assert "the final model is estimated to be right on 77 %." in text
    rows = re.findall(r"<tr>(.*?)</tr>", page.split("French (target)</caption>")[1].split("</table>")[0], re.S)[1:]
    cells = [re.findall(r">\s*([^<>]*[^<>\s])\s*<", row) for row in rows]
    assert {row[0]: row[-1] for row in cells if "%" in row[-1]} == {
        "Copied": "42.4\N{NO-BREAK SPACE}%",
        "Fine-tuned": "76.5\N{NO-BREAK SPACE}%",
    }
    assert all("no label in the test split" in row for row in rows)
    assert "nan" not in page.lower()


def test_coverage_is_drawn_from_the_surest_answers_on(project: Path) -> None:
    write_table("a.csv", {"id": ["1", "2", "3", "4"], "actual": [*"abab"], "finetuned": [*"abbb"]})
    Path("target.csv").write_bytes(Path("a.csv").read_bytes())
    write_table("confidence-target.csv", {"id": ["4", "3", "2", "1"], "finetuned": [0.6, 0.7, 0.9, 0.8]})
    curve = read_coverage(Path(), "target")
    assert [coverage for coverage, _ in curve] == [0.25, 0.5, 0.75, 1]
    assert [accuracy for _, accuracy in curve] == pytest.approx([1, 1, 2 / 3, 3 / 4])
    axes = Figure().add_subplot()
    coverage_chart({"target": curve}, {"target": "French"}, 0.95).draw(axes)
    assert axes.lines[0].get_xydata().tolist() == [list(pair) for pair in curve]
    assert list(axes.lines[1].get_ydata()) == [0.95, 0.95]


def test_glosses_are_shown_where_there_are_some(page: str, project: Path) -> None:
    assert "their glosses" not in page
    write_table("metrics/glosses/target.csv", {"id": ["001", "002"], "gloss": ["opening <one> summer", "two"]})
    report.main()
    text = " ".join(Page((project / "metrics/report.html").read_text(encoding="utf-8")).text.split())
    assert re.search(r"Title 1\s*Opening 1, <b>été</b>\. [long …]* opening <one> summer Title 2", text)


@pytest.mark.parametrize(
    "path",
    [
        "metrics/predictions/confidence-target.csv",
        "metrics/alignment/test.json",
        "metrics/evaluation.json",
        "metrics/predictions/target.csv",
        "metrics/plots/loss/distill.csv",
    ],
)
def test_missing_input_is_named(project: Path, path: str) -> None:
    (project / path).unlink()
    with pytest.raises(UserError, match=f"{re.escape(path)}: no such file"):
        report.main()


def test_headline_without_labels_or_baseline() -> None:
    names = {"source": "English", "target": "French", "test": "Spanish"}
    some, more = scores_of(0.8), scores_of(0.9)
    bare = {"target": {"transplanted": some, "finetuned": more, "tfidf": None}}
    sentences = [headline(bare, names, labels).replace("\N{NO-BREAK SPACE}", " ") for labels in (0, 50)]
    assert sentences == [
        "Without a single French label, the transplanted model is right on 80 % (78–82) of 1,943 unseen articles.",
        "Without a single French label, the transplanted model is right on 80 % (78–82) of 1,943 unseen articles; "
        "with 50 labels the final model is right on 90 % (88–92).",
    ]


def test_confusion_puts_topics_that_never_occur_last() -> None:
    table = pandas.DataFrame({"actual": ["b", "b", "c"], "predicted": ["b", "a", "c"]})
    confusion = confusion_of(table)
    assert list(confusion.index) == ["b", "c"]
    assert list(confusion.columns) == ["b", "c", "a"]
    assert confusion.to_numpy().tolist() == [[1, 0, 1], [0, 1, 0]]
    axes = Figure().add_subplot()
    confusion_chart(confusion).draw(axes)
    cells = [(cell.get_xy(), cell.get_facecolor()[3], cell.get_edgecolor()[3]) for cell in axes.patches]
    assert cells == [((-0.47, -0.47), 0.5, 1), ((1.53, -0.47), 0.5, 0), ((0.53, 0.53), 1, 1)]  # shares, and frames


def test_examples_are_right_and_wrong_and_name_the_predictions_of_others() -> None:
    answers = {
        "id": ["1", "2"],
        "actual": ["a", "b"],
        "finetuned": ["a", "a"],
        "tfidf": ["c", "b"],
        "copied": ["c", "a"],
    }
    articles = pandas.DataFrame({"id": ["2", "1"], "title": ["Two", None], "text": ["short", "long"]})
    found = examples(pandas.DataFrame(answers), articles, "finetuned", 3)
    shown = ("title", "text", "actual", "predicted", "others")
    assert {heading: [tuple(row[key] for key in shown) for row in rows] for heading, rows in found.items()} == {
        "Correct": [("1", "long", "a", "a", {"c": ["TF-IDF", "Copied"]})],
        "Wrong": [("Two", "short", "b", "a", {"a": ["Copied"], "b": ["TF-IDF"]})],
    }
    assert examples(pandas.DataFrame(answers), articles, "adapted", 3) == {"Correct": [], "Wrong": []}


def test_neighbours_are_the_same_vectors_and_no_words_spelt_alike() -> None:
    vectors = torch.eye(6) - torch.eye(6).mean(0)
    counts = numpy.arange(6, 0, -1)
    source = WordVectors(Vocabulary(("water", "river", "stone", "radio", "night", "table"), counts), vectors)
    aligned = torch.nn.functional.normalize(torch.eye(6) - torch.eye(6).mean(0))
    other = WordVectors(Vocabulary(("eau", "rivière", "pierre", "radio", "nuit", "table"), counts), aligned)
    found = neighbours(source, other, 2, 1)
    assert found == {"rivière": ["river"], "pierre": ["stone"]}
    assert list(neighbours(source, other, 4, 1)) == ["eau", "rivière", "pierre", "nuit"]


def rotated(vectors: torch.Tensor, noise: float, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(vectors + noise * torch.randn(vectors.shape, generator=generator))


def test_map_shows_translations_and_no_word_on_another() -> None:
    generator = torch.Generator().manual_seed(3)
    base = torch.nn.functional.normalize(torch.randn(300, 20, generator=generator))
    letters = [chr(97 + place // 26) + chr(97 + place % 26) for place in range(300)]
    names: dict[Role, list[str]] = {
        "source": [f"water{pair}" for pair in letters],
        "target": [chr(0x4E00 + place) * 2 for place in range(300)],
        "test": [f"вода{pair}" for pair in letters],
    }
    names["test"][150:] = names["source"][150:]  # spelled alike: they were in the seed dictionary
    vectors = {
        role: WordVectors(Vocabulary(tuple(words), numpy.arange(300, 0, -1)), rotated(base, 0.02, place))
        for place, (role, words) in enumerate(names.items())
    }
    things = word_map(vectors, 18)
    assert things["thing"].nunique() == 18
    pandas.testing.assert_frame_equal(word_map(vectors, 18), things)
    assert things[["x", "y"]].min().tolist() == [0, 0] and things[["x", "y"]].max().tolist() == [1, 1]
    for _, thing in things.groupby("thing"):
        assert list(thing["role"]) == list(ROLES)
        rows = {names[role].index(word) for role, word in zip(thing["role"], thing["word"], strict=True)}
        assert len(rows) == 1, "the three words are the same thing"
        assert 100 <= rows.pop() < 150
    assert word_map({role: WordVectors(Vocabulary(("a",), numpy.ones(1)), base[:1]) for role in ROLES}, 5).empty
    two: dict[Role, WordVectors] = {role: vectors[role] for role in ("source", "target")}
    assert {tuple(thing["role"]) for _, thing in word_map(two, 18).groupby("thing")} == {("source", "target")}

    codes: dict[Role, str] = {"source": "en", "target": "zh", "test": "ru"}
    drawn = svg(map_chart(things, codes), "map")
    assert drawn == svg(map_chart(things, codes), "map")
    words = []
    for style, x, y, word in re.findall(r'<text style="([^"]*)" x="([\d.]+)" y="([\d.]+)">([^<]*)</text>', drawn):
        wide = sum(12 if ord(letter) > 0x2E80 else 6.7 for letter in word)
        anchor = re.search(r"text-anchor:(\w+)", style)
        left = float(x) - wide * {"start": 0, "middle": 0.5, "end": 1}[anchor[1] if anchor else "start"]
        words.append((left, float(y) - 9, left + wide, float(y) + 2))
        assert left >= 0 and left + wide <= 720 and 9 <= float(y) <= 558
    points = [
        (float(x) - 3, float(y) - 3, float(x) + 3, float(y) + 3)
        for x, y in re.findall(r'<use href="[^"]*" x="([\d.]+)" y="([\d.]+)"', drawn)
    ]
    assert len(words) == len(points) >= 3 * 10
    assert len(words) % 3 == 0
    assert drawn.count('lang="zh"') == len(words) / 3
    for one, other in [*combinations(words, 2), *product(words, points)]:
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1], (one, other)


@pytest.mark.parametrize(("length", "shown"), [(8, range(1, 12)), (200, range(1))])
def test_map_leaves_out_what_has_no_room(length: int, shown: range, capsys: pytest.CaptureFixture[str]) -> None:
    codes: dict[Role, str] = {"source": "en", "target": "fr"}
    places = [(row, role, f"{role[0]}{row:02}".ljust(length, "x"), 0.5, 0.5) for row in range(12) for role in codes]
    things = pandas.DataFrame(places, columns=["thing", "role", "word", "x", "y"])
    drawn = svg(map_chart(things, codes), "map")
    words = re.findall(r">(\w+)</text>", drawn)
    assert len(words) % 2 == 0
    assert len(words) // 2 in shown
    assert {word[1:] for word in words if word[0] == "s"} == {word[1:] for word in words if word[0] == "t"}
    assert capsys.readouterr().out == ""


def label_curve() -> pandas.DataFrame:
    return pandas.DataFrame(
        {
            "labels": ["110", "440", "1760"],
            "accuracy": ["0.56", "0.79", "0.88"],
            "accuracy_low": ["0.54", "0.78", "0.86"],
            "accuracy_high": ["0.59", "0.81", "0.9"],
        }
    )


@pytest.mark.parametrize(
    ("without", "words"),
    [(0.5, "does better with 110 already"), (0.7, "between 110 and 440"), (0.95, "with all 1,760 labels")],
)
def test_sentence_gives_the_labels_that_are_needed(without: float, words: str) -> None:
    assert words in labels_needed(label_curve(), without, "French")


def test_label_curve_has_a_logarithmic_axis_and_names_clear_of_each_other() -> None:
    figure = Figure(figsize=(6, 4))
    axes = figure.add_subplot()
    levels = {"Distilled": 0.87, "Transplanted": 0.865}
    label_chart(label_curve(), levels, {"Fine-tuned": 0.9}, 200, "French labels").draw(axes)
    places = axes.transData.transform(axes.lines[0].get_xydata())
    steps = numpy.diff(places, axis=0)
    assert steps[0][0] == pytest.approx(steps[1][0])  # four times as many labels: as far on the logarithmic axis
    assert (steps[:, 1] > 0).all()
    assert [line.get_ydata()[0] for line in axes.lines[1:]] == [0.87, 0.865, 0.9]
    assert list(axes.lines[3].get_xdata()) == [200]
    legend = axes.get_legend()
    assert legend is not None
    # In the order in which the lines end on the right, so that the eye finds them.
    assert [text.get_text() for text in legend.get_texts()] == ["Fine-tuned", "TF-IDF", "Distilled", "Transplanted"]
    figure.draw_without_rendering()
    assert legend.get_window_extent().x0 >= axes.get_window_extent().x1, "the names stand beside the lines"
    boxes = [text.get_window_extent() for text in legend.get_texts()]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_curve_keeps_its_ends_and_stays_in_its_frame() -> None:
    axes = Figure().add_subplot()
    table = pandas.DataFrame({"words": [*map(str, range(0, 5000, 5))], "loss": [*map(str, range(1000))]})
    curve_chart("Loss", table).draw(axes)
    across, up = axes.lines[0].get_data()
    assert len(across) <= 301
    assert (across[0], up[0], across[-1], up[-1]) == (0, 0, 4995, 999)
    assert axes.get_xlim() == (0, 4995)
    assert axes.xaxis.get_major_formatter()(6_500_000) == "6.5\N{NO-BREAK SPACE}M"
    assert axes.get_ylim()[0] <= 0 and axes.get_ylim()[1] >= 999
    one = Figure().add_subplot()
    curve_chart("Loss", pandas.DataFrame({"step": ["1"], "loss": ["0.5"]})).draw(one)
    assert one.lines[0].get_marker() == "o", "a single point is to be seen"


def test_wording() -> None:
    assert (number(1234567), number(1.886276)) == ("1,234,567", "1.89")
    assert percent(0.8706) == "87.1\N{NO-BREAK SPACE}%"
    assert (language_name("zh"), language_name("be-tarask")) == ("Chinese", "be-tarask")
    assert (spread([0, 1, 2, 3, 4, 5, 6], 3), spread([0, 1], 3)) == ([0, 2, 4], [0, 1])
