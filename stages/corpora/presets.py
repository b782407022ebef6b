"""Corpus presets, `data/corpora/<name>.yaml`: where articles come from, checked on load."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from stages.errors import UserError
from stages.parameters import ROLES, Download, Language, Parameters, Role, Section, check, read_yaml

PRESETS = Path("data/corpora")


class RoleLanguages(Section):
    """The languages that a preset proposes for the three roles."""

    source: Language
    target: Language
    test: Language


class WheelPreset(Section):
    """Articles in JSON files inside a wheel: `{title: {title, extract, topic, …}}`, one file a language."""

    kind: Literal["wheel"]
    languages: RoleLanguages
    package: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    members: dict[Language, str]
    topics: dict[Language, dict[str, str | None]]


class Columns(Section):
    """Which column of a file holds what; null: the file has none."""

    id: str = "id"
    title: str | None = "title"
    text: str = "text"
    topic: str | None = None
    concept: str | None = None


class ArticleFile(Section):
    """One file of articles: JSON Lines (.jsonl), CSV, TSV or Parquet; .gz, .bz2, .xz and .zst are unpacked."""

    path: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    columns: Columns = Columns()


class FilesPreset(Section):
    """Articles in the user's own files; paths are relative to the project's folder, `~` is the home folder."""

    kind: Literal["files"]
    languages: RoleLanguages
    articles: dict[Language, list[ArticleFile]]
    dictionaries: dict[Language, list[str]] = Field(default_factory=dict)


Preset = WheelPreset | FilesPreset
_KINDS: dict[str, type[WheelPreset] | type[FilesPreset]] = {"wheel": WheelPreset, "files": FilesPreset}


def load_preset(name: str, folder: Path = PRESETS) -> Preset:
    """Load and check the preset that the parameter `corpus` names.

    Raises:
        UserError: there is no such preset, or a key in it is wrong.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(preset.stem for preset in folder.glob("*.yaml")))
        raise UserError(f"params.yaml: corpus: found {name!r}; {folder}/ has {known}")
    content = read_yaml(path)
    if content.get("kind") not in _KINDS:
        raise UserError(f"{path}: kind: found {content.get('kind')!r}; allowed: {', '.join(sorted(_KINDS))}")
    return check(_KINDS[content["kind"]], content, path)


def language_of(role: Role, preset: Preset, params: Download) -> Language:
    """The language that plays a role: the parameter's, or else the preset's.

    Raises:
        UserError: the preset has no articles in it, or it plays another role too.
    """
    chosen = {r: getattr(params.languages, r) or getattr(preset.languages, r) for r in RoleLanguages.model_fields}
    language: Language = chosen[role]
    available = preset.members if isinstance(preset, WheelPreset) else preset.articles
    if language not in available:
        raise UserError(
            f"params.yaml: download.languages.{role}: found {language!r}; the corpus has {', '.join(sorted(available))}"
        )
    for other, its in chosen.items():
        if other != role and its == language:
            raise UserError(
                f"params.yaml: download.languages.{role}: found {language!r}, which is the {other} language too; "
                "three different languages are needed"
            )
    return language


def languages_of(params: Parameters) -> dict[Role, Language | None]:
    """Every role's language, for whoever shows it; where the preset cannot be read, what the parameters alone say."""
    try:
        preset = load_preset(params.corpus)
        return {role: language_of(role, preset, params.download) for role in ROLES}
    except UserError:  # the stage that depends on the preset says so; others need not
        return {role: getattr(params.download.languages, role) for role in ROLES}
