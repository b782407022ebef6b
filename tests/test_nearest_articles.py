"""The labelled source articles nearest to a text, and their vote, against plain references and planted answers."""

import math
from pathlib import Path

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import one_hot

from crosswiki.embeddings import search
from crosswiki.embeddings.search import hubness, most_similar
from crosswiki.embeddings.vectors import unit
from crosswiki.evaluation.nearest_articles import (
    Neighbourhood,
    Reading,
    Voting,
    gather,
    load_neighbourhood,
    places,
    save_neighbourhood,
)
from crosswiki.evaluation.voting import choose_voting, first_voting, negative_log_likelihood
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters_of_models import Neighbourhood as Settings

TOPICS = ["art", "sport", "weather"]
VOTING = Voting(vectors_weight=2.0, neighbours=5, temperature=0.1, encoder_share=0.25)


def random_rows(rows: int, dim: int, seed: int) -> Tensor:
    return torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed))


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 8), st.integers(0, 1000))
def test_search_in_blocks_finds_what_a_whole_sorted_matrix_has(queries: int, keys: int, best: int, seed: int) -> None:
    left, right = unit(random_rows(queries, 6, seed)), unit(random_rows(keys, 6, seed + 1))
    cosines = left.double().numpy() @ right.double().numpy().T
    near = numpy.sort(cosines.T, axis=1)[:, ::-1][:, :best].mean(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "QUERIES", 4)
        patch.setattr(search, "KEYS", 3)
        hubs = hubness(right, left, best)
        found = most_similar(left, right, best, hubs)
        plain = most_similar(left, right, best)
    assert hubs.numpy() == pytest.approx(near, abs=1e-5)
    for scores, (similarity, rows) in ((2 * cosines - near, found), (cosines, plain)):
        assert similarity.numpy() == pytest.approx(numpy.sort(scores, axis=1)[:, ::-1][:, :best], abs=1e-5)
        assert numpy.take_along_axis(scores, rows.numpy(), 1) == pytest.approx(similarity.numpy(), abs=1e-5)


def test_without_texts_of_the_language_no_article_is_a_hub() -> None:
    assert hubness(torch.eye(3), torch.zeros(0, 3), 10).tolist() == [0, 0, 0]


def planted(
    texts: int, seed: int, dim: int = 12, informative: tuple[bool, bool] = (True, True)
) -> tuple[Reading, Tensor]:
    """Texts of three topics: states and words lie about their topic's direction, moved as the seed's language is."""
    labels = torch.arange(texts) % 3
    spaces = []
    for space, telling in enumerate(informative):
        centres = unit(random_rows(3, dim, 100 + space))
        rows = unit(random_rows(texts, dim, 10 * seed + space))
        moved = unit(random_rows(1, dim, 1000 * seed + space))
        spaces.append((centres[labels] if telling else 0) + 0.6 * rows + 2 * moved)
    return Reading(torch.zeros(texts, 3), *spaces), labels


def plain_vote(source: Reading, labels: Tensor, reference: Reading, text: int, texts: Reading) -> list[float]:
    """The vote on one text, article by article, in float64."""

    def centred(rows: Tensor, of: Tensor) -> numpy.ndarray:  # type: ignore[type-arg]
        directions = rows.double().numpy() / numpy.linalg.norm(rows.double().numpy(), axis=1, keepdims=True)
        others = of.double().numpy() / numpy.linalg.norm(of.double().numpy(), axis=1, keepdims=True)
        apart = directions - others.mean(0)
        return numpy.asarray(apart / numpy.linalg.norm(apart, axis=1, keepdims=True))

    def cosines(left: Reading, left_of: Reading) -> numpy.ndarray:  # type: ignore[type-arg]
        states = centred(left.states, left_of.states) @ centred(source.states, source.states).T
        words = centred(left.words, left_of.words) @ centred(source.words, source.words).T
        return numpy.asarray((states + VOTING.vectors_weight**2 * words) / (1 + VOTING.vectors_weight**2))

    hubs = numpy.sort(cosines(reference, reference), axis=0)[::-1][:10].mean(0)
    csls = 2 * cosines(texts, reference)[text] - hubs
    nearest = sorted(range(len(csls)), key=lambda article: -csls[article])[: VOTING.neighbours]
    strengths = [math.exp(csls[article] / VOTING.temperature) for article in nearest]
    voted = [0.0] * len(TOPICS)
    for article, strength in zip(nearest, strengths, strict=True):
        voted[int(labels[article])] += strength / sum(strengths)
    return voted


