"""Check params.yaml, the preset and the files that it names before anything runs; silent when all is well.

DVC by itself runs nothing for a key that no stage reads, so a misspelt one would pass unseen. A lock file that a killed
run has left cut off is mended.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from crosswiki.bert.folders import check_folder
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.languages import language_of
from crosswiki.pipeline.locks import mend_locks
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import Parameters, load_parameters
from crosswiki.pipeline.paths import checked_file, user_path
from crosswiki.pipeline.presets import PRESETS, DumpPreset, FilesPreset, Preset, load_preset

SMALL = 2_000_000  # bytes of a language's files that are read for their labels; others wait for `prepare`


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """The command takes no arguments."""


def run(_arguments: argparse.Namespace) -> None:
    """Raise a UserError for the first error."""
    for line in mend_locks(Path()):
        print(line, file=sys.stderr)
    params = load_parameters()
    preset = load_preset(params.corpus)
    languages = [language_of(role, preset, params) for role in params.roles]
    for language in languages:
        for key, name in named_files(preset, language, languages[0]):
            if not name.startswith(("http://", "https://")) and not user_path(name).is_file():
                raise UserError(
                    f"{PRESETS / params.corpus}.yaml: {key}: {name}: no such file: check its path (relative to the "
                    "project's folder)"
                )
        if preset.labelled or preset.unlabelled:
            _verify(preset, language)
    _check_vectors(params)
    check_folder(params.finetune_source.model, params.finetune_source.max_length, params.distill.layers)
    for line in _check_labels(preset, dict(zip(params.roles, languages, strict=True)), params):
        print(line, file=sys.stderr)


def _check_vectors(params: Parameters) -> None:
    """Word vectors to start from: whether the files are there, and all languages' vectors equally long."""
    lengths: dict[Role, int] = {}
    for role in params.roles:
        lengths[role] = params.skipgram.ensemble * params.skipgram.dim
        if name := getattr(params.skipgram.pretrained, role):
            from crosswiki.embeddings.vector_files import dimensions

            lengths[role] = dimensions(checked_file(name, f"skipgram.pretrained.{role}"))
    for role, length in lengths.items():
        if length != lengths["source"]:
            raise UserError(
                f"params.yaml: skipgram: the vectors of the source have {lengths['source']} dimensions, those of the "
                f"{role} {length}: all need as many: skipgram.pretrained's, or else skipgram.ensemble × skipgram.dim"
            )


def named_files(preset: Preset, language: str, source: str) -> Iterator[tuple[str, str]]:
    """The files that `download` reads for a language, addresses too, each after its key in the preset."""
    if table := getattr(getattr(preset, "labels", None), "table", None):
        yield "labels.table", table
    for section in ("labelled", "unlabelled"):
        for file in getattr(preset, section).get(language, []):
            yield f"{section}.{language}", _filled_in(file.path, language)
    for file in getattr(preset, "articles", {}).get(language, []):
        yield f"articles.{language}", file.path
    if language != source:
        for word_list in preset.dictionaries.get(language, []):
            if word_list.members:
                continue  # out of a package
            yield f"dictionaries.{language}", _filled_in(word_list.path, language)
    for name in preset.similarities.get(language, []):
        yield f"similarities.{language}", name
    if isinstance(preset, DumpPreset):
        yield "pages", _filled_in(preset.pages, language)
        if preset.links and language != source:
            yield "links", _filled_in(preset.links, language)


def _check_labels(preset: Preset, languages: dict[Role, str], params: Parameters) -> Iterator[str]:
    """What `prepare` says of labels, where they are in small files of the user's; of others it is said there."""
    small = {
        role: sum(user_path(name).stat().st_size for name in names) <= SMALL
        for role, language in languages.items()
        if (names := list(_files_of_labels(preset, language)))
    }
    if not small.get("source"):
        return
    from crosswiki.corpora.file_labels import labels_of
    from crosswiki.corpora.labels import check_role

    read = {role: labels_of(preset, languages[role], params.prepare, params.seed) for role in small if small[role]}
    most = params.download.max_articles
    if most is None or all(len(labels) <= most for labels in read.values()):  # else some may be left out
        for role, labels in read.items():
            yield from check_role(role, labels, read["source"], params)


def _files_of_labels(preset: Preset, language: str) -> Iterator[str]:
    """Files of the user's that say topics by themselves, if labels come from nowhere else."""
    if preset.has_task:
        names = [_filled_in(file.path, language) for file in preset.labelled.get(language, [])]
    elif isinstance(preset, FilesPreset) and preset.labels is None:
        names = [file.path for file in preset.articles.get(language, [])]
    else:
        names = []
    yield from () if any("://" in name for name in names) else names


def _filled_in(place: str, language: str) -> str:
    if "{" not in place:
        return place
    from crosswiki.corpora.readers.wikis import database

    return place.replace("{language}", language).replace("{wiki}", database(language))


def _verify(preset: Preset, language: str) -> None:
    """DVC watches the preset and not the files that it names, so that a changed one would be overlooked."""
    from crosswiki.corpora.readers.files import verify
    from crosswiki.corpora.readers.places import local_file
    from crosswiki.corpora.readers.task import files_of

    for file in files_of(preset, language):
        verify(local_file(file.path, language), file.sha256)
