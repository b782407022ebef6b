"""Files of word vectors against gensim, which reads and writes the same formats, and files that are not whole."""

import gzip
from collections.abc import Collection
from pathlib import Path

import numpy
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st

from crosswiki.embeddings.vector_files import VectorFile, read_vector_file
from crosswiki.pipeline.errors import UserError

WORDS = ("Der", "der", "été", "中国", "a-b", "x", "the", ",", "haus", "DER")
TEXT = b"3 2\na 1 2\nb 3 4\nc 5 6\n"


def lower(word: str) -> str | None:
    return word.lower() if word.isalpha() else None


def read(path: Path, wanted: Collection[str] = (), maximum: int = 1000) -> VectorFile:
    return read_vector_file(path, lower, set(wanted), maximum)


def some(dim: int = 5) -> KeyedVectors:
    vectors = KeyedVectors(dim)
    vectors.add_vectors(list(WORDS), numpy.random.default_rng(1).standard_normal((len(WORDS), dim), numpy.float32))
    return vectors


@pytest.mark.parametrize("dim", [2, 5, 300])
@pytest.mark.parametrize("name", ["a.vec", "a.txt.gz", "a.bin", "a.bin.gz"])
def test_what_gensim_writes_is_read_as_gensim_reads_it(tmp_path: Path, name: str, dim: int) -> None:
    some(dim).save_word2vec_format(str(tmp_path / name), binary=".bin" in name)
    found = read(tmp_path / name)
    opened = KeyedVectors.load_word2vec_format(str(tmp_path / name), binary=".bin" in name)
    assert found.words == ("der", "été", "中国", "x", "the", "haus")
    expected = opened.vectors[[opened.key_to_index[word] for word in ("Der", *found.words[1:])]]
    numpy.testing.assert_array_equal(found.vectors.numpy(), expected)
    assert (found.rows, found.odd, found.repeated, found.undecoded) == (10, 2, 2, 0)


def test_a_file_without_a_first_line_is_gloves(tmp_path: Path) -> None:
    some().save_word2vec_format(str(tmp_path / "a.txt"), write_header=False)
    some().save_word2vec_format(str(tmp_path / "b.txt"))
    without, with_header = read(tmp_path / "a.txt"), read(tmp_path / "b.txt")
    assert without.words == with_header.words
    numpy.testing.assert_array_equal(without.vectors, with_header.vectors)


def test_wanted_words_are_found_anywhere_and_of_the_others_the_first_are_kept(tmp_path: Path) -> None:
    some().save_word2vec_format(str(tmp_path / "a.vec"))
    found = read(tmp_path / "a.vec", ["haus", "nowhere"], maximum=4)
    assert found.words == ("der", "été", "haus")
    assert read(tmp_path / "a.vec", ["haus", "nowhere"], maximum=0).words == ("haus",)
    assert found.vectors.shape == (3, 5)


def test_a_word_that_is_not_utf_8_is_counted_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.vec").write_bytes(TEXT.replace(b"b", b"\xff\xfe"))
    found = read(tmp_path / "a.vec")
    assert (found.words, found.undecoded) == (("a", "c"), 1)


def test_phrases_with_spaces_are_odd_and_not_misread(tmp_path: Path) -> None:
    (tmp_path / "a.vec").write_bytes(TEXT.replace(b"b 3", b". . b 3"))
    found = read(tmp_path / "a.vec")
    assert (found.words, found.odd) == (("a", "c"), 1)
    assert found.vectors.tolist() == [[1, 2], [5, 6]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.vec", b"", r"line 1: the numbers of words"),
        ("a.vec", b"hello\n", r"line 1: the numbers of words .* found b'hello"),
        ("a.vec", b"0 2\n", r"line 1: the numbers of words"),
        ("a.bin", b"a 1 2\nb 3 4\n", r"line 1: the numbers of words"),
        ("a.vec", TEXT.replace(b"3 2", b"4 2"), r"says that it has 4 words, and has 3"),
        ("a.vec", TEXT.replace(b"3 2", b"2 2"), r"says that it has 2 words, and has 3"),
        ("a.vec", TEXT.replace(b"3 4", b"3"), r"line 3: a word and 2 numbers are needed, found 1"),
        ("a.vec", TEXT.replace(b"3 2", b"3 3"), r"line 2: a word and 3 numbers are needed, found 2"),
        ("a.vec", TEXT.replace(b"3 2", b"3 1"), r"line 2: a word and 1 numbers are needed, found 2"),
        ("a.vec", TEXT.replace(b"5 6", b"5 six"), r"line 4: not a number"),
        ("a.vec", TEXT.replace(b"5 6", b"5 nan"), r"line 4: a number in it is not finite"),
        ("a.vec.gz", TEXT, r"cannot be read"),
        ("a.bin", b"2 2\na " + bytes(8) + b"b " + bytes(7), r"word 2 of 2: the file ends there"),
        ("a.bin", b"2 2\n" + b"a" * 5000, r"word 1 of 2"),
        ("a.bin", (793712314).to_bytes(4, "little") + bytes(50), r"a model of fastText's: name the \.vec file"),
        ("none.vec", None, r"none\.vec: cannot be read .*No such file"),
    ],
)
def test_a_file_that_is_not_whole_is_named_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.data())
def test_no_part_of_a_packed_or_binary_file_is_taken_for_the_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    name = data.draw(st.sampled_from(["a.bin", "a.vec.gz", "a.bin.gz"]))
    some().save_word2vec_format(str(folder / name), binary=".bin" in name)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: data.draw(st.integers(0, len(whole) - 2))])
    with pytest.raises(UserError):
        read(folder / name)


def test_memory_stays_at_what_is_kept(tmp_path: Path) -> None:
    import tracemalloc

    with gzip.open(tmp_path / "a.vec.gz", "wt", compresslevel=1) as file:
        file.write("5000 100\n")
        file.writelines(f"{'abcdefghij'[row % 10]}{'x' * (row % 50)} {'0.5 ' * 100}\n" for row in range(5000))
    read(tmp_path / "a.vec.gz", maximum=2)  # what is imported late
    tracemalloc.start()
    found = read(tmp_path / "a.vec.gz", ["b"], maximum=10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.words) == 9
    assert peak < 500_000  # the whole is 2 MB of numbers
