"""The report, made from a small made-up project; what it must say is stated here, not computed as the code does."""

import json
import re
import shutil
import time
from html.parser import HTMLParser
from itertools import combinations, pairwise, product
from pathlib import Path

import numpy
import pandas
import pytest
import torch

from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.vectors import WordVectors, save_vectors
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters import ROLES, Role
from crosswiki.reporting.figures import curve_of
from crosswiki.reporting.label_chart import label_chart
from crosswiki.reporting.nearest import neighbours
from crosswiki.reporting.systems import headline
from crosswiki.reporting.tables import confusion_of, examples, spread
from crosswiki.reporting.wording import compact, language_name, number, percent
from crosswiki.reporting.wordmap import word_map
from stages import report

PROJECT = Path(__file__).parents[1]
EVIL = '<script>alert(1)</script> & "Arts"'
TOPICS = [EVIL, "History", "None"]  # the last one is what careless reading takes for a missing value
LANGUAGES = {"source": "en", "target": "fr", "test": "xx"}
SCORES = {
    "source": {"teacher": 0.9111, "tfidf": 0.8612},
    "target": {"tfidf": 0.8109, "word_vectors": 0.6123, "copied": 0.5261, "transplanted": 0.7941}
    | {"adapted": 0.8224, "scratch": 0.3971, "distilled": 0.8333, "finetuned": 0.8706},
    "test": {"tfidf": None, "word_vectors": 0.5517, "copied": 0.6352, "transplanted": 0.8308},
}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def scores_of(accuracy: float) -> dict[str, float]:
    intervals = {"accuracy": (accuracy, 0.0204, 0.0196), "macro_f1": (accuracy - 0.05, 0.03, 0.03)}
    scores = {name: value for name, (value, _, _) in intervals.items()}
    lows = {f"{name}_low": value - down for name, (value, down, _) in intervals.items()}
    highs = {f"{name}_high": value + up for name, (value, _, up) in intervals.items()}
    return {**scores, **lows, **highs, "n": 1943}


def write_table(path: str, table: dict[str, list[object]]) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pandas.DataFrame(table).to_csv(path, index=False)


def write_json(path: str, value: object) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(value), encoding="utf-8")


