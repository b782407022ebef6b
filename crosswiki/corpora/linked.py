"""Which concepts two languages have in common."""

import hashlib
from pathlib import Path

import numpy
from numpy.typing import NDArray

from crosswiki.corpora.groups import read_groups
from crosswiki.pipeline.parameters import Role


def linked_concepts(articles: Path, role: Role) -> int:
    """How many concepts a role shares with the source, or the source with the target.

    Args:
        articles: the folder of all roles' tables.
        role: which.
    """
    other = "source" if role != "source" else "target"
    own, others = (_concepts(articles / f"{name}.parquet") for name in (role, other))
    return len(numpy.intersect1d(own, others, assume_unique=True))


def _concepts(table: Path) -> NDArray[numpy.uint64]:
    """Each concept's hash, 8 bytes, once."""
    found = [numpy.zeros(0, numpy.uint64)]
    for group in read_groups(table, ["concept"]):
        digests = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in group["concept"].to_pylist()]
        found.append(numpy.frombuffer(b"".join(digests), numpy.uint64))
    return numpy.unique(numpy.concatenate(found))