def test_votes_are_those_of_the_formula_and_find_the_planted_topics() -> None:
    source, labels = planted(60, seed=1)
    reference, _ = planted(90, seed=2)
    texts, actual = planted(90, seed=2)
    neighbourhood = gather(source, labels, reference, TOPICS, "fr", VOTING)
    voted = neighbourhood.vote(texts)
    for text in range(0, 90, 10):
        assert voted[text].tolist() == pytest.approx(plain_vote(source, labels, reference, text, texts), abs=1e-4)
    assert voted.sum(1).tolist() == pytest.approx([1.0] * 90, abs=1e-5)
    assert float((voted.argmax(1) == actual).float().mean()) > 0.95
    assert neighbourhood.nearest(texts).rows.shape == (90, 5)


def test_the_answer_is_the_vote_and_the_share_of_the_encoder() -> None:
    source, labels = planted(30, seed=1)
    texts, _ = planted(8, seed=2)
    sure = Reading(torch.tensor([[0.0, 50.0, 0.0]] * 8), texts.states, texts.words)
    neighbourhood = gather(source, labels, texts, TOPICS, "fr", VOTING)
    expected = 0.75 * neighbourhood.vote(sure) + 0.25 * torch.tensor([0.0, 1.0, 0.0])
    assert torch.allclose(neighbourhood.answer(sure), expected, atol=1e-6)
    answers = neighbourhood.answers(sure)
    assert answers.topics == [TOPICS[place] for place in expected.argmax(1)]
    assert answers.confidence().tolist() == pytest.approx(expected.max(1).values.tolist(), abs=1e-4)


def settings(**changes: tuple[float, ...]) -> Settings:
    given: dict[str, tuple[float, ...]] = {
        "vectors_weight": (1.0, 2.0),
        "neighbours": (3,),
        "temperature": (0.1,),
        "encoder_share": (0.5, 0.0),
    }
    return Settings(**{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(("informative", "weight"), [((True, False), 0.0), ((False, True), 4.0)])
def test_validation_chooses_the_space_that_knows_the_topics(informative: tuple[bool, bool], weight: float) -> None:
    source, labels = planted(90, 1, informative=informative)
    texts, actual = planted(60, 2, informative=informative)
    weights = settings(vectors_weight=(4.0 - weight, weight))  # the right one is not the first
    chosen, right = choose_voting(source, labels, texts, texts, actual, TOPICS, weights)
    assert chosen.vectors_weight == weight
    assert right > 0.95
    answered = gather(source, labels, texts, TOPICS, "", chosen).answer(texts)
    assert float((answered.argmax(1) == actual).double().mean()) == right


def test_validation_chooses_the_encoder_where_neighbours_know_nothing() -> None:
    source, labels = planted(90, 1, informative=(False, False))
    texts, actual = planted(60, 2, informative=(False, False))
    knowing = Reading(10.0 * one_hot(actual, 3), texts.states, texts.words)
    chosen, right = choose_voting(source, labels, knowing, knowing, actual, TOPICS, settings(encoder_share=(0.2, 0.9)))
    assert chosen.encoder_share == 0.9
    assert right == 1.0


def test_without_validation_labels_the_first_values_hold() -> None:
    assert first_voting(settings()) == Voting(1.0, 3, 0.1, 0.5)


def test_the_likelihood_leaves_out_topics_that_nobody_knows() -> None:
    probabilities = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75], [1.0, 0.0, 0.0]])
    actual = places(["art", "sport", "chess"], TOPICS)
    assert actual.tolist() == [0, 1, -1]
    assert negative_log_likelihood(probabilities, actual) == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_a_saved_neighbourhood_is_the_same_and_a_missing_one_is_named(tmp_path: Path) -> None:
    source, labels = planted(30, 1)
    texts, _ = planted(9, 2)
    before = gather(source, labels, texts, TOPICS, "fr", VOTING)
    save_neighbourhood(before, tmp_path)
    after: Neighbourhood = load_neighbourhood(tmp_path)
    assert torch.equal(before.answer(texts), after.answer(texts))
    assert (after.topics, after.language, after.voting) == (TOPICS, "fr", VOTING)
    with pytest.raises(UserError, match="nowhere: no neighbourhood there: run the stage"):
        load_neighbourhood(tmp_path / "nowhere")
