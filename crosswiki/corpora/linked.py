"""Which concepts two languages have in common, as the corpus names them or as titles and texts say."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy
import pyarrow
import pyarrow.parquet
from numpy.typing import NDArray

from crosswiki.corpora.articles import language_in
from crosswiki.corpora.groups import open_table, read_groups
from crosswiki.corpora.text import Spelling
from crosswiki.corpora.title_links import link_titles
from crosswiki.corpora.word_pairs import load_dictionary
from crosswiki.pipeline.outputs import alone, checkpoints, remove, replacing
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters_of_words import Prepare


@contextmanager
def linked_articles(data: Path, role: Role, settings: Prepare) -> Iterator[Path]:
    """A role's table of articles, in which those that are linked by title and text have the source's concept.

    Args:
        data: the folder of articles/ and dictionaries/.
        role: whose.
        settings: the section `prepare` of params.yaml; without `link_titles` the table is the one of `download`.
    """
    table, source = (data / "articles" / f"{name}.parquet" for name in (role, "source"))
    if role == "source" or settings.link_titles is None:
        yield table
        return
    dictionary = load_dictionary(data / "dictionaries" / f"{role}.tsv")
    languages = language_in(source), language_in(table)
    links = link_titles((source, table), languages, dictionary, Spelling(settings.fold_yo), settings.link_titles)
    state = table.stat()
    digest = hashlib.sha256(repr((state.st_size, state.st_mtime_ns, sorted(links.items()))).encode()).hexdigest()
    place = checkpoints() / f"linked-{digest[:16]}.parquet"  # a killed run's is found again, and what was made from it
    with alone(place):
        if not place.is_file():
            _write_linked(table, links, place)
        yield place
        remove(place)


def _write_linked(table: Path, links: dict[str, str], place: Path) -> None:
    schema = open_table(table).schema_arrow
    with replacing(place) as partial, pyarrow.parquet.ParquetWriter(partial, schema) as writer:
        for group in read_groups(table):
            concepts = [links.get(concept, concept) for concept in group["concept"].to_pylist()]
            column = pyarrow.array(concepts, schema.field("concept").type)
            writer.write_table(group.set_column(schema.get_field_index("concept"), "concept", column))


def linked_concepts(*tables: Path) -> int:
    """How many concepts two tables of articles share."""
    own, others = map(_concepts, tables)
    return len(numpy.intersect1d(own, others, assume_unique=True))


def _concepts(table: Path) -> NDArray[numpy.uint64]:
    """Each concept's hash, 8 bytes, once."""
    found = [numpy.zeros(0, numpy.uint64)]
    for group in read_groups(table, ["concept"]):
        digests = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in group["concept"].to_pylist()]
        found.append(numpy.frombuffer(b"".join(digests), numpy.uint64))
    return numpy.unique(numpy.concatenate(found))
