"""Which language each role has: the parameters say so, or else the preset."""

from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameter_values import Language, Role
from crosswiki.pipeline.parameters import Parameters
from crosswiki.pipeline.presets import FilesPreset, Preset, WheelPreset, load_preset


def language_of(role: Role, preset: Preset, params: Parameters) -> Language:
    """The language of a role: the parameter's, or else the preset's.

    Raises:
        UserError: neither has one, the preset has no articles in it, or it has another role too.
    """
    chosen = {
        name: getattr(params.download.languages, name) or getattr(preset.languages, name) for name in params.roles
    }
    language: Language | None = chosen[role]
    if language is None:
        raise UserError(
            f"params.yaml: roles: found {role!r}, for which the preset {params.corpus} has no language: set "
            f"download.languages.{role}, or leave the role out: dvc exp run -S 'roles=[source,target]'"
        )
    available = {WheelPreset: "members", FilesPreset: "articles"}.get(type(preset))  # other kinds have all languages
    known = {*getattr(preset, available), *preset.labelled, *preset.unlabelled} if available else {language}
    if language not in known:
        raise UserError(
            f"params.yaml: download.languages.{role}: found {language!r}; the corpus has {', '.join(sorted(known))}"
        )
    for other_role, other_language in chosen.items():
        if other_role != role and other_language == language:
            raise UserError(
                f"params.yaml: download.languages.{role}: found {language!r}, which is the {other_role} language too; "
                "different languages are needed"
            )
    return language


def languages_of(params: Parameters) -> dict[Role, Language | None]:
    """Each role's language, for display; from the parameters alone if the preset is invalid."""
    try:
        preset = load_preset(params.corpus)
        return {role: language_of(role, preset, params) for role in params.roles}
    except UserError:  # the stages that need the preset report its error
        return {role: getattr(params.download.languages, role) for role in params.roles}
