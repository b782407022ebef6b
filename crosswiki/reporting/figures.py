"""Charts by matplotlib: as SVG inside the page, whose style sheet sets their colours, and as PNG files."""

import io
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import matplotlib.style
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from crosswiki.reporting.wording import UNKNOWN

PALETTE = {  # each colour on white paper and on a dark screen; no two are equal, so that a colour tells its name
    "paper": ("#ffffff", "#14171a"),
    "ink": ("#16191d", "#e6e9ed"),
    "quiet": ("#565e68", "#a4acb6"),
    "rule": ("#d8dde4", "#3b424b"),
    "baseline": ("#808998", "#7d8694"),
    "transfer": ("#4a8cc7", "#4c8fcd"),
    "final": ("#0b4a8f", "#9ccbff"),
    "heat": ("#0b4a90", "#1a62b0"),  # the largest share of a confusion matrix, and numbers on it
    "bright": ("#fefefe", "#e7eaee"),
    "target": ("#0b5fbf", "#7ab6ff"),
    "test": ("#b3470b", "#ffa06b"),
}
LIGHT, DARK = ({name: colours[scheme] for name, colours in PALETTE.items()} for scheme in (0, 1))
STYLE = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, and is wider than most: what fits in it fits in others
    "font.size": 12,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a topic may hold two dollar signs
    "text.color": LIGHT["ink"],
    "axes.labelcolor": LIGHT["quiet"],
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "xaxis.labellocation": "right",
    "grid.linewidth": 0.8,
    **dict.fromkeys(("axes.edgecolor", "grid.color", "xtick.color", "ytick.color"), LIGHT["rule"]),
    **dict.fromkeys(("xtick.labelcolor", "ytick.labelcolor"), LIGHT["quiet"]),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "axes.spines.left", "xtick.bottom", "ytick.left"), False),
    **dict.fromkeys(("figure.constrained_layout.h_pad", "figure.constrained_layout.w_pad"), 2 / 72),
}
TAGS = (  # what of matplotlib's tags is not wanted in a page, and what stands there instead
    (r'<svg.*( viewBox="[^"]*").*>', r"<svg\1>"),
    (r' id="lang=', ' lang="'),
    (r' id="[^"]*_\d+"| font-family: [^;"]*;| transform="rotate\(-0 [^"]*\)"', ""),
    (r"xlink:href", "href"),
    (r"(\d+\.\d\d)\d+", r"\1"),
    (r"(?<=[:;]) | stroke-linejoin: miter;?|(?<=\d) (?=[A-Zz] )| z (?=\")|(?<=[ML]) (?=[\d-])", ""),
)


@dataclass(frozen=True)
class Chart:
    """What is drawn, what it says to those who do not see it, and the room that it needs, in CSS pixels."""

    draw: Callable[[Axes], None]
    description: str
    width: float
    height: float


def svg(chart: Chart, name: str) -> Markup:
    """Draw a chart as an SVG element that can stand in an HTML page, in light and in dark colours.

    The same chart gives the same text. Names inside the element begin with its own, which no other chart may have.
    """
    file = io.StringIO()
    with _style(name):
        figure = Figure(figsize=(chart.width / 72, chart.height / 72), layout="constrained")
        chart.draw(figure.add_subplot())
        _lay_out(figure)
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))

    def shorten(match: re.Match[str]) -> str:
        tag = " ".join(match[0].split())
        for pattern, replacement in (*TAGS, *((colour, f"var(--{key})") for key, colour in LIGHT.items())):
            tag = re.sub(pattern, replacement, tag)
        return re.sub(r'( id="|href="#)', rf"\1{name}-", tag)

    text = re.sub(r"(?s)^.*?(?=<svg)|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", file.getvalue())
    text, groups = re.sub(r">\s+<", "><", re.sub(r"<[^>]+>", shorten, text)).strip(), 1
    while groups:  # groups without attributes group nothing
        text, groups = re.subn(r"<g>((?:(?!</?g\b).)*)</g>|<defs></defs>", r"\1", text)
    limits = f"min-width:{0.75 * chart.width:g}px;max-width:{1.25 * chart.width:g}px"  # so that letters stay letters
    head = f'<svg role="img" aria-label="{escape(chart.description)}" style="{limits}"'
    return Markup(head + text.removeprefix("<svg"))  # noqa: S704


def save_png(panels: Mapping[str, Chart], path: Path) -> None:
    """Draw charts under each other as a PNG file in light colours; the same charts give the same bytes."""
    panels = panels or {"": Chart(Axes.set_axis_off, "", 200, 48)}  # dvc.yaml names the file all the same
    width, heights = max(chart.width for chart in panels.values()), [chart.height + 24 for chart in panels.values()]
    with _style("png"):
        figure = Figure(figsize=(width / 72, sum(heights) / 72), layout="constrained")
        parts = figure.subfigures(len(panels), 1, squeeze=False, height_ratios=heights).ravel()
        for part, (title, chart) in zip(parts, panels.items(), strict=True):
            chart.draw(part.add_subplot())
            part.suptitle(title or UNKNOWN, x=0.01, ha="left", fontsize=13, fontweight="bold")
        figure.savefig(path, format="png", dpi=120, metadata={"Software": None})


def stand_in(word: str) -> str:
    """A text that is as wide as another, in letters that the font has: W for the wide ones of East Asia."""
    return "".join("W" if unicodedata.east_asian_width(letter) in "WF" else letter for letter in word)


@contextmanager
def _style(salt: str) -> Iterator[None]:
    """The charts' style, whatever the user's own matplotlib looks like."""
    with matplotlib.style.context(["default", {**STYLE, "svg.hashsalt": salt}]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from")  # the browser has a font for it
        yield


def _lay_out(figure: Figure) -> None:
    """Place the axes so that texts in the browser's fonts have room, keep the places, and clip nothing."""
    texts = {text: text.get_text() for text in figure.findobj(Text)}
    for text, words in texts.items():
        text.set_text(stand_in(words))
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for text, words in texts.items():
        text.set_text(words)
    for background in (figure.patch, figure.axes[0].patch):
        background.set_visible(False)
    for artist in figure.findobj():
        artist.set_clip_on(False)
