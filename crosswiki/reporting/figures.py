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

Draw = Callable[[Axes], None]

# Each colour on white paper and on a dark screen. No two may be equal: the colour of an SVG file tells its name.
LIGHT = {
    "paper": "#ffffff",
    "ink": "#16191d",
    "quiet": "#565e68",
    "rule": "#d8dde4",
    "baseline": "#808998",
    "transfer": "#4a8cc7",
    "final": "#0b4a8f",
    "target": "#0b5fbf",
    "test": "#b3470b",
}
DARK = {
    "paper": "#14171a",
    "ink": "#e6e9ed",
    "quiet": "#a4acb6",
    "rule": "#3b424b",
    "baseline": "#7d8694",
    "transfer": "#4c8fcd",
    "final": "#9ccbff",
    "target": "#7ab6ff",
    "test": "#ffa06b",
}
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
    return _inline(file.getvalue(), name, description, limits)


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
    rows, columns = (1, len(panels)) if across else (len(panels), 1)
    size = (width * columns / 72, (max(heights) if across else sum(heights)) / 72)
    with _style("png"):
        figure = Figure(figsize=size, layout="constrained")
        ratios = None if across else heights
        axes = figure.subplots(rows, columns, squeeze=False, height_ratios=ratios).ravel()
        for axis, (title, draw) in zip(axes, panels.items(), strict=True):
            draw(axis)
            axis.set_title(title, loc="left", fontsize=13, fontweight="bold")
        figure.savefig(path, format="png", dpi=144, metadata={"Software": None})


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


def _inline(document: str, name: str, description: str, style: str) -> Markup:
    """Turn an SVG document into an element of a page: colours by their names, short numbers, no ids but the chart's."""
    text = re.sub(
        r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", document[document.index("<svg") :], flags=re.S
    )
    text = re.sub(r"<[^>]+>", lambda tag: _shorten(tag[0], name), text)
    text = re.sub(r">\s+<", "><", text).strip()
    groups = 1
    while groups:  # groups without attributes group nothing
        text, groups = re.subn(r"<g>((?:(?!</?g\b).)*)</g>|<defs></defs>", r"\1", text)
    return Markup(f'<svg role="img" aria-label="{escape(description)}" style="{style}"{text.removeprefix("<svg")}')  # noqa: S704


def _shorten(tag: str, name: str) -> str:
    tag = " ".join(tag.split())
    for key, colour in LIGHT.items():
        tag = tag.replace(colour, f"var(--{key})")
    if tag.startswith("<svg"):
        tag = re.sub(r' (?:xmlns(?::\w+)?|version|width|height)="[^"]*"', "", tag)
    tag = re.sub(r' id="lang=([\w-]+)"', r' lang="\1"', tag)
    tag = re.sub(r' id="[^"]*_\d+"', "", tag)
    tag = re.sub(r'( id="|"#|url\(#)', rf"\g<1>{name}-", tag).replace("xlink:href", "href")
    tag = re.sub(r" font-family: [^;\"]*;| transform=\"rotate\(-0 [^\"]*\)\"", "", tag)
    tag = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), tag)
    tag = re.sub(r'(?<= d=")[^"]*', lambda path: re.sub(r" ?([A-Za-z]) ?", r"\1", path[0]), tag)
    return re.sub(r'(?<= style=")[^"]*', lambda style: re.sub("(?<=[:;]) ", "", style[0]), tag)