def save_words(folder: str, words: list[str], vectors: torch.Tensor) -> None:
    Path(folder).mkdir(parents=True)
    counts = numpy.arange(len(words), 0, -1) * 10
    save_vectors(WordVectors(Vocabulary(tuple(words), counts), vectors), Path(folder))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CROSSWIKI_TRACKING", "off")
    shutil.copy(PROJECT / "params.yaml", "params.yaml")
    generator = torch.Generator().manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(40, 8, generator=generator))
    save_words("models/skipgram/source", [f"english{chr(97 + i % 26) * (1 + i // 26)}" for i in range(40)], vectors)
    for role in ("target", "test"):
        words = [f"autre{chr(97 + i % 26) * (1 + i // 26)}" for i in range(40)]
        save_words(f"models/aligned/{role}", words, vectors)
        aligned = {
            "precision_at_1": 0.2571,
            "precision_at_5": 0.4143,
            "n": 70,
            "dictionary_size": 2202,
            "induced": 6755,
        }
        write_json(f"metrics/alignment/{role}.json", aligned)
        write_json(f"metrics/transplant/{role}.json", {"tokens": 30000, "copied": 643, "mixed": 22538, "drawn": 6819})
    for role in ROLES:
        Path(f"data/prepared/{role}").mkdir(parents=True)
        ids = [f"{i:03}" for i in range(30)]
        actual = [TOPICS[i % 3] for i in range(30)]
        articles = pandas.DataFrame({"id": ids, "topic": actual, "concept": ids})
        articles["title"] = [None, *(f"Title {i}" for i in range(1, 30))]
        articles["text"] = [f"Opening {i}, <b>été</b>. " + "long " * 100 for i in range(30)]
        articles["language"], articles["split"] = LANGUAGES[role], "test"
        articles.to_parquet(f"data/prepared/{role}/articles.parquet", index=False)
        said = {
            system: [TOPICS[(i + (i % 4 == 0)) % 3] for i in range(30)]  # every fourth one is wrong
            for system, accuracy in SCORES[role].items()
            if accuracy is not None
        }
        write_table(f"metrics/predictions/{role}.csv", {"id": ids, "actual": actual, **said})
        final = said["teacher" if role == "source" else "finetuned" if role == "target" else "transplanted"]
        write_table(f"metrics/plots/confusion/{role}.csv", {"actual": actual, "predicted": final})
        write_table(f"metrics/plots/skipgram/{role}.csv", {"words": [10**5, 2 * 10**5, 10**6], "loss": [3.5, 2.5, 2.0]})
        corpus = {"articles": 9955, "labelled": 9000, "words": 479528, "vocabulary": 13255, "out_of_vocabulary": 0.0664}
        splits = {"train": {EVIL: 7041}, "validation": {"History": 971}, "test": {"None": 1943}}
        write_json(f"metrics/corpus/{role}.json", {**corpus, "labels": splits})
        write_json(f"metrics/skipgram/{role}.json", {"loss": 2.002351, "vocabulary": 13255, "tokens": 447709})
    for name in ("finetune_source", "distill", "finetune_target"):
        write_table(f"metrics/plots/loss/{name}.csv", {"step": [5, 10, 15], "loss": [2.4, 1.2, 0.8]})
    write_table("metrics/plots/loss/adapt.csv", {"step": [], "loss": []})
    write_table("metrics/plots/drift.csv", {"step": [5, 10, 15], "drift": [0.06, 0.045, 0.025]})
    scores = {
        role: {system: accuracy and scores_of(accuracy) for system, accuracy in systems.items()}
        for role, systems in SCORES.items()
    }
    write_json("metrics/evaluation.json", scores)
    sizes = {"layers": 3, "parameters": 17193739, "embedding_parameters": 11520000, "vocabulary": 30000}
    size = {**sizes, "gigaflops": 0.679629}
    write_json("metrics/sizes.json", {"teacher": size, "finetuned": size})
    curve = {"labels": [110, 440, 1760], "accuracy": [0.565, 0.795, 0.88]}
    curve |= {"accuracy_low": [0.54, 0.78, 0.86], "accuracy_high": [0.59, 0.81, 0.9]}
    write_table("metrics/plots/labels.csv", {key: list(values) for key, values in curve.items()})
    write_json("metrics/finetune_source.json", {"labels": 4000})
    write_json("metrics/finetune_target.json", {"labels": 2000})
    return tmp_path


