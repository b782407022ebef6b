"""Skip-gram that starts from published vectors: planted ones, and through the graph."""

from pathlib import Path

import numpy
import pytest
import torch
from gensim.models import KeyedVectors
from ruamel.yaml import YAML
from scipy.linalg import orthogonal_procrustes
from torch import Tensor

from crosswiki.bert.models import load_classifier
from crosswiki.corpora.text import Spelling
from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.skipgram.published import LENGTH, Start, finish, read_start
from crosswiki.embeddings.skipgram.trainer import train_skipgram
from crosswiki.embeddings.vectors import load_vectors, unit
from crosswiki.pipeline.errors import UserError
from tests.tiny import results_alone, run_stages
from tests.words import one_thread, planted, seeded, settings_of  # noqa: F401

CPU = torch.device("cpu")
WORDS = ("haus", "der", "überall", "fehlt")
COUNTS = numpy.array([40, 30, 20, 10])


def write(path: Path, words: list[str], vectors: Tensor) -> Path:
    keyed = KeyedVectors(vectors.shape[1])
    keyed.add_vectors(words, vectors.numpy())
    keyed.save_word2vec_format(str(path), binary=path.suffix == ".bin")
    return path


def start_of(folder: Path, maximum: int = 100) -> tuple[Start, Tensor]:
    vectors = torch.randn(6, 5, generator=seeded(1))
    path = write(folder / "de.bin", ["Der", "Haus", "der", "u.s.", "überall", "nirgends"], vectors)
    return read_start(path, Vocabulary(WORDS, COUNTS), maximum, "de", Spelling()), vectors


def test_words_of_the_text_get_the_files_directions_and_other_words_follow(tmp_path: Path) -> None:
    start, vectors = start_of(tmp_path)
    torch.testing.assert_close(start.centres[:3], unit(vectors[[1, 0, 4]]) * LENGTH)
    assert not start.centres[3].any()
    assert start.others == ("nirgends",)
    torch.testing.assert_close(start.other_centres, unit(vectors[[5]]) * LENGTH)
    assert start.summary == (
        f"{tmp_path}/de.bin: 6 rows; 3 of the text's 4 words (90.0% of its running words) and 1 others; left out: "
        "1 that are not one word, 1 that repeat a word"
    )
    assert start_of(tmp_path, maximum=4)[0].others == ()


def test_a_file_of_another_language_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "zh.vec", ["中国", "人"], torch.ones(2, 3))
    with pytest.raises(UserError, match=r"zh\.vec: has no word of the text in 'de'"):
        read_start(path, Vocabulary(WORDS, COUNTS), 10, "de", Spelling())


def planted_start(folder: Path, dim: int = 5) -> tuple[Start, Vocabulary, Tensor]:
    """A file with 30 words, of which the text has 20, and one word that only the text has."""
    names = [f"w{chr(97 + place // 26)}{chr(97 + place % 26)}" for place in range(31)]
    vectors = torch.randn(30, dim, generator=seeded(2))
    vocabulary = Vocabulary((*names[:20], names[30]), numpy.arange(21, 0, -1))
    path = write(folder / "a.vec", names[:30], vectors)
    return read_start(path, vocabulary, 100, "en", Spelling()), vocabulary, unit(vectors)


@pytest.mark.parametrize("prior", [0, 7, 1e9])
def test_what_training_has_only_turned_is_as_in_the_file(tmp_path: Path, prior: float) -> None:
    start, vocabulary, published = planted_start(tmp_path)
    rotation = torch.linalg.qr(torch.randn(5, 5, generator=seeded(3)))[0]
    new = torch.randn(1, 5, generator=seeded(4))
    trained = torch.cat([start.centres[:20], new]) @ rotation
    found = finish(vocabulary, trained, settings_of(pretrained_prior=prior), start)
    assert found.vocabulary.words == vocabulary.words + start.others
    assert found.vocabulary.counts.tolist() == [*range(21, 0, -1), *[0] * 10]
    expected = torch.cat([published[:20], unit(new), published[20:]])
    torch.testing.assert_close(found.vectors, expected, atol=1e-5, rtol=0)


