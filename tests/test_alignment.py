"""The orthogonal map, CSLS and its refinement, and the dictionaries that they start from."""

from collections.abc import Iterator
from pathlib import Path

import numpy
import pandas
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group
from torch import Tensor

from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.corpora.word_pairs import load_dictionary, save_dictionary
from crosswiki.embeddings import alignment, search
from crosswiki.embeddings.alignment import (
    Fit,
    Pairs,
    align,
    mutual_neighbours,
    orthogonal_map,
    precision,
    standardise,
)
from crosswiki.embeddings.dictionary import (
    entries_of_titles,
    from_source,
    hold_out,
    known_pairs,
    translation_weights,
    words_beyond,
    words_spelled_alike,
)
from crosswiki.embeddings.search import hubness, nearest

Matrix = NDArray[numpy.float64]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """The matrices are tiny."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def vectors(rows: int, dim: int, seed: int) -> Tensor:
    """Vectors of unit length in float64."""
    drawn = numpy.random.default_rng(seed).normal(size=(rows, dim))
    return torch.from_numpy(drawn / numpy.linalg.norm(drawn, axis=1, keepdims=True))


def rotation(dim: int, seed: int) -> Tensor:
    """A random orthogonal matrix."""
    return torch.from_numpy(ortho_group.rvs(dim, random_state=seed))


def even(rows: Tensor) -> Tensor:
    """The same weight for each."""
    return torch.ones(len(rows), dtype=torch.float64)


# ------------------------------------------------------------------------------------------------ the map


@pytest.mark.parametrize("dim", [2, 7, 30])
def test_a_planted_rotation_is_found(dim: int) -> None:
    other, planted = vectors(3 * dim, dim, seed=1), rotation(dim, seed=2)
    torch.testing.assert_close(orthogonal_map(other @ planted, other, even(other)), planted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("rows", "dim"), [(50, 6), (200, 40)])
def test_the_map_is_scipys(rows: int, dim: int) -> None:
    source, other = vectors(rows, dim, seed=1), vectors(rows, dim, seed=2)
    expected, _ = orthogonal_procrustes(other.numpy(), source.numpy())
    numpy.testing.assert_allclose(orthogonal_map(source, other, even(other)).numpy(), expected, atol=1e-10)


def test_no_other_rotation_fits_better() -> None:
    source, other = vectors(40, 5, seed=1), vectors(40, 5, seed=2)
    found = (other @ orthogonal_map(source, other, even(other)) - source).norm()
    assert all((other @ rotation(5, seed) - source).norm() >= found for seed in range(200))


@settings(deadline=None)
@given(
    st.tuples(st.integers(0, 8), st.integers(1, 6)).flatmap(
        lambda shape: arrays(numpy.float64, (2, *shape), elements=st.floats(-1e3, 1e3, width=32))
    )
)
def test_the_map_is_orthogonal_whatever_the_input(pair: Matrix) -> None:
    dim = pair.shape[2]
    mapping = orthogonal_map(torch.from_numpy(pair[0]), torch.from_numpy(pair[1]), torch.ones(pair.shape[1]))
    torch.testing.assert_close(mapping @ mapping.mT, torch.eye(dim, dtype=torch.float64), rtol=0, atol=1e-9)


def test_a_dictionary_smaller_than_the_dimension_still_maps_its_own_entries() -> None:
    other, planted = vectors(5, 30, seed=1), rotation(30, seed=2)
    mapping = orthogonal_map(other @ planted, other, even(other))
    torch.testing.assert_close(other @ mapping, other @ planted, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(mapping.mT @ mapping, torch.eye(30, dtype=torch.float64), rtol=0, atol=1e-9)


def test_the_map_has_the_type_of_the_vectors() -> None:
    source, other = vectors(40, 5, seed=1), vectors(40, 5, seed=2)
    found = orthogonal_map(source.float(), other.float(), even(other))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), orthogonal_map(source, other, even(other)), rtol=0, atol=1e-6)


def test_standardised_rows_are_of_unit_length_and_have_no_common_direction() -> None:
    raw = 5 * vectors(400, 10, seed=1) + torch.arange(10)
    found = standardise(raw)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(400, dtype=torch.float64))
    assert (raw / raw.norm(dim=1, keepdim=True)).mean(0).norm() > 0.9
    assert found.mean(0).norm() < 0.1
    unit = raw.numpy() / numpy.linalg.norm(raw.numpy(), axis=1, keepdims=True)
    centred = unit - unit.mean(0)
    numpy.testing.assert_allclose(found.numpy(), centred / numpy.linalg.norm(centred, axis=1, keepdims=True))


def test_a_word_without_a_vector_does_not_spoil_the_others() -> None:
    raw = vectors(20, 4, seed=1)
    raw[3] = 0
    assert standardise(raw).isfinite().all()


# ------------------------------------------------------------------------------------------------ neighbours


def csls(queries: Tensor, keys: Tensor, neighbours: int) -> Matrix:
    """CSLS by its formula, 2cos(x, y) − r(x) − r(y), over every query and key."""
    cosine: Matrix = queries.numpy() @ keys.numpy().T
    of_queries = numpy.sort(cosine, axis=1)[:, -neighbours:].mean(1)
    of_keys = numpy.sort(cosine, axis=0)[-neighbours:].mean(0)
    corrected: Matrix = 2 * cosine - of_queries[:, None] - of_keys[None]
    return corrected


@pytest.mark.parametrize("neighbours", [1, 3, 10])
@pytest.mark.parametrize(("rows", "columns"), [(40, 25), (25, 40)])
def test_the_nearest_are_those_of_csls(rows: int, columns: int, neighbours: int) -> None:
    queries, keys = vectors(rows, 4, seed=1), vectors(columns, 4, seed=2)
    expected = numpy.argsort(-csls(queries, keys, neighbours), axis=1)[:, :5]
    numpy.testing.assert_array_equal(nearest(queries, keys, neighbours, 5).rows.numpy(), expected)


def test_csls_is_not_plain_cosine_here() -> None:
    """Without this the test above could pass without any correction for hubs."""
    queries, keys = vectors(40, 4, seed=1), vectors(25, 4, seed=2)
    plain = (queries @ keys.mT).argmax(1)
    assert (nearest(queries, keys, 10, 1).rows[:, 0] != plain).any()


def test_hubness_is_the_mean_of_the_highest_cosines() -> None:
    queries, keys = vectors(12, 4, seed=1), vectors(9, 4, seed=2)
    expected = [sum(sorted(row)[-3:]) / 3 for row in (queries @ keys.mT).tolist()]
    assert hubness(queries, keys, 3).tolist() == pytest.approx(expected)


def test_fewer_words_than_neighbours_are_enough() -> None:
    queries, keys = vectors(3, 4, seed=1), vectors(2, 4, seed=2)
    assert hubness(queries, keys, 10).tolist() == pytest.approx((queries @ keys.mT).mean(1).tolist())
    assert nearest(queries, keys, 10, 5).rows.shape == (3, 2)


@pytest.mark.parametrize("rows", [1, 3, 7])
def test_it_does_not_matter_how_many_rows_are_in_memory(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    queries, keys = vectors(30, 5, seed=1), vectors(20, 5, seed=2)
    gold = Pairs(torch.arange(20), torch.arange(20))

    def everything() -> tuple[Tensor, Tensor, dict[int, float], Tensor]:
        mutual = mutual_neighbours(queries, keys, 4)
        scores = precision(queries, keys, gold, 4, (1, 10))
        return hubness(queries, keys, 4), nearest(queries, keys, 4, 3).rows, scores, mutual.source

    whole = everything()
    monkeypatch.setattr(search, "QUERIES", rows)
    monkeypatch.setattr(search, "KEYS", 2 * rows)
    parts = everything()
    torch.testing.assert_close(parts[0], whole[0])
    assert torch.equal(parts[1], whole[1])
    assert parts[2] == whole[2]
    assert 0 < whole[2][10] < 1
    assert torch.equal(parts[3], whole[3])


def test_mutual_neighbours_are_mutual() -> None:
    source, other = vectors(50, 4, seed=1), vectors(35, 4, seed=2)
    scores = csls(other, source, 3)
    expected = {(int(scores[o].argmax()), o) for o in range(35) if scores[:, scores[o].argmax()].argmax() == o}
    found = mutual_neighbours(source, other, 3)
    assert 0 < len(found) == len(expected) < 35
    assert set(zip(found.source.tolist(), found.other.tolist(), strict=True)) == expected


def test_mutual_neighbours_are_the_same_from_either_side() -> None:
    source, other = vectors(50, 4, seed=1), vectors(35, 4, seed=2)
    there, back = mutual_neighbours(source, other, 3), mutual_neighbours(other, source, 3)
    assert set(zip(there.source.tolist(), there.other.tolist(), strict=True)) == set(
        zip(back.other.tolist(), back.source.tolist(), strict=True)
    )


# ----------------------------------------------------------------------------------------- refinement and its score


def planted(rows: int, dim: int, noise: float) -> tuple[Tensor, Tensor, Tensor]:
    """Two spaces that a rotation and some noise lie between, and the rotation; row i means the same in both."""
    source = vectors(rows, dim, seed=1)
    turned = rotation(dim, seed=2)
    other = source @ turned.mT + noise * vectors(rows, dim, seed=3)
    return source, other / other.norm(dim=1, keepdim=True), turned


def fitted(source: Tensor, other: Tensor, seeds: Pairs, rounds: int, refine_words: int, neighbours: int) -> Fit:
    """With the same weight for each seed."""
    return align(source, other, seeds, torch.ones(len(seeds)), rounds, refine_words, neighbours)


def test_refinement_finds_the_rotation_from_fewer_seeds_than_dimensions() -> None:
    source, other, turned = planted(rows=500, dim=24, noise=0.2)
    seeds = Pairs(torch.arange(14), torch.arange(14))
    rough = fitted(source, other, seeds, rounds=0, refine_words=500, neighbours=10).mapping
    fine = fitted(source, other, seeds, rounds=5, refine_words=500, neighbours=10).mapping
    everyone = Pairs(torch.arange(14, 500), torch.arange(14, 500))
    before = precision(source, other @ rough, everyone, 10, (1,))[1]
    after = precision(source, other @ fine, everyone, 10, (1,))[1]
    assert before < 0.8
    assert after > 0.98
    assert (fine - turned).norm() < 0.5
    assert (rough - turned).norm() > 2
    torch.testing.assert_close(fine @ fine.mT, torch.eye(24, dtype=torch.float64), rtol=0, atol=1e-9)


def test_without_rounds_the_map_is_that_of_the_seeds() -> None:
    source, other, _ = planted(rows=60, dim=6, noise=0.3)
    seeds = Pairs(torch.tensor([4, 9, 1, 30, 31, 32, 33]), torch.tensor([4, 9, 1, 30, 31, 32, 40]))
    found = fitted(source, other, seeds, rounds=0, refine_words=60, neighbours=5)
    assert found.rounds == 0
    torch.testing.assert_close(
        found.mapping, orthogonal_map(source[seeds.source], other[seeds.other], torch.ones(len(seeds)))
    )


def test_a_round_adds_the_mutual_neighbours_to_the_seeds() -> None:
    source, other, _ = planted(rows=60, dim=6, noise=0.6)
    seeds = Pairs(torch.arange(8), torch.tensor([0, 1, 2, 3, 4, 5, 7, 6]))  # the last two are wrong, and stay
    first, _ = orthogonal_procrustes(other[seeds.other].numpy(), source[seeds.source].numpy())
    scores = csls(other @ torch.from_numpy(first), source, 5)
    forward, backward = scores.argmax(1), scores.argmax(0)
    pairs = [(int(forward[o]), o) for o in range(60) if backward[forward[o]] == o]
    pairs += list(zip(seeds.source.tolist(), seeds.other.tolist(), strict=True))
    second, _ = orthogonal_procrustes(other[[o for _, o in pairs]].numpy(), source[[s for s, _ in pairs]].numpy())
    found = fitted(source, other, seeds, rounds=1, refine_words=60, neighbours=5)
    assert found.rounds == 1
    numpy.testing.assert_allclose(found.mapping.numpy(), second, atol=1e-9)


def test_only_the_most_frequent_words_take_part_in_the_refinement() -> None:
    """Rarer words that would fit much better change nothing."""
    source, other, turned = planted(rows=300, dim=12, noise=0.2)
    seeds = Pairs(torch.arange(10), torch.arange(10))
    found = fitted(source, other, seeds, rounds=3, refine_words=150, neighbours=5).mapping
    tempting = source.clone(), other.clone()
    tempting[0][150:] = other[:150] @ turned
    tempting[1][150:] = source[:150] @ turned.mT
    torch.testing.assert_close(
        fitted(tempting[0], tempting[1], seeds, rounds=3, refine_words=150, neighbours=5).mapping,
        found,
        rtol=0,
        atol=1e-9,
    )


@pytest.mark.parametrize(("size", "others"), [(300, 40), (40, 300)])
def test_vocabularies_of_different_size_are_aligned(size: int, others: int) -> None:
    source, other, turned = planted(rows=300, dim=6, noise=0.1)
    seeds = Pairs(torch.arange(8), torch.arange(8))
    found = fitted(source[:size], other[:others], seeds, rounds=3, refine_words=1000, neighbours=10).mapping
    assert (found - turned).norm() < 0.3


def test_refinement_ends_when_words_come_no_nearer_to_their_translations() -> None:
    source, other, _ = planted(rows=500, dim=24, noise=0.2)
    seeds = Pairs(torch.arange(14), torch.arange(14))
    by_most = [fitted(source, other, seeds, rounds=most, refine_words=400, neighbours=10) for most in range(12)]
    last = by_most[-1]
    assert 2 <= last.rounds < 11, "it does not need them all"
    for most, fit in enumerate(by_most):
        assert fit.rounds == min(most, last.rounds)
        scores = csls(other[:400] @ fit.mapping, source[:400], 10)
        cosines = [float(source[s] @ (other[o] @ fit.mapping)) for o, s in enumerate(scores.argmax(1))]
        assert fit.mean_cosine == pytest.approx(sum(cosines) / 400)
    assert [fit.mean_cosine for fit in by_most] == sorted(fit.mean_cosine for fit in by_most)
    assert torch.equal(by_most[last.rounds].mapping, last.mapping)


def test_a_round_that_makes_it_worse_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    source, other, turned = planted(rows=300, dim=12, noise=0.2)
    seeds = Pairs(torch.arange(250), torch.arange(250))
    wrong = Pairs(torch.arange(300).repeat(5), torch.randperm(300, generator=torch.Generator()).repeat(5))
    monkeypatch.setattr(alignment, "mutual_neighbours", lambda *_: wrong)
    fit = fitted(source, other, seeds, rounds=4, refine_words=300, neighbours=10)
    assert fit.rounds == 0
    assert (fit.mapping - turned).norm() < 0.2


# --------------------------------------------------------------------------------------------- ambiguous entries


def test_weights_are_the_least_squares_of_repeated_pairs() -> None:
    """A pair of weight 3 is three pairs."""
    source, other = vectors(20, 5, seed=1), vectors(20, 5, seed=2)
    times = torch.randint(1, 4, (20,), generator=torch.Generator().manual_seed(3))
    expected, _ = orthogonal_procrustes(
        other.repeat_interleave(times, 0).numpy(), source.repeat_interleave(times, 0).numpy()
    )
    numpy.testing.assert_allclose(orthogonal_map(source, other, times).numpy(), expected, atol=1e-10)


def weights_of(pairs: list[tuple[int, int]]) -> Tensor:
    """Of words that no two are spelled alike."""
    source, other = (torch.tensor(side) for side in zip(*pairs, strict=True))
    names = [vocabulary(*(f"{letter * (place + 1)}" for place in range(10))) for letter in "ab"]
    return translation_weights(Pairs(source, other), *names)


def test_an_ambiguous_word_weighs_as_much_as_another() -> None:
    found = weights_of([(0, 0), (1, 1), (2, 1), (3, 1), (4, 2), (4, 3), (5, 4), (5, 1)])
    assert found.tolist() == pytest.approx([1, 1 / 4, 1 / 4, 1 / 4, 1 / 2, 1 / 2, 1 / 2, 1 / 4])


def test_spellings_of_one_word_are_not_ambiguous() -> None:
    source, other = (
        vocabulary("resume", "general", "chair"),
        vocabulary("résumé", "resume", "général", "chaise", "chair"),
    )
    pairs = Pairs(torch.tensor([0, 0, 1, 2, 2, 0]), torch.tensor([0, 1, 2, 3, 4, 3]))
    assert translation_weights(pairs, source, other).tolist() == [1, 1, 1, 1 / 2, 1, 1 / 2]
    none = torch.tensor([], dtype=torch.int64)
    assert len(translation_weights(Pairs(none, none), source, other)) == 0


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=40, unique=True))
def test_no_word_weighs_more_than_one(pairs: list[tuple[int, int]]) -> None:
    weights = weights_of(pairs)
    source, other = (torch.tensor(side) for side in zip(*pairs, strict=True))
    for own, others in ((source, other), (other, source)):
        for word in own.unique():
            mine = own == word
            total = float(weights[mine].sum())
            assert total <= 1 + 1e-9
            if all((others == translation).sum() <= mine.sum() for translation in others[mine]):
                assert total == pytest.approx(1)


def test_many_wrong_translations_of_a_word_turn_the_map_no_further_than_one() -> None:
    source, other, turned = planted(rows=60, dim=6, noise=0.1)
    good = torch.arange(40)
    seeds = Pairs(torch.cat([good, torch.arange(60)]), torch.cat([good, torch.full((60,), 59)]))
    names = [vocabulary(*(f"{letter * (place + 1)}" for place in range(60))) for letter in "ab"]
    weights = translation_weights(seeds, *names)
    weighted, equal = (orthogonal_map(source[seeds.source], other[seeds.other], w) for w in (weights, even(weights)))
    assert (weighted - turned).norm() < 0.6 * (equal - turned).norm()


def brute_precision(source: Tensor, mapped: Tensor, gold: Pairs, neighbours: int, k: int) -> float:
    """Count, over the distinct words of the dictionary, those with a translation among the k best."""
    scores = csls(mapped, source, neighbours)
    translations: dict[int, set[int]] = {}
    for s, o in zip(gold.source.tolist(), gold.other.tolist(), strict=True):
        translations.setdefault(o, set()).add(s)
    hits = [bool(set(numpy.argsort(-scores[o])[:k].tolist()) & right) for o, right in translations.items()]
    return sum(hits) / len(hits)


@pytest.mark.parametrize("k", [1, 5, 20])
@pytest.mark.parametrize("words", [6, 40])
def test_precision_is_a_count(words: int, k: int) -> None:
    """Under CSLS with the neighbours among all words, however few of them are asked for."""
    source, mapped, _ = planted(rows=50, dim=5, noise=1.2)
    generator = numpy.random.default_rng(3)
    other = torch.from_numpy(generator.integers(0, words, 60))
    gold = Pairs(torch.cat([other, torch.from_numpy(generator.integers(0, 50, 60))]), torch.cat([other, other]))
    found = precision(source, mapped, gold, 4, (1, 5, 20))
    assert found[k] == pytest.approx(brute_precision(source, mapped, gold, 4, k))


def test_precision_of_a_perfect_map_and_of_no_words() -> None:
    source = vectors(50, 8, seed=1)
    everyone = Pairs(torch.arange(50), torch.arange(50))
    assert precision(source, source, everyone, 5, (1, 5)) == {1: 1.0, 5: 1.0}
    assert precision(source, source.flip(0), everyone, 5, (1,)) == {1: 0.0}
    none = torch.tensor([], dtype=torch.int64)
    assert precision(source, source, Pairs(none, none), 5, (1,)) == {1: 0.0}


def test_precision_at_more_words_than_there_are_is_certain() -> None:
    source, mapped = vectors(4, 3, seed=1), vectors(3, 3, seed=2)
    assert precision(source, mapped, Pairs(torch.tensor([0, 2]), torch.tensor([0, 1])), 10, (9,)) == {9: 1.0}


# ---------------------------------------------------------------------------------------------- dictionaries


def vocabulary(*words: str) -> Vocabulary:
    """A vocabulary of these words, the first the most frequent."""
    return Vocabulary(words, numpy.arange(len(words), 0, -1))


def test_words_that_both_spell_alike_are_entries_if_they_are_long_enough() -> None:
    source = vocabulary("the", "zinc", "2019", "chat", "été", "piano", "c3po", "москва")
    other = vocabulary("chat", "été", "zinc", "le", "piano", "2019", "c3po", "москва", "zincs")
    assert words_spelled_alike(source, other, 4) == [(word, word) for word in ("chat", "zinc", "piano", "москва")]
    assert ("été", "été") in words_spelled_alike(source, other, 3)
    assert words_spelled_alike(source, other, 20) == []


def test_accents_do_not_keep_words_apart_that_are_otherwise_spelled_alike() -> None:
    source, other = vocabulary("resume", "revolution", "résumé"), vocabulary("révolution", "résumé")
    assert words_spelled_alike(source, other, 4) == [("revolution", "révolution"), ("resume", "résumé")]


def test_known_pairs_are_those_of_which_both_words_are_known_each_once() -> None:
    source, other = vocabulary("dog", "house", "cat", "home"), vocabulary("maison", "chien")
    entries = [
        ("house", "maison"),
        ("Dog", "chien"),
        ("dog", "chien"),
        ("house", "maison"),
        ("cat", "chat"),
        ("tree", "maison"),
        ("maison", "house"),
        ("home", "maison"),
        ("", ""),
    ]
    found = known_pairs(entries, source, other)
    assert list(zip(found.source.tolist(), found.other.tolist(), strict=True)) == [(1, 0), (0, 1), (3, 0)]
    assert found.source.dtype == found.other.dtype == torch.int64
    assert len(known_pairs([], source, other)) == 0


def test_held_out_pairs_share_no_word_of_the_other_language_with_the_rest() -> None:
    other = vocabulary(*(f"word{i}" for i in range(2000)))
    generator = numpy.random.default_rng(1)
    pairs = Pairs(
        torch.from_numpy(generator.integers(0, 900, 4000)), torch.from_numpy(generator.integers(0, 2000, 4000))
    )
    learnt, held = hold_out(pairs, other, 0.1)
    assert not set(learnt.other.tolist()) & set(held.other.tolist())
    both = [(int(s), int(o)) for part in (learnt, held) for s, o in zip(part.source, part.other, strict=True)]
    assert sorted(both) == sorted(zip(pairs.source.tolist(), pairs.other.tolist(), strict=True))
    assert len(set(held.other.tolist())) / len(set(pairs.other.tolist())) == pytest.approx(0.1, abs=0.03)


def test_the_other_way_only_words_are_asked_of_which_nothing_was_learnt() -> None:
    learnt = Pairs(torch.tensor([0, 1, 2]), torch.tensor([10, 11, 12]))
    held = Pairs(torch.tensor([0, 3, 4, 3]), torch.tensor([13, 14, 15, 16]))
    found = from_source(learnt, held)
    assert found.source.tolist() == [14, 15, 16]
    assert found.other.tolist() == [3, 4, 3]


def test_a_word_is_held_out_whatever_else_is_in_the_vocabulary() -> None:
    """Scores of two runs can be compared only if they are of the same words."""
    words = [f"word{i}" for i in range(300)]
    everyone = Pairs(torch.arange(300), torch.arange(300))
    held = [
        {some.words[int(o)] for o in hold_out(everyone, some, 0.2)[1].other}
        for some in (vocabulary(*words), vocabulary(*reversed(words)))
    ]
    assert held[0] == held[1]
    assert 30 < len(held[0]) < 90


def test_holding_out_of_nothing_gives_nothing() -> None:
    none = torch.tensor([], dtype=torch.int64)
    assert [len(part) for part in hold_out(Pairs(none, none), vocabulary("a"), 0.5)] == [0, 0]


def test_words_beyond_the_text_come_in_the_order_in_which_one_may_meet_them() -> None:
    source = Vocabulary(("the", "of", "slalom", "jeans", "rare"), numpy.array([90, 80, 7, 5, 1]))
    other = Vocabulary(("河", "的"), numpy.array([5, 4]))
    entries = [
        ("rare", "面纱"),
        ("jeans", "牛仔裤"),
        ("river", "河"),  # has a vector
        ("slalom of the", "障碍滑雪"),  # is as frequent as its rarest word
        ("nowhere", "脑炎"),
        ("the", "3d"),  # is not of letters
        ("jeans of the", "蓝色的牛仔裤"),  # is several words
    ]
    texts = ["河面纱面纱", "牛仔裤的"]
    expected = ["面纱", "牛仔裤", "障碍滑雪", "脑炎"]
    for most in (9, 3, 0, -5):
        assert words_beyond(entries, other, source, texts, "zh", most) == expected[: max(most, 0)]
    assert words_beyond([], other, source, texts, "zh", 9) == []


def test_linked_titles_are_entries_but_those_of_the_test_split() -> None:
    columns = ["concept", "title", "split"]
    source = pandas.DataFrame(
        [
            ("Q1", "House", "train"),
            ("Q2", "Secret", "test"),
            ("Q3", "Dog", "validation"),
            ("Q4", None, "train"),
            ("Q5", "Only here", "train"),
            ("Q1", "House again", "train"),
        ],
        columns=columns,
    )
    other = pandas.DataFrame(
        [
            ("Q6", "Seulement ici", "train"),
            ("Q3", "Chien", "validation"),
            ("Q2", "Secret", "test"),
            ("Q4", "Chat", "train"),
            ("Q1", "MAISON", "train"),
        ],
        columns=columns,
    )
    assert entries_of_titles(source, other) == [("house", "maison"), ("dog", "chien")]
    assert entries_of_titles(source.iloc[:0], other) == []


def test_a_saved_dictionary_is_read_back(tmp_path: Path) -> None:
    entries = [("house", "maison"), ("new york", "nouvelle-york"), ('"', "«"), ("中国", "chine"), ("house", "logis")]
    save_dictionary(entries, tmp_path / "dictionary.tsv")
    assert load_dictionary(tmp_path / "dictionary.tsv") == entries
    save_dictionary([], tmp_path / "dictionary.tsv")
    assert load_dictionary(tmp_path / "dictionary.tsv") == []
