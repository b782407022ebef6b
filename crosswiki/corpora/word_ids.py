"""The words of all groups as one vocabulary's ids, and the groups' rows as one table, for the later stages."""

from pathlib import Path
from typing import Any, BinaryIO

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.parquet

from crosswiki.corpora.vocabulary import Vocabulary

TOGETHER = 2**23  # characters of text that are written at once


def words_of(path: Path) -> tuple[list[str], Any]:
    """A group's different words, and its arrays."""
    arrays = numpy.load(path)
    return arrays["words"].tobytes().decode().split("\n") if len(arrays["counts"]) else [], arrays


def write_ids(groups: list[Path], vocabulary: Vocabulary, documents: int, tokens: Path, offsets: Path) -> int:
    """Write all groups' words as the vocabulary's ids, int32, and where each document starts, int64, as .npy files.

    Args:
        groups: what `read_group` wrote, in order.
        vocabulary: words that are not in it are left out.
        documents: how many there are in all groups.
        tokens: where the ids go.
        offsets: where documents + 1 places in them go.

    Returns:
        The number of ids.
    """
    total = int(vocabulary.counts.sum())
    end = 0
    with tokens.open("wb") as ids_file, offsets.open("wb") as offsets_file:
        _npy_header(ids_file, numpy.dtype(numpy.int32), total)
        _npy_header(offsets_file, numpy.dtype(numpy.int64), documents + 1)
        offsets_file.write(numpy.zeros(1, numpy.int64).tobytes())
        for path in groups:
            words, arrays = words_of(path)
            known = numpy.array([vocabulary.ids.get(word, -1) for word in words], dtype=numpy.int32)
            ids = known[arrays["ids"]] if len(words) else numpy.zeros(0, numpy.int32)
            kept = ids >= 0
            before = numpy.concatenate([[0], numpy.cumsum(kept)])  # how many are kept before each place
            ends = end + before[numpy.cumsum(arrays["lengths"])]
            ids_file.write(ids[kept].tobytes())
            offsets_file.write(ends.astype(numpy.int64).tobytes())
            end += int(before[-1])
    return total


def _npy_header(file: BinaryIO, kind: numpy.dtype[Any], length: int) -> None:
    shape = {"descr": numpy.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": (length,)}
    numpy.lib.format.write_array_header_1_0(file, shape)


def write_articles(groups: list[Path], path: Path) -> None:
    """Put the rows for the later stages into one table, as pandas would write it."""
    empty = pyarrow.parquet.read_schema(groups[0]).empty_table().to_pandas()
    schema = pyarrow.Table.from_pandas(empty, preserve_index=False).schema
    waiting: list[pyarrow.Table] = []
    characters = 0
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for place, group in enumerate(groups, 1):
            waiting.append(pyarrow.parquet.read_table(group))
            characters += pyarrow.compute.sum(pyarrow.compute.utf8_length(waiting[-1]["text"])).as_py() or 0
            if characters >= TOGETHER or place == len(groups):
                writer.write_table(pyarrow.concat_tables(waiting).cast(schema).combine_chunks())
                waiting, characters = [], 0
                pyarrow.default_memory_pool().release_unused()