def test_the_more_often_a_word_occurs_the_more_it_keeps_of_what_it_has_learnt(tmp_path: Path) -> None:
    """The formula, with SciPy's Procrustes."""
    start, vocabulary, published = planted_start(tmp_path)
    trained = start.centres + torch.randn(21, 5, generator=seeded(5))
    found = finish(vocabulary, trained, settings_of(pretrained_prior=10), start).vectors.numpy()
    directions = unit(trained).numpy()
    rotation, _ = orthogonal_procrustes(directions[:20], published[:20].numpy())
    count = numpy.arange(21, 1, -1)[:, None]
    expected = count * (directions[:20] @ rotation) + 10 * published[:20].numpy()
    expected /= numpy.linalg.norm(expected, axis=1, keepdims=True)
    numpy.testing.assert_allclose(found[:20], expected, atol=1e-5)
    numpy.testing.assert_allclose(found[20], directions[20] @ rotation, atol=1e-5)
    numpy.testing.assert_allclose(found[21:], published[20:], atol=1e-6)


def test_only_words_that_the_file_has_not_are_shrunk_towards_their_n_grams(tmp_path: Path) -> None:
    start, vocabulary, _ = planted_start(tmp_path)
    trained = start.centres + torch.randn(21, 5, generator=seeded(5))
    plain, shrunk = (finish(vocabulary, trained, settings_of(subword_prior=prior), start).vectors for prior in (0, 16))
    moved = (plain - shrunk).norm(dim=1) > 1e-5
    assert moved.nonzero().tolist() == [[20]]


def test_a_start_from_a_long_text_helps_a_short_one() -> None:
    """Two groups of words that never meet: how much nearer a word is to its own group than to the other."""

    def gap(vectors: Tensor) -> float:
        cosines = unit(vectors - vectors.mean(0)) @ unit(vectors - vectors.mean(0)).mT
        same = (torch.arange(20)[:, None] - torch.arange(20)) % 2 == 0
        return float(cosines[same].mean() - cosines[~same].mean())

    long = train_skipgram(*planted(400), settings_of(), seed=1, device=CPU).centres
    tokens, offsets, _ = planted(400)
    short = tokens[: offsets[6]], offsets[:7], numpy.bincount(tokens[: offsets[6]], minlength=20)

    def trained(centres: Tensor | None) -> Tensor:
        return train_skipgram(*short, settings_of(), seed=2, device=CPU, centres=centres).vectors("sum")

    start = unit(long) * LENGTH
    start[:4] = 0  # words that the file has not learn from the others
    assert gap(trained(start)) > gap(trained(None)) + 0.3
    assert gap(trained(start)) > 0.8


def test_rows_of_zeros_are_drawn_as_without_a_start() -> None:
    corpus, centres = planted(1), torch.zeros(20, 12)
    settings = settings_of(epochs=1, learning_rate=1e-9)
    plain = train_skipgram(*corpus, settings, seed=1, device=CPU).centres
    centres[3] = 1
    found = train_skipgram(*corpus, settings, seed=1, device=CPU, centres=centres).centres
    torch.testing.assert_close(found[3], centres[3], atol=1e-6, rtol=0)
    rest = torch.arange(20) != 3
    torch.testing.assert_close(found[rest], plain[rest], atol=1e-6, rtol=0)


def test_words_that_only_the_file_has_reach_the_transplanted_model(finished: Path, tmp_path: Path) -> None:
    """The trio's target starts from a file that has one word more, at the place of a word that the text has."""
    folder = results_alone(finished, tmp_path / "clone")
    made = load_vectors(folder / "models/skipgram/target")
    words, twin = list(made.vocabulary.words), max(made.vocabulary.words, key=len)
    more = torch.cat([made.vectors, made.vectors[[words.index(twin)]]])
    write(folder / "more.vec", [*words, "qwxyz"], more)
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    params["skipgram"]["pretrained"]["target"] = "$DVC_ROOT/more.vec"
    yaml.dump(params, folder / "params.yaml")
    said = run_stages(folder, "skipgram@target", "align@target", "transplant@target").stdout
    assert "more.vec: " in said
    assert " and 1 others" in said
    aligned = load_vectors(folder / "models/aligned/target")
    assert aligned.vocabulary.words[-1] == "qwxyz"
    assert float(unit(aligned.vectors[-1:]) @ unit(aligned.vectors[[words.index(twin)]])[0]) > 0.8
    transplanted = load_classifier(folder / "models/transplanted/target")
    assert transplanted.tokenizer.tokenize("qwxyz") == ["qwxyz"]
