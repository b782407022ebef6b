"""Figures from matplotlib: as SVG inside the page, whose colours the page's style sheet sets, and as PNG files."""

import io
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import matplotlib.style
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from crosswiki.reporting.wording import UNKNOWN

Draw = Callable[[Axes], None]

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
WIDE = "W"  # a letter as wide as those of East Asia, in a font that has it
STYLE = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, and is wider than most: what fits in it fits in others
    "font.size": 12,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a topic may hold two dollar signs
    "text.color": LIGHT["ink"],
    "axes.edgecolor": LIGHT["rule"],
    "axes.labelcolor": LIGHT["quiet"],
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": LIGHT["rule"],
    "xtick.color": LIGHT["rule"],
    "ytick.color": LIGHT["rule"],
    "xtick.labelcolor": LIGHT["quiet"],
    "ytick.labelcolor": LIGHT["quiet"],
    "xtick.bottom": False,
    "ytick.left": False,
    "figure.constrained_layout.h_pad": 2 / 72,
    "figure.constrained_layout.w_pad": 2 / 72,
}


def svg(draw: Draw, name: str, description: str, width: float, height: float) -> Markup:
    """Draw a chart as an SVG element that can stand in an HTML page, in light and in dark colours.

    The same chart gives the same text. References inside the element begin with its name.

    Args:
        draw: draws on the axes that it is given.
        name: of the chart; no other chart of the page may have it.
        description: for those who do not see the picture.
        width: in CSS pixels, before the page scales it.
        height: likewise.
    """
    file = io.StringIO()
    with _style(name):
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        draw(figure.add_subplot())
        _lay_out(figure)
        for background in (figure.patch, figure.axes[0].patch):
            background.set_visible(False)
        for artist in figure.findobj():
            artist.set_clip_on(False)
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    limits = f"min-width:{0.75 * width:g}px;max-width:{1.25 * width:g}px"  # so that letters stay letters
    head = f'<svg role="img" aria-label="{escape(description)}" style="{limits}"'
    return Markup(head + _inline(file.getvalue(), name).removeprefix("<svg"))  # noqa: S704


def save_png(panels: Mapping[str, Draw], path: Path, width: float, heights: list[float], across: bool = False) -> None:
    """Draw charts under each other, or side by side, as one PNG file with light colours; a panel's key is its title.

    The same charts give the same bytes.

    Args:
        panels: draws each panel.
        path: the file.
        width: of a panel, in points.
        heights: of the panels, in points.
        across: the panels stand side by side.
    """
    if not panels:  # dvc.yaml names the file all the same
        panels, heights = {UNKNOWN: Axes.set_axis_off}, [48]
    rows, columns = (1, len(panels)) if across else (len(panels), 1)
    size = (width * columns / 72, (max(heights) if across else sum(heights)) / 72)
    with _style("png"):
        figure = Figure(figsize=size, layout="constrained")
        ratios = None if across else heights
        parts = figure.subfigures(rows, columns, squeeze=False, height_ratios=ratios).ravel()
        for part, (title, draw) in zip(parts, panels.items(), strict=True):
            draw(part.add_subplot())
            part.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        figure.savefig(path, format="png", dpi=120, metadata={"Software": None})


def stand_in(word: str) -> str:
    """A text that is as wide as another, in letters that the font has."""
    return "".join(WIDE if unicodedata.east_asian_width(letter) in "WF" else letter for letter in word)


@contextmanager
def _style(salt: str) -> Iterator[None]:
    """The charts' style, whatever the user's own matplotlib looks like."""
    with matplotlib.style.context(["default", {**STYLE, "svg.hashsalt": salt}]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from")  # the browser has a font for it
        yield


def _lay_out(figure: Figure) -> None:
    """Place the axes so that texts in the browser's fonts have room, and keep the places."""
    texts = {text: text.get_text() for text in figure.findobj(Text)}
    for text, words in texts.items():
        text.set_text(stand_in(words))
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for text, words in texts.items():
        text.set_text(words)


def _inline(document: str, name: str) -> str:
    """Turn an SVG document into an element of a page: colours by their names, short numbers, no ids but the chart's."""
    text = re.sub(
        r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", document[document.index("<svg") :], flags=re.S
    )
    text = re.sub(r"<[^>]+>", lambda tag: _shorten(" ".join(tag[0].split()), name), text)
    text, groups = re.sub(r">\s+<", "><", text).strip(), 1
    while groups:  # groups without attributes group nothing
        text, groups = re.subn(r"<g>((?:(?!</?g\b).)*)</g>|<defs></defs>", r"\1", text)
    return text


def _shorten(tag: str, name: str) -> str:
    for key, colour in LIGHT.items():
        tag = tag.replace(colour, f"var(--{key})")
    for pattern, replacement in (
        (r'(?<=<svg).* (viewBox="[^"]*").*(?=>)', r" \1"),
        (r' id="lang=', ' lang="'),
        (r' id="[^"]*_\d+"', ""),
        (r'( id="|"#)', rf"\1{name}-"),
        (r"xlink:href", "href"),
        (r" font-family: [^;\"]*;| transform=\"rotate\(-0 [^\"]*\)\"", ""),
        (r"(\d+\.\d\d)\d+", r"\1"),
        (r"(?<=[a-z][:;]) (?=[\w#.])|(?<=[\d)];) | (?=[A-Za-z] [\d-])|(?<=[ML]) (?=[\d-])", ""),
    ):
        tag = re.sub(pattern, replacement, tag)
    return tag
