"""Word vectors on disk, as others read them."""

import warnings
from pathlib import Path

import numpy
import pytest
import torch
from gensim.models import KeyedVectors

from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.vectors import WordVectors, load_vectors, save_vectors, unit, word_frequency
from crosswiki.pipeline.errors import UserError

WORDS = ("the", "été", "ёж", "中国", "हिन्दी", "3", "l", "null", "n" * 300)


def some_vectors(dim: int = 7) -> WordVectors:
    """Vectors of words in several scripts, among them zeros and numbers whose bytes look like line ends."""
    counts = numpy.arange(len(WORDS), 0, -1, dtype=numpy.int64) ** 3
    matrix = torch.randn(len(WORDS), dim, generator=torch.Generator().manual_seed(1))
    matrix[2] = 0
    matrix[3] = torch.from_numpy(numpy.frombuffer(b"\n\n \n" * dim, dtype="<f4").copy())
    return WordVectors(Vocabulary(WORDS, counts), matrix)


@pytest.mark.parametrize("dim", [1, 7])
def test_gensim_reads_the_same_words_and_numbers(tmp_path: Path, dim: int) -> None:
    words = some_vectors(dim)
    save_vectors(words, tmp_path)
    opened = KeyedVectors.load_word2vec_format(str(tmp_path / "vectors.bin"), binary=True)
    assert tuple(opened.index_to_key) == WORDS
    assert opened.vector_size == dim
    numpy.testing.assert_array_equal(opened.vectors, words.vectors.numpy())


def test_saved_vectors_are_read_back(tmp_path: Path) -> None:
    words = some_vectors()
    save_vectors(words, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = load_vectors(tmp_path)
    assert back.vocabulary.words == WORDS
    assert back.vocabulary.counts.tolist() == words.vocabulary.counts.tolist()
    assert back.vectors.dtype == torch.float32
    assert torch.equal(back.vectors, words.vectors)


def test_a_view_of_other_vectors_is_saved_as_it_is(tmp_path: Path) -> None:
    turned = WordVectors(some_vectors().vocabulary, torch.randn(5, len(WORDS)).mT)
    save_vectors(turned, tmp_path)
    assert torch.equal(load_vectors(tmp_path).vectors, turned.vectors)
    opened = KeyedVectors.load_word2vec_format(str(tmp_path / "vectors.bin"), binary=True)
    numpy.testing.assert_array_equal(opened.vectors, turned.vectors.numpy())


def test_the_same_vectors_are_the_same_bytes(tmp_path: Path) -> None:
    """DVC tells by the bytes whether a later stage must run again."""
    contents = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        save_vectors(some_vectors(), tmp_path / name)
        contents.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]
    assert set(contents[0]) == {"vectors.safetensors", "vectors.bin", "vocabulary.tsv"}


def test_vectors_that_no_stage_has_made_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none/vectors\.safetensors: no such file.*dvc repro") as caught:
        load_vectors(tmp_path / "none")
    assert "\n" not in str(caught.value)
    save_vectors(some_vectors(), tmp_path)
    (tmp_path / "vocabulary.tsv").unlink()
    with pytest.raises(UserError, match=r"vocabulary\.tsv: no such file"):
        load_vectors(tmp_path)


def test_unit_rows_keep_their_direction_and_zeros_stay() -> None:
    matrix = torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]])
    torch.testing.assert_close(unit(matrix), torch.tensor([[0.6, 0.8], [0.0, 0.0], [0.0, -1.0]]))


def test_frequencies_are_shares_of_all_counts() -> None:
    found = word_frequency(Vocabulary(("a", "b", "c"), numpy.array([6, 3, 1])))
    assert found.dtype == torch.float32
    assert found.tolist() == pytest.approx([0.6, 0.3, 0.1])
