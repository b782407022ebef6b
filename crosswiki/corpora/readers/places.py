"""Where a preset's files are: on this machine, or fetched once and kept; and how they are unpacked."""

import bz2
import gzip
import hashlib
import io
import lzma
from pathlib import Path
from typing import IO, cast

import pyarrow

from crosswiki.corpora.readers.web import fetch_file, file_sha1
from crosswiki.corpora.readers.wikis import database
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import alone, checkpoints
from crosswiki.pipeline.paths import user_path

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")


def local_file(place: str, language: str, sha1: str | None = None) -> Path:
    """A file's path: `place` itself, or its copy if `place` is an address.

    `{language}` in it becomes the language, and `{wiki}` the name that its Wikipedia's files have (`be_x_oldwiki`).

    Raises:
        UserError: there is no such file, or it has another digest.
    """
    place = filled_in(place, language)
    if place.startswith(("http://", "https://")):
        name = hashlib.sha256(place.encode()).hexdigest()[:8] + "-" + place.rpartition("/")[2]
        copy = checkpoints() / "files" / name
        with alone(copy):
            return fetch_file(place, copy, sha1)
    path = existing(user_path(place))
    if sha1 and (found := file_sha1(path)) != sha1:
        raise UserError(f"{path}: its SHA-1 is {found}, {sha1} is expected: has the file changed?")
    return path


def filled_in(place: str, language: str) -> str:
    """A path or an address, in which a language stands for `{language}` and `{wiki}`, see `local_file`."""
    return place.replace("{language}", language).replace("{wiki}", database(language))


def existing(path: Path) -> Path:
    """The path of a file that is there.

    Raises:
        UserError: there is no such file.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file: check its path in the preset (relative to the project's folder)")
    return path


def unpacked(path: Path) -> IO[bytes]:
    """A file's content, unpacked by its name's ending."""
    match path.suffix:
        case ".bz2":
            return bz2.open(path)
        case ".gz":
            return cast("IO[bytes]", gzip.open(path))
        case ".xz":
            return lzma.open(path)
        case ".zst":
            return io.BufferedReader(pyarrow.input_stream(str(path), buffer_size=2**16), 2**16)
    return path.open("rb")
