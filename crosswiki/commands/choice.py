"""Which model, lexicon and columns a command reads, by the language that a person names."""

import json
from pathlib import Path

from crosswiki.corpora.pairs import PAIR
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.languages import languages_of
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.serving.answers import LANGUAGE, PAIRS

SERVED: dict[Role, Path] = {
    "source": Path("models/source"),
    "target": Path("models/target"),
    "test": Path("models/transplanted/test"),
}


def choose(language: str | None, model: str | None) -> tuple[Path, str | None, bool]:
    """Choose a model: its folder, and its language and whether it reads ё as е where its config.json does not say.

    Only then is params.yaml read: an exported folder is used anywhere.

    Raises:
        UserError: no model here reads that language, or there is none in the folder or under the registered name.
    """
    if model:
        place = with_model(_fetched(model) if model.startswith("models:/") else Path(model))
        if recorded := _recorded_language(place):
            if language not in (None, recorded):
                raise UserError(f"--language: found {language!r}; {model} reads {recorded}")
            return place, None, False
    params = load_parameters()
    languages = languages_of(params)
    folders = {SERVED[role]: language for role, language in languages.items()}
    reads = {code: folder for folder, code in folders.items() if code}
    if language and not model and language not in reads:
        raise UserError(f"--language: found {language!r}; the models here read {', '.join(reads)}")
    folder = place if model else reads[language] if language else SERVED["target"]
    return with_model(folder), language or folders.get(folder), params.prepare.fold_yo


def _fetched(name: str) -> Path:
    from crosswiki.serving.registry import fetch

    return fetch(name)


def with_model(folder: Path) -> Path:
    """The folder of a model.

    Raises:
        UserError: there is none in it.
    """
    if not all((folder / name).is_file() for name in ("model.safetensors", "config.json")):
        raise UserError(f"{folder}: no model there: run the stage that makes it first (dvc repro)")
    return folder


def _recorded_language(folder: Path) -> str | None:
    language: str | None = json.loads((folder / "config.json").read_text(encoding="utf-8")).get(LANGUAGE)
    return language


def choose_pair(folder: Path, named: str | None) -> str | None:
    """The column of second texts; None: a model that has learnt from single texts reads none.

    Args:
        folder: of the model.
        named: the column that is asked for.

    Raises:
        UserError: a column is named, and the model reads single texts.
    """
    if not json.loads((folder / "config.json").read_text(encoding="utf-8")).get(PAIRS):
        if named:
            raise UserError(f"--pair: {folder}: this model has learnt from single texts: leave --pair out")
        return None
    return named or PAIR


def choose_role(language: str | None, what: str) -> Role:
    """The role of a language other than the source's; without a language, the target.

    Raises:
        UserError: no role here has that language; `what` says in the plural what is of them.
    """
    roles = {code: role for role, code in languages_of(load_parameters()).items() if code and role != "source"}
    if language and language not in roles:
        raise UserError(f"--language: found {language!r}; the {what} here are of {', '.join(roles)}")
    return roles[language] if language else "target"


def choose_lexicon(language: str | None) -> Path:
    """The folder of the lexicon for a language, or for the target's.

    Raises:
        UserError: no lexicon here is of that language, or its stage has not run.
    """
    folder = Path("models/gloss") / choose_role(language, "lexicons")
    if not (folder / "lexicon.json").is_file():
        raise UserError(f"{folder}: no lexicon there: run the stage that makes it first (dvc repro gloss)")
    return folder
