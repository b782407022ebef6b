"""What README.md, CHANGELOG.md and docs/ say: their blocks of commands and YAML, inline code, links and headings."""

import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.tiny import ROOT

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Document:
    """A Markdown file of the project."""

    path: Path  # from the project's folder

    @cached_property
    def text(self) -> str:
        return (ROOT / self.path).read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """The text without its blocks."""
        return FENCE.sub("", self.text)

    def blocks(self, kind: str) -> list[str]:
        """What stands in the fenced blocks of a kind, such as sh."""
        return [block for name, block in FENCE.findall(self.text) if name == kind]

    def commands(self) -> list[str]:
        """The lines of its sh blocks, without comments; one that ends with a backslash goes on in the next."""
        blocks = [re.sub(r"\s*\\\n\s*", " ", block) for block in self.blocks("sh")]
        lines = [line for block in blocks for line in block.splitlines()]
        return [line for line in (re.sub(r"(^|\s)#.*", "", line).strip() for line in lines) if line]

    def code(self) -> list[str]:
        """What stands between single backticks."""
        return re.findall(r"`([^`\n]+)`", self.prose)

    def links(self) -> list[str]:
        """The targets of its links and pictures."""
        return LINK.findall(re.sub(r"`[^`\n]*`", "", self.prose))

    def anchors(self) -> set[str]:
        """Its headings, as GitHub makes anchors of them."""
        headings = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def documents() -> list[Document]:
    """Those at the top and in docs/."""
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    return [Document(path.relative_to(ROOT)) for path in sorted(paths)]


def programs(command: str) -> list[list[str]]:
    """The programs that a line of shell starts, with their arguments.

    What stands in angle brackets is for the reader to fill in; where the output goes is left out.
    """
    words = shlex.split(re.sub(r"<[^>]*>", "PLACEHOLDER", command))
    calls: list[list[str]] = [[]]
    for word in words:
        if word == "&&":
            calls.append([])
        else:
            calls[-1].append(word)
    return [call[: call.index(">")] if ">" in call else call for call in calls]
