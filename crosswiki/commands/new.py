"""Look at files of your own texts, and write the corpus preset that the pipeline learns from them with.

A file is CSV, TSV, plain text (one text a line, without labels), JSON Lines or Parquet. Its encoding, separator and
columns are seen. Wikipedia, if any, adds words and plain text; the task is your files' alone.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crosswiki.commands.settings import next_command, shares_agree
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameter_values import ROLES, Role
from crosswiki.pipeline.parameters import Parameters, load_parameters

WIKIPEDIA = ("hub", "dump", "offline", "none")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]+)*")
FEWEST = 10  # labelled texts, with fewer of which there is nothing to learn or to test


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("name", help="of the corpus: data/corpora/NAME.yaml is written")
    place: dict[str, Any] = {"action": "append", "metavar": "LANGUAGE=FILE", "default": []}
    parser.add_argument(
        "--source", required=True, help="texts with labels, as en=tickets.csv; may be repeated", **place
    )
    parser.add_argument(
        "--target", required=True, help="texts of the language to carry them to, labelled or not", **place
    )
    parser.add_argument("--test", help="texts of a third language, whose labels are never trained on", **place)
    parser.add_argument("--dictionary", help="source<TAB>other, one pair a line", **place)
    parser.add_argument(
        "--wikipedia",
        choices=WIKIPEDIA,
        help="where more text comes from: the Hugging Face hub, dumps, the package index (en, fr and es alone), or "
        "nowhere; otherwise the package index if it has the languages, and else the hub",
    )
    column: dict[str, Any] = {"action": "append", "metavar": "COLUMN", "default": []}
    parser.add_argument("--text", help="the texts' column, of all files or, as de=Nachricht, of a language's", **column)
    parser.add_argument("--label", help="the labels' column, the same way; none: the files have none", **column)
    parser.add_argument("--pair", help="the column of second texts, of texts in pairs, the same way", **column)
    parser.add_argument("--mend", action="store_true", help="put spoilt text and labels right when files are read")
    parser.add_argument("--force", action="store_true", help="write over a corpus of that name")


def run(given: argparse.Namespace) -> None:
    """Print what the files hold, and write the preset."""
    from crosswiki.corpora.findings import lines_of, lines_of_word_list, survey_word_list
    from crosswiki.corpora.proposal import preset_of, write_preset
    from crosswiki.corpora.survey import survey

    params = load_parameters()
    preset = _preset_path(given.name, given.force)
    files = {role: _places(f"--{role}", getattr(given, role)) for role in ROLES if getattr(given, role)}
    languages = {role: _one_language(role, places) for role, places in files.items()}
    _differ(languages)
    dictionaries = _places("--dictionary", given.dictionary)
    _check_dictionaries(dictionaries, languages)
    surveys: dict[Role, list[Any]] = {}
    for role, places in files.items():
        for language, path in places:
            text, label, pair = (_column(option, language) for option in (given.text, given.label, given.pair))
            found = survey(path, text, label, params.prepare, given.mend, pair)
            print(f"{language} ({role})", *lines_of(found, given.mend), sep="\n")
            surveys.setdefault(role, []).append(found)
    known: dict[Role, float] = {}
    for language, path in dictionaries:
        role = next(role for role, its in languages.items() if its == language)
        word_list = survey_word_list(path, languages["source"], language, surveys[role])
        print(*lines_of_word_list(word_list), sep="\n")
        known[role] = max(known.get(role, 0.0), word_list.known)
    _check(surveys, params)
    wikipedia = given.wikipedia or _usual_wikipedia(languages)
    content = preset_of(languages, surveys, dictionaries, given.mend)
    write_preset(preset, given.name, content, wikipedia)
    train = 1 - params.prepare.validation - params.prepare.test
    own = round(train * sum(found.texts for found in surveys["target"]))
    judging = sum(found.splits["validation"] for found in surveys["target"])
    command = next_command(given.name, languages, wikipedia, own, known.get("target"), shares_agree(surveys), judging)
    print(f"\n{preset}: written. Look into it, then:\n  {command}")


def _preset_path(name: str, force: bool) -> Path:
    from crosswiki.pipeline.presets import PRESETS

    if not re.fullmatch(r"[\w-]+", name):
        raise UserError(f"name: found {name!r}; letters, digits, _ and - are allowed")
    path = PRESETS / f"{name}.yaml"
    if path.exists() and not force:
        raise UserError(f"{path}: is there already: choose another name, or --force to write over it")
    return path


def _places(option: str, given: Sequence[str]) -> list[tuple[str, Path]]:
    """Languages and files."""
    found: list[tuple[str, Path]] = []
    for entry in given:
        language, equals, name = entry.partition("=")
        if not equals or not name or not LANGUAGE.fullmatch(language):
            raise UserError(f"{option}: found {entry!r}; LANGUAGE=FILE is needed, as in de=tickets.csv")
        path = Path(name).expanduser()
        if path in [other for _, other in found]:
            raise UserError(f"{option}: {path} is named twice")
        found.append((language, path))
    return found


def _one_language(role: Role, places: list[tuple[str, Path]]) -> str:
    languages = list(dict.fromkeys(language for language, _ in places))
    if len(languages) > 1:
        raise UserError(f"--{role}: found {' and '.join(languages)}; one language is needed")
    return languages[0]


def _differ(languages: dict[Role, str]) -> None:
    for place, (role, language) in enumerate(languages.items()):
        for other, its in list(languages.items())[:place]:
            if its == language:
                raise UserError(f"--{role}: found {language}, which is the {other} language too; they must differ")


def _check_dictionaries(dictionaries: list[tuple[str, Path]], languages: dict[Role, str]) -> None:
    others = [language for role, language in languages.items() if role != "source"]
    for language, path in dictionaries:
        if language not in others:
            raise UserError(f"--dictionary: found {language}; a dictionary leads to {' or '.join(others)}")
        if not path.is_file() or not path.stat().st_size:
            raise UserError(
                f"--dictionary: {path}: no such file, or it is empty: source<TAB>other is needed, a pair a line"
            )


def _column(given: Sequence[str], language: str) -> str | None:
    """The column that is named for a language, or for all."""
    everywhere = next((entry for entry in given if "=" not in entry), None)
    return next(
        (name for code, _, name in (entry.partition("=") for entry in given) if code == language and name), everywhere
    )


def _check(surveys: dict[Role, list[Any]], params: Parameters) -> None:
    """Refuse what the pipeline could not learn from."""
    from crosswiki.corpora.survey import folded

    most = params.download.max_bad_records
    for found in (one for of_role in surveys.values() for one in of_role):
        rows = found.texts + len(found.empty) + found.bad_rows
        if not found.texts:
            raise UserError(f"{found.path}: no {found.unit} has a text in it")
        if found.bad_rows > most * rows:
            why, (_, first) = next(iter(found.bad.items()))
            raise UserError(
                f"{found.path}: {found.unit} {first}: {why}; {found.bad_rows:,} of {rows:,} {found.unit}s cannot be "
                f"used, more than params.yaml: download.max_bad_records ({most:g}) allows: mend the file"
            )
    source = surveys["source"]
    path = source[0].path
    known = {label for found in source for label in found.labels}
    if not known:
        raise UserError(
            f"{path}: no column of labels seen: --label COLUMN; unread: {', '.join(source[0].unread) or '-'}"
        )
    if len(known) == 1:
        raise UserError(f"{path}: {next(iter(known))!r} is its only label; two or more are needed")
    labelled = sum(found.labels.total() for found in source)
    different = len({label.casefold() for label in known})
    if different > labelled / 2:
        raise UserError(
            f"{path}: column {source[0].file.columns.topic!r} has {different:,} different values in {labelled:,} rows, "
            "which are no labels: --label COLUMN"
        )
    for split in ("train", "validation", "test"):
        by_hash = not any(found.file.columns.split for found in source)  # else the file may have no validation split
        wanted = split != "validation" or (params.prepare.validation > 0 and by_hash)
        if labelled < FEWEST or (wanted and not any(found.splits[split] for found in source)):
            raise UserError(
                f"{path}: {labelled:,} texts with a label are too few to learn from, to choose by and to test on: "
                "label more"
            )
    for found in surveys["target"] + surveys.get("test", []):
        for label, row in found.first_of_label.items():
            if label not in known and folded(label) not in {folded(one) for one in known}:
                raise UserError(
                    f"{found.path}: {found.unit} {row}: label {label!r} is none of the source's "
                    f"({', '.join(sorted(known)[:12])}): use the source's names, or --label LANGUAGE=none to leave "
                    "these labels aside"
                )


def _usual_wikipedia(languages: dict[Role, str]) -> str:
    from crosswiki.pipeline.presets import WheelPreset, load_preset

    offline = load_preset("offline")
    members = offline.members if isinstance(offline, WheelPreset) else {}
    return "offline" if set(languages.values()) <= set(members) else "hub"
