"""Word similarity against scipy and gensim, and the files of judgements."""

from pathlib import Path

import numpy
import pandas
import pytest
import torch
from gensim.models import KeyedVectors
from gensim.test.utils import datapath
from scipy.stats import spearmanr

from crosswiki.corpora.readers.files import read_similarities
from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.similarity import COLUMNS, load_judgements, save_judgements, spearman
from crosswiki.embeddings.vectors import WordVectors
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.presets import FilesPreset, RoleLanguages
from tests.words import seeded

LANGUAGES = RoleLanguages(source="en", target="fr", test="es")


def preset(*paths: str | Path) -> FilesPreset:
    similarities = {"en": [str(path) for path in paths]}
    return FilesPreset(kind="files", languages=LANGUAGES, articles={}, similarities=similarities)


def vectors_of(words: list[str]) -> WordVectors:
    counts = numpy.ones(len(words), dtype=numpy.int64)
    return WordVectors(Vocabulary(tuple(words), counts), torch.randn(len(words), 12, generator=seeded(1)))


def test_the_correlation_is_that_of_scipy_over_the_pairs_that_are_known() -> None:
    words = vectors_of([f"w{i}" for i in range(30)])
    draw = numpy.random.default_rng(1)
    rows = [("a", f"w{i}", f"w{draw.integers(40)}", float(draw.integers(10))) for i in range(30)]
    known = [row for row in rows if row[2] in words.vocabulary.ids]
    assert 3 < len(known) < 30
    cosines = [
        float(torch.nn.functional.cosine_similarity(*(words.vectors[words.vocabulary.ids[w]] for w in row[1:3]), dim=0))
        for row in known
    ]
    found = spearman(words, pandas.DataFrame(rows, columns=list(COLUMNS)))["a"]
    assert found["spearman"] == pytest.approx(spearmanr(cosines, [row[3] for row in known]).statistic, abs=1e-5)
    assert (found["pairs"], found["of"]) == (len(known), 30)


@pytest.mark.parametrize("file", ["wordsim353.tsv", "simlex999.txt"])
def test_published_files_are_read_and_scored_as_gensim_does(file: str, tmp_path: Path) -> None:
    rows = read_similarities(preset(datapath(file)), "en")
    words = vectors_of(sorted({word for row in rows for word in row[1:3]})[::2])
    save_judgements(rows, tmp_path / "judged.tsv")
    found = spearman(words, load_judgements(tmp_path / "judged.tsv"))[file.partition(".")[0]]
    keyed = KeyedVectors(12)
    keyed.add_vectors(list(words.vocabulary.words), words.vectors.numpy())
    _, (expected, _), unknown = keyed.evaluate_word_pairs(datapath(file))
    assert found["spearman"] == pytest.approx(expected, abs=0.01)  # gensim counts a pair in two orders once
    assert found["pairs"] == pytest.approx(found["of"] * (1 - unknown / 100), abs=2)


def test_sets_without_known_words_have_no_correlation_and_no_sets_no_scores(tmp_path: Path) -> None:
    words = vectors_of(["nan", "null"])
    save_judgements([("a", "nan", "null", 3.0), ("a", "x", "nan", 1.0)], tmp_path / "judged.tsv")
    assert spearman(words, load_judgements(tmp_path / "judged.tsv")) == {"a": {"pairs": 1, "of": 2}}
    save_judgements([], tmp_path / "none.tsv")
    assert spearman(words, load_judgements(tmp_path / "none.tsv")) == {}


@pytest.mark.parametrize("line", ["sea\tlake", "sea\tlake\tmuch", "sea\t\t3", "sea\tlake\tnan"])
def test_a_wrong_line_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text(f"# judged\n\nRiver\tstream\t8.1\n{line}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"pairs\.tsv: line 4: word1<TAB>word2<TAB>score"):
        read_similarities(preset(path), "en")
    path.write_text("River\tstream\t8.1\n", encoding="utf-8")
    assert read_similarities(preset(path), "en") == [("pairs", "river", "stream", 8.1)]
    assert read_similarities(preset(path), "fr") == []
