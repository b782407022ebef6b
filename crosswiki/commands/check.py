"""Check params.yaml and the corpus preset that it names, before anything runs; silent when all is well.

DVC by itself runs nothing for a key that no stage reads, so a misspelt one would pass unseen. A lock file that a killed
run has left cut off is removed.
"""

import argparse
import sys
from pathlib import Path

from crosswiki.pipeline.locks import mend_locks
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.presets import Preset, language_of, load_preset


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """The command takes no arguments."""


def run(_arguments: argparse.Namespace) -> None:
    """Raise a UserError for the first error."""
    if line := mend_locks(Path()):
        print(line, file=sys.stderr)
    params = load_parameters()
    preset = load_preset(params.corpus)
    for role in params.roles:
        language = language_of(role, preset, params)
        if preset.labelled or preset.unlabelled:
            _verify(preset, language)


def _verify(preset: Preset, language: str) -> None:
    """DVC watches the preset and not the files that it names, so that a changed one would be overlooked."""
    from crosswiki.corpora.readers.files import verify
    from crosswiki.corpora.readers.places import local_file
    from crosswiki.corpora.readers.task import files_of

    for file in files_of(preset, language):
        verify(local_file(file.path, language), file.sha256)
