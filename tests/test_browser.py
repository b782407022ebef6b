"""The report in a browser: on a phone, on a desk, in both colour schemes, and on paper."""

import json
import re
import shutil
import subprocess
from html import escape
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.measured import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser looks at the report: apt-get install chromium"),
]
QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
# What in a page of a given width is too wide, which letters a chart cuts off, and which lie on others.
MEASURE = """
const frame = document.querySelector("iframe"), page = frame.contentDocument
const inside = (one, other) => one.left >= other.left - 2 && one.right <= other.right + 2 &&
    one.top >= other.top - 2 && one.bottom <= other.bottom + 2
const apart = (one, other) => one.right - 4 <= other.left || other.right - 4 <= one.left ||
    one.bottom - 4 <= other.top || other.bottom - 4 <= one.top
const paper = frame.contentWindow.getComputedStyle(page.body).backgroundColor
const found = {width: page.documentElement.scrollWidth, paper, charts: 0, cut: [], covered: []}
for (const chart of page.querySelectorAll("svg")) {
    found.charts += 1
    const frame = chart.getBoundingClientRect()
    const texts = [...chart.querySelectorAll("text")].map(text => [text.textContent, text.getBoundingClientRect()])
    for (const [place, [words, box]] of texts.entries()) {
        if (!inside(box, frame)) found.cut.push(words)
        for (const [other, its] of texts.slice(place + 1))
            if (!apart(box, its)) found.covered.push([words, other])
    }
}
document.body.textContent = JSON.stringify(found)
"""


def browse(folder: Path, address: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Open a page in a browser with a new and empty profile."""
    profile = folder / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", *QUIET]
    command += [f"--user-data-dir={profile}", "--enable-logging=stderr", *arguments, address.as_uri()]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(tmp_path_factory.mktemp("browsed"))


def measure(page: Path, folder: Path, width: int, scheme: int) -> dict[str, Any]:
    content = escape(page.read_text(encoding="utf-8"))
    wrapper = folder / "wrapper.html"
    frame = f'<iframe style="border:0;width:{width}px;height:9000px" srcdoc="{content}"></iframe>'
    wrapper.write_text(
        f"<meta charset=utf-8><body>{frame}<script>onload = () => {{{MEASURE}}}</script>", encoding="utf-8"
    )
    settings = f"--blink-settings=preferredColorScheme={scheme}"
    opened = browse(folder, wrapper, "--window-size=1300,9100", settings, "--dump-dom")
    assert "CONSOLE" not in opened.stderr, opened.stderr
    found = re.search(r"<body>(\{.*\})</body>", opened.stdout, re.DOTALL)
    assert found is not None, opened.stdout[-2000:]
    return json.loads(found[1])


@pytest.mark.parametrize(
    ("scheme", "paper"), [(1, "rgb(255, 255, 255)"), (0, "rgb(20, 23, 26)")], ids=["light", "dark"]
)
@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_too_wide_cut_off_or_covered(
    page: Path, tmp_path: Path, width: int, scheme: int, paper: str
) -> None:
    found = measure(page, tmp_path, width, scheme)
    assert found["width"] <= width
    assert found["paper"] == paper
    assert found["charts"] == page.read_text(encoding="utf-8").count("<svg") > 10
    assert found["cut"] == []
    assert found["covered"] == []


def test_measure_finds_what_is_wrong(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.html"
    texts = [(1, 20, "one"), (9, 20, "two"), (45, 45, "out")]
    letters = "".join(f'<text x="{x}" y="{y}">{word}</text>' for x, y, word in texts)
    svg = f'<svg width="50" height="50">{letters}</svg>'
    wrong.write_text(f'{svg}<div style="width:400px">wide</div>', encoding="utf-8")
    found = measure(wrong, tmp_path, 360, 1)
    assert found["width"] > 360
    assert (found["cut"], found["covered"]) == (["out"], [["one", "two"]])
    wrong.write_text("<script>console.log('hello')</script>", encoding="utf-8")
    with pytest.raises(AssertionError, match="hello"):
        measure(wrong, tmp_path, 360, 1)


def test_paper_has_every_section(page: Path, tmp_path: Path) -> None:
    pdf = tmp_path / "report.pdf"
    browse(tmp_path, page, f"--print-to-pdf={pdf}", "--no-pdf-header-footer")
    printed = " ".join(" ".join(leaf.extract_text() for leaf in PdfReader(pdf).pages).split())
    headings = re.findall(r"<h[23]>(.*?)</h[23]>", page.read_text(encoding="utf-8"))
    assert len(headings) >= 9
    places = [printed.find(heading) for heading in headings]
    assert -1 not in places, dict(zip(headings, places, strict=True))
    assert places == sorted(places)
