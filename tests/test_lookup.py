"""Nearest words against gensim within a language, and a planted translation across languages."""

import shutil
from pathlib import Path

import numpy
import pytest
import torch
from gensim.models import KeyedVectors

from crosswiki.__main__ import main
from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.lookup import FOLDERS, load_aligned, nearest_words
from crosswiki.embeddings.vectors import WordVectors, save_vectors
from crosswiki.pipeline.errors import UserError
from tests.tiny import ROOT
from tests.words import seeded


def words_of(prefix: str, vectors: torch.Tensor) -> WordVectors:
    size = len(vectors)
    return WordVectors(Vocabulary(tuple(f"{prefix}{i}" for i in range(size)), numpy.ones(size, dtype=int)), vectors)


def test_within_a_language_the_answers_are_those_of_gensim() -> None:
    words = words_of("a", torch.randn(50, 8, generator=seeded(1)))
    keyed = KeyedVectors(8)
    keyed.add_vectors(list(words.vocabulary.words), words.vectors.numpy())
    found, expected = nearest_words("a7", words, words, 5), keyed.most_similar("a7", topn=5)
    assert [word for word, _ in found] == [word for word, _ in expected]
    assert [cosine for _, cosine in found] == pytest.approx([cosine for _, cosine in expected], abs=1e-5)


def test_across_languages_hubs_stand_back_behind_translations() -> None:
    own = torch.nn.functional.normalize(torch.randn(200, 16, generator=seeded(1)) + 1.0, dim=1)
    hub = own.mean(0, keepdim=True)
    noisy = own + 0.2 * torch.randn(200, 16, generator=seeded(2))
    words, others = words_of("a", own), words_of("b", torch.cat([noisy, hub]))
    cosine = torch.nn.functional.normalize(others.vectors, dim=1) @ own.T
    best = [nearest_words(f"a{i}", words, others, 1)[0][0] for i in range(200)]
    assert best.count("b200") < int((cosine.argmax(0) == 200).sum()) / 2
    right = sum(word == f"b{i}" for i, word in enumerate(best))
    assert right > int((cosine.argmax(0) == torch.arange(200)).sum())


def test_there_are_never_more_words_than_there_are() -> None:
    words = words_of("a", torch.randn(3, 4, generator=seeded(1)))
    assert len(nearest_words("a0", words, words, 10)) == 2
    with pytest.raises(KeyError):
        nearest_words("b0", words, words, 1)


def test_all_roles_are_loaded_into_the_sources_space_and_a_missing_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "data/corpora", tmp_path / "data/corpora")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    written = {}
    for role in ("source", "target"):
        written[role] = words_of(role, torch.randn(12, 4, generator=seeded(0)) + 1)
        FOLDERS[role].mkdir(parents=True)
        save_vectors(written[role], FOLDERS[role])
    found = load_aligned(["source", "target"])
    assert torch.equal(found["target"].vectors, written["target"].vectors)
    scaled = written["source"].vectors.double()
    scaled = scaled / scaled.norm(dim=1, keepdim=True)
    centred = scaled - scaled.mean(0)
    expected = centred / centred.norm(dim=1, keepdim=True)
    torch.testing.assert_close(found["source"].vectors.double(), expected, atol=1e-5, rtol=0)
    with pytest.raises(UserError, match="models/aligned/test"):
        load_aligned()
    main(["neighbours", "source1"])  # shows the languages that are there
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["en", "fr"]


@pytest.mark.parametrize(
    ("asked", "language"), [("國家", "zh"), ("国家", "zh"), ("реки\u0301", "ru"), ("РЕКИ", "ru"), ("ri\u00adver", "en")]
)
def test_a_word_is_found_however_it_is_written(
    asked: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/corpora").mkdir(parents=True)
    shutil.copy(ROOT / "tests/trio/corpus.yaml", tmp_path / "data/corpora/offline.yaml")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    words = {"source": ("river", "state"), "target": ("河流", "国家"), "test": ("реки", "страны")}
    for role, folder in FOLDERS.items():
        folder.mkdir(parents=True)
        vocabulary = Vocabulary(words[role], numpy.ones(2, dtype=int))
        save_vectors(WordVectors(vocabulary, torch.randn(2, 4, generator=seeded(0))), folder)
    main(["neighbours", asked, "--language", language, "--best", "1"])
    lines = dict(line.split()[:2] for line in capsys.readouterr().out.splitlines())
    assert lines[language] in {"state", "河流", "страны"}
