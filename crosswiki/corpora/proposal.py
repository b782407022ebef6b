"""The corpus preset that a survey of somebody's files proposes: data/corpora/NAME.yaml."""

import io
import re
from collections import Counter
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from crosswiki.corpora.survey import Survey, folded
from crosswiki.pipeline.outputs import replacing
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.presets import PRESETS

WIKIPEDIA = {"hub": "wikipedia", "dump": "dump", "offline": "offline"}  # and the shipped preset that has its places
HEAD = """\
# Your own texts, as `crosswiki new` saw them; choose them with `-S corpus={name}`. Change what it saw wrong:
# columns: the file's names for text and topic (the label); a file without names has 1, 2, 3.
# topics: labels that have another name in the task, as in {{Rechnung: billing}}; null: the text counts as unlabelled.
# sha256: of the file; when you change the file, run `crosswiki new --force` again, or put the new digest here.
"""
WHENCE = {
    "none": "# No Wikipedia: your texts alone.\n",
    "offline": "# Wikipedia's openings from the package index: words and unlabelled text. CC BY-SA 4.0.\n",
    "hub": "# Wikipedia from the Hugging Face hub: words, unlabelled text and links between languages. CC BY-SA 4.0.\n",
    "dump": "# Wikipedia from its dumps: words, unlabelled text and links between languages. CC BY-SA 4.0.\n",
}


def preset_of(
    languages: dict[Role, str],
    surveys: dict[Role, list[Survey]],
    dictionaries: list[tuple[str, Path]],
    mending: bool,
) -> dict[str, Any]:
    """The preset's keys beside those that say where Wikipedia is."""
    content: dict[str, Any] = {"languages": dict(languages), "labelled": {}, "unlabelled": {}}
    every = [found for of_role in surveys.values() for found in of_role]
    names = _common_names(every) if mending else {}
    for role, language in languages.items():
        for found in surveys[role]:
            entry = found.file.model_dump(exclude_defaults=True, exclude={"path", "columns"})
            columns = found.file.columns.model_dump(exclude_none=True)
            entry = {"path": stored_path(found.path), "columns": columns, **entry}
            topics = {label: names[label] for label in found.labels if label in names}
            if topics:
                entry["topics"] = topics
            kind = "labelled" if found.labels else "unlabelled"
            content[kind].setdefault(language, []).append(entry)
    for language, path in dictionaries:
        content.setdefault("dictionaries", {}).setdefault(language, []).append(stored_path(path))
    return {key: value for key, value in content.items() if value}


def _common_names(surveys: list[Survey]) -> dict[str, str]:
    """Labels that differ from a commoner one by case or space alone, and that one."""
    counts: Counter[str] = Counter()
    for found in surveys:
        counts.update(found.labels)
    commonest: dict[str, str] = {}
    for label, _ in counts.most_common():
        commonest.setdefault(folded(label), label)
    return {label: commonest[folded(label)] for label in sorted(counts) if commonest[folded(label)] != label}


def stored_path(path: Path) -> str:
    """A path that holds in an experiment's copy of the project too, where files that git does not track are not."""
    whole, project = path.resolve(), Path.cwd().resolve()
    return f"$DVC_ROOT/{whole.relative_to(project)}" if whole.is_relative_to(project) else str(whole)


def write_preset(path: Path, name: str, content: dict[str, Any], wikipedia: str) -> None:
    """Write the preset: the user's files, and after them, with its comments, where the Wikipedia is."""
    yaml = YAML()
    yaml.width = 10_000
    places: Any = {"kind": "files"}
    if wikipedia in WIKIPEDIA:
        shipped = (PRESETS / f"{WIKIPEDIA[wikipedia]}.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
        while shipped and shipped[0].startswith("#"):  # what that preset says of itself
            shipped.pop(0)
        places = yaml.load("".join(shipped))
        for key in ("languages", "topics", *content):
            places.pop(key, None)
    with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(HEAD.format(name=name))
        yaml.dump(content, file)
        file.write(WHENCE[wikipedia])
        text = io.StringIO()
        yaml.dump(places, text)
        file.write(re.sub(r"(#.*\n)+\Z", "", text.getvalue()))  # what was said of a key that is left out
