"""How alike words are spelled: against the definition of TF-IDF, and what a person would say."""

import math
from collections import Counter

import numpy
import pytest
import torch
from scipy.sparse import csr_array

from crosswiki.bert.mixtures import mix_embeddings
from crosswiki.embeddings import search
from crosswiki.embeddings.alignment import Pairs, align, mutual_neighbours, standardise
from crosswiki.embeddings.search import nearest
from crosswiki.embeddings.spelling import Spelling, compare_spelling, latin

ENGLISH = ["university", "history", "moscow", "river", "electricity", "king"]
OTHERS = ["université", "histoire", "москва", "rivière", "électricité", "roi", "университет", "история"]


def spelling_of(source: list[str], other: list[str], weight: float = 1.0) -> Spelling:
    spelling = compare_spelling(source, other, weight)
    assert spelling is not None
    return spelling


def everything(spelling: Spelling) -> torch.Tensor:
    return spelling.likeness(slice(None), slice(None))


@pytest.mark.parametrize(
    ("word", "letters"), [("Électricité", "electricite"), ("Москва", "moskva"), ("straße", "strasse"), ("1984", "1984")]
)
def test_every_script_is_written_in_latin_letters(word: str, letters: str) -> None:
    assert latin(word) == letters


def test_cognates_and_names_are_nearest_across_scripts() -> None:
    best = everything(spelling_of(ENGLISH, OTHERS)).argmax(1)
    found = {word: ENGLISH[int(place)] for word, place in zip(OTHERS, best, strict=True)}
    del found["roi"]  # which nothing is spelled like
    assert found == {
        "université": "university",
        "histoire": "history",
        "москва": "moscow",
        "rivière": "river",
        "électricité": "electricity",
        "университет": "university",
        "история": "history",
    }


def test_likeness_is_the_weighted_cosine_of_tfidf_weighted_grams() -> None:
    words = [[latin(word) for word in side] for side in (ENGLISH, OTHERS)]

    def grams(word: str) -> Counter[str]:
        edged = f" {word} "
        return Counter(edged[i : i + n] for n in (2, 3, 4) for i in range(len(edged) - n + 1))

    every = [grams(word) for side in words for word in side]
    documents = Counter(gram for counts in every for gram in counts)

    def weights(word: str) -> dict[str, float]:
        raw = {
            gram: (1 + math.log(n)) * (1 + math.log((1 + len(every)) / (1 + documents[gram])))
            for gram, n in grams(word).items()
        }
        length = math.sqrt(sum(value**2 for value in raw.values()))
        return {gram: value / length for gram, value in raw.items()}

    expected = [
        [0.7 * sum(weights(a).get(gram, 0) * value for gram, value in weights(b).items()) for a in words[0]]
        for b in words[1]
    ]
    torch.testing.assert_close(everything(spelling_of(ENGLISH, OTHERS, 0.7)), torch.tensor(expected))


def test_a_part_of_the_words_keeps_its_likeness() -> None:
    spelling = spelling_of(ENGLISH, OTHERS)
    part = spelling.only(slice(0, 3), torch.tensor([4, 1]))
    torch.testing.assert_close(everything(part), everything(spelling)[[4, 1], :3])


@pytest.mark.parametrize(
    ("source", "other", "weight"), [(ENGLISH, OTHERS, 0.0), ([], OTHERS, 1.0), (ENGLISH, [""], 1.0)]
)
def test_without_weight_or_words_there_is_nothing_to_compare(
    source: list[str], other: list[str], weight: float
) -> None:
    assert compare_spelling(source, other, weight) is None


def test_of_two_words_with_the_same_vector_the_one_that_is_spelled_alike_is_mixed() -> None:
    draw = torch.Generator().manual_seed(1)
    embeddings = torch.randn(len(ENGLISH), 8, generator=draw, dtype=torch.float64)
    vectors = torch.nn.functional.normalize(torch.randn(len(ENGLISH), 5, generator=draw, dtype=torch.float64))
    vectors[1] = vectors[0]  # history and university
    spelling = spelling_of(ENGLISH, ["histoire", "université"])
    mixed = mix_embeddings(embeddings, vectors, vectors[:2], 1, 0.1, spelling=spelling)
    torch.testing.assert_close(mixed, embeddings[[1, 0]])


@pytest.mark.parametrize(("queries", "keys"), [(1, 2), (3, 2), (4, 5)])
def test_mixtures_are_the_same_however_many_rows_are_in_memory(
    queries: int, keys: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all that is added to CSLS: spelling, translations, and the token itself left out."""
    draw = torch.Generator().manual_seed(2)
    count = len(ENGLISH)
    embeddings = torch.randn(count, 8, generator=draw, dtype=torch.float64)
    source, other = (
        torch.nn.functional.normalize(torch.randn(count, 5, generator=draw, dtype=torch.float64)) for _ in range(2)
    )
    known = csr_array(0.4 * (torch.rand(count, count, generator=draw) < 0.3).numpy())

    def mixed() -> torch.Tensor:
        spelling = spelling_of(ENGLISH, ENGLISH[::-1])
        return mix_embeddings(embeddings, source, other, 3, 0.1, False, spelling, known)

    whole = mixed()
    monkeypatch.setattr(search, "QUERIES", queries)
    monkeypatch.setattr(search, "KEYS", keys)
    torch.testing.assert_close(mixed(), whole)


def test_refinement_finds_the_translations_that_vectors_alone_confuse() -> None:
    """Two languages with the same words but for an ending; noise hides half of the vectors' likeness."""
    draw = numpy.random.default_rng(3)
    stems = ["".join(draw.choice(list("abdegilmnoprstu"), 6)) for _ in range(300)]
    true = torch.from_numpy(draw.normal(size=(300, 20)))
    rotation = torch.from_numpy(numpy.linalg.qr(draw.normal(size=(20, 20)))[0])
    noisy = [true + 1.2 * torch.from_numpy(draw.normal(size=true.shape)) for _ in range(2)]
    source, other = standardise(noisy[0]), standardise(noisy[1] @ rotation)
    seeds = Pairs(torch.arange(25), torch.arange(25))
    spelling = spelling_of([stem + "ation" for stem in stems], [stem + "ación" for stem in stems])

    def right(spelling: Spelling | None) -> int:
        fit = align(source, other, seeds, torch.ones(25), 5, 300, 10, spelling)
        return int((nearest(other @ fit.mapping, source, 10, 1).rows[:, 0] == torch.arange(300)).sum())

    assert right(spelling) > 1.2 * right(None)
    found = mutual_neighbours(source, other @ rotation.mT, 10, spelling)
    assert len(found) > 250
    assert (found.source == found.other).double().mean() > 0.98
