"""What the benchmark hands to MUSE's supervised.py, and what it makes of its log; the real one is not needed."""

import json
from pathlib import Path

import numpy
import pytest
import torch
from gensim.models import KeyedVectors

from benchmarks.muse import run_muse, write_pairs, write_text_vectors
from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.alignment import Pairs
from crosswiki.embeddings.vectors import WordVectors
from crosswiki.pipeline.errors import UserError

PLAYED = """
import json, pathlib, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert all(pathlib.Path(options[name]).is_file() for name in ("--src_emb", "--tgt_emb", "--dico_train", "--dico_eval"))
for place in range(int(options["--n_refinement"]) + 1):
    scores = {"n_iter": place, "precision_at_1-csls_knn_10": 10.0 - place, "said": options}
    print("INFO - 11/24/26 - 0:00:01 - __log__:" + json.dumps(scores), file=sys.stderr)
"""


def words(*names: str, seed: int = 0) -> WordVectors:
    drawn = numpy.random.default_rng(seed).normal(size=(len(names), 5)).astype("f4")
    return WordVectors(Vocabulary(names, numpy.arange(len(names), 0, -1)), torch.from_numpy(drawn))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source, other = words("water", "été", "中"), words("eau", "été", seed=1)
    write_text_vectors(source, tmp_path / "source.vec")
    write_text_vectors(other, tmp_path / "other.vec")
    write_pairs(Pairs(torch.tensor([0, 1]), torch.tensor([0, 1])), source, other, tmp_path / "learnt.txt")
    write_pairs(Pairs(torch.tensor([2]), torch.tensor([0])), source, other, tmp_path / "held.txt")
    return tmp_path


def test_vectors_open_as_word2vecs_text_format(folder: Path) -> None:
    found = KeyedVectors.load_word2vec_format(folder / "source.vec")
    assert found.index_to_key == ["water", "été", "中"]
    numpy.testing.assert_allclose(found.vectors, words("water", "été", "中").vectors, rtol=1e-5)


def test_dictionaries_go_from_the_other_language_to_the_source(folder: Path) -> None:
    assert (folder / "learnt.txt").read_text(encoding="utf-8") == "eau water\nété été\n"
    assert (folder / "held.txt").read_text(encoding="utf-8") == "eau 中\n"


def test_every_rounds_scores_are_read_from_the_log(folder: Path) -> None:
    (folder / "supervised.py").write_text(PLAYED, encoding="utf-8")
    found = run_muse(folder, folder, dim=5, normalised="", rounds=3)
    assert [scores["precision_at_1-csls_knn_10"] for scores in found] == [10, 9, 8, 7]
    said = json.loads(json.dumps(found[0]["said"]))
    assert said["--src_emb"].endswith("other.vec"), "the other language is mapped onto the source"
    assert said["--emb_dim"] == "5"
    assert said["--export"] == said["--normalize_embeddings"] == ""


@pytest.mark.parametrize("script", ["raise SystemExit('no such option')", "print('nothing logged')"])
def test_a_run_that_fails_ends_in_one_line(folder: Path, script: str) -> None:
    (folder / "supervised.py").write_text(script, encoding="utf-8")
    with pytest.raises(UserError, match=r"supervised\.py: ended with") as caught:
        run_muse(folder, folder, dim=5, normalised="", rounds=3)
    assert len(str(caught.value).splitlines()) == 1