class Page(HTMLParser):
    """Checks that tags close in order, and keeps what a browser would fetch and what a person would read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


@pytest.fixture
def page(project: Path) -> str:
    report.main()
    return (project / "metrics/report.html").read_text(encoding="utf-8")


def test_page_is_well_formed_and_needs_nothing_from_elsewhere(page: str) -> None:
    parsed = Page(page)
    assert parsed.open == parsed.links == []
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
    assert "distilled student is right on 83.3 %; TF-IDF gets there between 440 and 1,760 labels." in text
    assert re.search(r"Billion operations a text\s*0.68\s*0.68", text)
    assert re.search(r"Parameters\s*17,193,739\s*17,193,739", text)
    assert "Nothing was trained here." in text  # the adaptation's curve is empty
    assert 'aria-label="Drift of the adapted encoder: drift from 0.06 to 0.025"' in page
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


def test_every_topic_has_its_row_even_one_called_none(page: str) -> None:
    rows = re.findall(r'<tr><th scope="row">(?:None|History)</th>.*?</tr>', page)
    assert len(rows) == 2 * 3
    # Ten articles a topic. Articles 0, 12, 24 (evil), 4, 16, 28 (History), 8, 20 (None) are taken for the next topic.
    counts = [[cell or "0" for cell in re.findall(r">(\d*)</td>", row)] for row in rows]
    assert counts == 3 * [["0", "7", "3"], ["2", "0", "8"]]


def test_same_inputs_give_the_same_bytes(page: str, project: Path) -> None:
    chart = (project / "metrics/plots/systems.png").read_bytes()
    confusion = (project / "metrics/plots/confusion.png").read_bytes()
    time.sleep(1.1)  # a time in seconds would differ
    report.main()
    assert (project / "metrics/report.html").read_text(encoding="utf-8") == page
    assert (project / "metrics/plots/systems.png").read_bytes() == chart
    assert (project / "metrics/plots/confusion.png").read_bytes() == confusion
    assert b"Matplotlib" not in chart + confusion
    assert chart.startswith(b"\x89PNG")


def test_only_the_two_outputs_are_written(project: Path) -> None:
    before = {path for path in project.rglob("*") if path.is_file()}
    report.main()
    written = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file() and path not in before}
    assert written == {"metrics/report.html", "metrics/plots/systems.png", "metrics/plots/confusion.png"}


@pytest.mark.parametrize(
    "path", ["metrics/evaluation.json", "metrics/predictions/target.csv", "metrics/plots/loss/distill.csv"]
)
def test_missing_input_is_named(project: Path, path: str) -> None:
    (project / path).unlink()
    with pytest.raises(UserError, match=f"{re.escape(path)}: no such file"):
        report.main()


def test_headline_without_labels_or_baseline() -> None:
    names = {"source": "English", "target": "French", "test": "Spanish"}
    some, more = scores_of(0.8), scores_of(0.9)
    bare = {"target": {"transplanted": some, "finetuned": more, "tfidf": None}}
    said = [headline(bare, names, labels).replace("\N{NO-BREAK SPACE}", " ") for labels in (0, 50)]
    assert said == [
        "Without a single French label, the transplanted model is right on 80 % (78–82) of 1,943 unseen articles.",
        "Without a single French label, the transplanted model is right on 80 % (78–82) of 1,943 unseen articles; "
        "with 50 labels the final model is right on 90 % (88–92).",
    ]


def test_confusion_puts_topics_that_never_occur_last() -> None:
    table = pandas.DataFrame({"actual": ["b", "b", "c"], "predicted": ["b", "a", "c"]})
    confusion = confusion_of(table)
    assert confusion.said == ["b", "c", "a"]
    shown = [(topic, [(cell.count, cell.share, cell.right) for cell in cells]) for topic, cells in confusion.rows]
    assert shown == [
        ("b", [(1, 0.5, True), (0, 0.0, False), (1, 0.5, False)]),
        ("c", [(0, 0.0, False), (1, 1.0, True), (0, 0.0, False)]),
    ]


def test_examples_are_right_and_wrong_and_say_what_the_others_said() -> None:
    answers = {
        "id": ["1", "2"],
        "actual": ["a", "b"],
        "finetuned": ["a", "a"],
        "tfidf": ["c", "b"],
        "copied": ["c", "a"],
    }
    articles = pandas.DataFrame({"id": ["2", "1"], "title": ["Two", None], "text": ["short", "x" * 300]})
    right, wrong = examples(pandas.DataFrame(answers), articles, "finetuned", 3)
    assert [(e.title, e.actual, e.said, e.others) for e in right] == [("1", "a", "a", [("c", ["TF-IDF", "Copied"])])]
    assert right[0].text == "x" * 200 + "…"
    assert [(e.title, e.text, e.others) for e in wrong] == [("Two", "short", [("a", ["Copied"]), ("b", ["TF-IDF"])])]


def test_neighbours_are_the_same_vectors_and_no_words_spelt_alike() -> None:
    vectors = torch.eye(6) - torch.eye(6).mean(0)
    counts = numpy.arange(6, 0, -1)
    source = WordVectors(Vocabulary(("water", "river", "stone", "radio", "night", "table"), counts), vectors)
    aligned = torch.nn.functional.normalize(torch.eye(6) - torch.eye(6).mean(0))
    other = WordVectors(Vocabulary(("eau", "rivière", "pierre", "radio", "nuit", "table"), counts), aligned)
    found = neighbours(source, other, 2, 1)
    assert found == [("rivière", ["river"]), ("pierre", ["stone"])]
    assert [word for word, _ in neighbours(source, other, 4, 1)] == ["eau", "rivière", "pierre", "nuit"]


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
    names["test"][150:] = names["source"][150:]  # spelled alike: the alignment was told of them
    vectors = {
        role: WordVectors(Vocabulary(tuple(words), numpy.arange(300, 0, -1)), rotated(base, 0.02, place))
        for place, (role, words) in enumerate(names.items())
    }
    things = word_map(vectors, 18)
    assert 10 <= len(things) <= 18
    assert word_map(vectors, 18) == things
    words, points = [], []
    for thing in things:
        rows = {names[place.role].index(place.word) for place in thing}
        assert len(rows) == 1, "the three words are the same thing"
        assert 100 <= rows.pop() < 150
        for place in thing:
            wide = sum(13 if ord(letter) > 0x2E80 else 7.2 for letter in place.word)
            words.append((place.left, place.base - 10, place.left + wide, place.base + 3))
            assert place.left >= 0 and place.left + wide <= 760 and 10 <= place.base <= 520
            points.append((place.x - 3, place.y - 3, place.x + 3, place.y + 3))
    for one, other in [*combinations(words, 2), *product(words, points)]:
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1], (one, other)
    assert word_map({role: WordVectors(Vocabulary(("a",), numpy.ones(1)), base[:1]) for role in ROLES}, 5) == []


@pytest.mark.parametrize(
    ("without", "words"),
    [(0.5, "does better with 110 already"), (0.7, "between 110 and 440"), (0.95, "with all 1,760 labels")],
)
def test_label_chart_says_what_a_label_is_worth(without: float, words: str) -> None:
    table = pandas.DataFrame(
        {
            "labels": ["110", "440", "1760"],
            "accuracy": ["0.56", "0.79", "0.88"],
            "accuracy_low": ["0.54", "0.78", "0.86"],
            "accuracy_high": ["0.59", "0.81", "0.9"],
        }
    )
    scores = {"distilled": scores_of(without), "transplanted": scores_of(without - 0.01), "finetuned": scores_of(0.9)}
    chart = label_chart(table, scores, 200, "French")
    assert chart is not None
    assert words in chart.sentence
    points = [tuple(map(float, point.split(","))) for point in chart.line.split()]
    steps = [after[0] - before[0] for before, after in pairwise(points)]
    assert steps[0] == pytest.approx(steps[1], abs=0.2)  # four times as many labels: as far on the logarithmic axis
    assert points[0][1] > points[1][1] > points[2][1]
    assert [(dot.name, points[0][0] < dot.x < points[1][0]) for dot in chart.dots] == [("Fine-tuned", True)]
    heights = sorted(level.words for level in (*chart.levels, chart.baseline))
    assert all(after - before >= 16 for before, after in pairwise(heights))
    assert label_chart(table[:1], scores, 200, "French") is None


def test_curve_stays_in_its_frame() -> None:
    drawn = curve_of(pandas.DataFrame({"words": [*map(str, range(0, 5000, 5))], "loss": [*map(str, range(1000))]}), "x")
    points = [tuple(map(float, point.split(","))) for point in drawn.line.split()]
    assert len(points) <= 301
    assert all(34 <= x <= 306 and 8 <= y <= 136 for x, y in points)
    assert points[0] == (34, 136)  # the lowest loss is at the bottom, the first step on the left
    assert points[-1][0] == 306
    assert curve_of(pandas.DataFrame({"step": ["1"], "loss": ["0.5"]}), "x").line
    assert curve_of(pandas.DataFrame({"step": [], "loss": []}), "x").line == ""


def test_wording() -> None:
    assert (number(1234567), number(1.886276)) == ("1,234,567", "1.89")
    assert (compact(6_500_000), compact(1500)) == ("6.5\N{NO-BREAK SPACE}M", "1,500")
    assert percent(0.8706) == "87.1\N{NO-BREAK SPACE}%"
    assert (language_name("zh"), language_name("be-tarask")) == ("Chinese", "be-tarask")
    assert (spread([0, 1, 2, 3, 4, 5, 6], 3), spread([0, 1], 3)) == ([0, 2, 4], [0, 1])
