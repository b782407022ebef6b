"""Where a transplant's embeddings come from, by each method: against planted answers, definitions and moments."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from torch import Tensor
from transformers import BertTokenizerFast, PreTrainedTokenizerFast, RobertaTokenizerFast

from crosswiki.bert.initialisations import (
    INITIALISATIONS,
    Initialised,
    Tokens,
    alike_tokens,
    sparsemax,
    weigh_translations,
)
from crosswiki.bert.linear_map import blend, predict_embeddings
from crosswiki.bert.mixtures import token_vectors
from crosswiki.bert.models import load_classifier, save_classifier
from crosswiki.bert.tokenization import new_tokenizer, train_tokenizer
from crosswiki.bert.translations import Translations, translated_tokens, word_counts
from crosswiki.bert.transplantation import special_tokens, transplant
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.parameters_of_models import Transplant
from tests.test_bert import TOPICS, planted_words, tiny_classifier
from tests.tiny import trio_texts

METHODS = tuple(INITIALISATIONS)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def settings_of(method: str, **changes: Any) -> Transplant:
    values = {"tokenizer": None, "vocabulary_size": 500, "trained_subwords": 200, "neighbours": 3, "temperature": 0.07}
    values |= {
        "spelling_weight": 0.0,
        "dictionary_weight": 0.0,
        "lemma_share": 0.5,
        "copied_min_length": 4,
        "lexicon_prior": 0.0,
        "map_share": 0.0,
    }
    return Transplant(method=method, **{**values, **changes})


def test_the_methods_are_those_that_can_be_asked_for() -> None:
    assert Transplant.model_fields["method"].annotation.__args__ == (*METHODS, "keep")  # which makes no embeddings
    assert load_parameters(Path(__file__).parents[1] / "params.yaml").transplant.method == METHODS[0]


def english_to_russian(method: str, seed: int = 1, tokens: int = 500) -> tuple[Any, Any, dict[str, int]]:
    """The tiny teacher, transplanted; of three words there are vectors."""
    source = tiny_classifier()
    tokenizer = train_tokenizer(source.tokenizer, trio_texts("ru"), tokens)
    english, russian = planted_words(["river", "city", "king"]), planted_words(["река", "город", "король"])
    vectors = [
        token_vectors(source.tokenizer, english, english.vectors),
        token_vectors(tokenizer, russian, russian.vectors),
    ]
    new, counts = transplant(source, tokenizer, *vectors, Translations(), settings_of(method), seed)
    return source, new, counts


@pytest.mark.parametrize("method", METHODS)
def test_every_other_parameter_is_copied_bit_for_bit(method: str, tmp_path: Path) -> None:
    source, new, counts = english_to_russian(method)
    save_classifier(new, tmp_path)
    loaded = load_classifier(tmp_path)
    before, after = source.model.state_dict(), loaded.model.state_dict()
    assert before.keys() == after.keys()
    changed = [
        name for name in before if before[name].shape != after[name].shape or not before[name].equal(after[name])
    ]
    assert changed == ["bert.embeddings.word_embeddings.weight"]
    assert after[changed[0]].shape == (len(new.tokenizer), 24)
    assert after[changed[0]].isfinite().all()
    assert sum(counts.values()) == len(new.tokenizer)
    assert loaded.model.config.pad_token_id == new.tokenizer.pad_token_id
    assert loaded.topics == TOPICS


@pytest.mark.parametrize("method", METHODS)
def test_special_tokens_keep_their_embedding_and_draws_their_generator(method: str) -> None:
    source, new, _ = english_to_russian(method)
    old_rows, rows = (one.model.get_input_embeddings().weight for one in (source, new))
    for token in SPECIAL:
        places = source.tokenizer.convert_tokens_to_ids(token), new.tokenizer.convert_tokens_to_ids(token)
        assert torch.equal(rows[places[1]], old_rows[places[0]]), token
    state = torch.random.get_rng_state()
    torch.manual_seed(99)
    assert torch.equal(english_to_russian(method)[1].model.get_input_embeddings().weight, rows)
    torch.random.set_rng_state(state)
    other_seed = english_to_russian(method, seed=2)[1].model.get_input_embeddings().weight
    assert torch.equal(other_seed, rows) == (method == "mean"), "all others draw what they know nothing of"


# A language that is another one with its words renamed


WORDS = [f"{first}{second}" for first in ("ba", "de", "ki", "lo", "mu") for second in ("nar", "pes", "tiv", "zog")]


def renamed(word: str) -> str:
    return word.translate(str.maketrans("abdegiklmnoprstuvz", "ωβδεγικλμνοπρστυφζ"))


def planted_tokens(dim: int = 40, hidden: int = 30, noise: float = 0.0) -> tuple[Tokens, list[int]]:
    """Two WordPiece tokenizers of the same words under other names and ids; and which id is which."""
    draw = numpy.random.default_rng(5)
    order = draw.permutation(len(WORDS))
    source = BertTokenizerFast(vocab={token: place for place, token in enumerate([*SPECIAL, *WORDS])})
    others = [renamed(WORDS[place]) for place in order]
    other = BertTokenizerFast(vocab={token: place for place, token in enumerate([*SPECIAL, *others])})
    vectors = torch.from_numpy(draw.normal(size=(len(WORDS), dim)))
    moved = vectors[order] + noise * torch.from_numpy(draw.normal(size=(len(WORDS), dim)))
    embeddings = torch.from_numpy(draw.normal(size=(len(SPECIAL) + len(WORDS), hidden)))

    def with_special(rows: Tensor) -> Tensor:
        return torch.cat([torch.zeros(len(SPECIAL), dim), torch.nn.functional.normalize(rows, dim=1)])

    wanted = [len(SPECIAL) + int(place) for place in order]
    return Tokens(source, other, embeddings, with_special(vectors), with_special(moved), Translations()), wanted


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("method", ["csls_mixtures", "wechsel"])
def test_a_renamed_copy_of_the_source_gets_the_sources_embeddings(method: str, noise: float) -> None:
    tokens, wanted = planted_tokens(noise=noise)
    made = INITIALISATIONS[method](tokens, settings_of(method, neighbours=10))
    assert made.mixed.tolist() == list(range(len(SPECIAL), len(SPECIAL) + len(WORDS)))
    assert all(place < len(SPECIAL) for place in made.copied)
    likeness = torch.nn.functional.normalize(made.rows, dim=1) @ torch.nn.functional.normalize(tokens.embeddings).mT
    assert likeness.argmax(1).tolist() == wanted
    assert likeness.max(1).values.mean() > 0.95


@pytest.mark.parametrize("method", ["random", "mean", "focus"])
def test_who_does_not_look_across_languages_does_not_find_them(method: str) -> None:
    """Of the control methods, and of one whose only bridge is what both spell alike: nothing, here."""
    tokens, _ = planted_tokens()
    made = INITIALISATIONS[method](tokens, settings_of(method))
    assert all(place < len(SPECIAL) for place in made.copied)
    assert len({tuple(row) for row in made.rows.tolist()}) == (method == "mean")


def test_wechsel_is_the_papers_formula() -> None:
    tokens, _ = planted_tokens(dim=4, noise=0.5)
    made = INITIALISATIONS["wechsel"](tokens, settings_of("wechsel"))
    vectors, keys = tokens.other_vectors.numpy(), tokens.source_vectors.numpy()
    for place, row in zip(made.mixed.tolist(), made.rows.numpy(), strict=True):
        cosine = {key: float(vectors[place] @ keys[key]) for key in range(len(SPECIAL), len(keys))}
        best = sorted(cosine, key=lambda key: -cosine[key])[:10]
        weights = numpy.exp([cosine[key] / 0.1 for key in best])
        expected = sum(w * tokens.embeddings[key].numpy() for w, key in zip(weights / weights.sum(), best, strict=True))
        numpy.testing.assert_allclose(row, expected, rtol=1e-6)


# Known translations


def test_mixtures_lean_to_known_translations_by_the_formula() -> None:
    """softmax of 2cos − r(source token) + the weight, where a dictionary knows a pair, in float64 and word by word."""
    tokens, _ = planted_tokens(dim=4, noise=0.5)
    names = sorted(tokens.other.get_vocab(), key=lambda token: tokens.other.get_vocab()[token])[len(SPECIAL) :]
    told = {names[0]: [WORDS[3]], names[1]: [WORDS[7], WORDS[8]], names[2]: []}
    entries = [(" ".join(ours), theirs) for theirs, ours in told.items() if ours]
    tokens = dataclasses.replace(tokens, translations=Translations(entries))
    made = INITIALISATIONS["csls_mixtures"](tokens, settings_of("csls_mixtures", dictionary_weight=0.4))
    ours, theirs = tokens.source_vectors[len(SPECIAL) :].numpy(), tokens.other_vectors[len(SPECIAL) :].numpy()
    hubness = numpy.sort(ours @ theirs.T, axis=1)[:, -10:].mean(1)
    embeddings = tokens.embeddings[len(SPECIAL) :].numpy()
    for place, row in enumerate(made.rows.numpy()):
        known = numpy.array([word in told.get(names[place], []) for word in WORDS])
        likeness = 2 * ours @ theirs[place] - hubness + 0.4 * known
        best = numpy.argsort(-likeness)[:3]
        weights = numpy.exp(likeness[best] / 0.07) / numpy.exp(likeness[best] / 0.07).sum()
        mixture = weights @ embeddings[best]
        length = weights @ numpy.linalg.norm(embeddings[best], axis=1)
        numpy.testing.assert_allclose(row, mixture / numpy.linalg.norm(mixture) * length, rtol=1e-5)


def test_a_word_that_the_dictionary_alone_knows_is_the_mean_of_its_translations() -> None:
    tokens, _ = planted_tokens()
    names = {place: token for token, place in tokens.other.get_vocab().items()}
    first, second, last = len(SPECIAL), len(SPECIAL) + 1, len(tokens.other) - 1
    entries = [(WORDS[3], names[first]), (f"{WORDS[5]} {WORDS[6]}", names[first]), (WORDS[9], names[last])]
    vectors = tokens.other_vectors.clone()
    vectors[[first, second]] = 0  # of which the second has no translation either
    tokens = dataclasses.replace(tokens, other_vectors=vectors, translations=Translations(entries))
    made = INITIALISATIONS["csls_mixtures"](tokens, settings_of("csls_mixtures", dictionary_weight=0.4))
    assert sorted(made.mixed.tolist()) == [first, *range(second + 1, last + 1)]
    parts = tokens.embeddings[[len(SPECIAL) + place for place in (3, 5, 6)]].numpy()
    mean = parts.mean(0)
    expected = mean / numpy.linalg.norm(mean) * numpy.linalg.norm(parts, axis=1).mean()
    numpy.testing.assert_allclose(made.rows[made.mixed.tolist().index(first)].numpy(), expected, rtol=1e-6)
    without = INITIALISATIONS["csls_mixtures"](tokens, settings_of("csls_mixtures", dictionary_weight=0.0))
    assert first not in without.mixed.tolist()


def test_a_dictionary_says_what_vectors_do_not() -> None:
    tokens, wanted = planted_tokens()
    blind = dataclasses.replace(tokens, other_vectors=tokens.other_vectors.roll(7, 0).clone())
    blind.other_vectors[: len(SPECIAL)] = 0
    blind.other_vectors[len(SPECIAL) :] += 1e-3  # those that rolled in from the special tokens are there
    names = {place: token for token, place in tokens.other.get_vocab().items()}
    entries = [(WORDS[to - len(SPECIAL)], names[place + len(SPECIAL)]) for place, to in enumerate(wanted)]

    def right(weight: float) -> int:
        told = dataclasses.replace(blind, translations=Translations(entries))
        made = INITIALISATIONS["csls_mixtures"](told, settings_of("csls_mixtures", dictionary_weight=weight))
        likeness = torch.nn.functional.normalize(made.rows) @ torch.nn.functional.normalize(tokens.embeddings).mT
        return sum(int(found) == to for found, to in zip(likeness.argmax(1), wanted, strict=True))

    assert right(0.0) < 5
    assert right(4.0) == len(WORDS)


@pytest.mark.parametrize("count", [0, 10, 300, 10**9])
def test_a_rare_word_is_its_translation_and_a_frequent_one_what_its_vector_says(count: int) -> None:
    """The direction of n · v + p · t over n + p and the lengths likewise, word by word in float64."""
    tokens, wanted = planted_tokens()
    names = {place: token for token, place in tokens.other.get_vocab().items()}
    places = range(len(SPECIAL), len(SPECIAL) + len(WORDS))
    likeliest = [(WORDS[(to + 1) % len(WORDS)], names[place]) for place, to in zip(places, wanted, strict=True)][:12]
    told = dataclasses.replace(
        tokens, translations=Translations(likeliest=likeliest, counts=dict.fromkeys(names.values(), count))
    )
    plain = INITIALISATIONS["csls_mixtures"](tokens, settings_of("csls_mixtures"))
    made = INITIALISATIONS["csls_mixtures"](told, settings_of("csls_mixtures", lexicon_prior=100.0))
    before, after = (dict(zip(one.mixed.tolist(), one.rows, strict=True)) for one in (plain, made))
    assert before.keys() == after.keys()
    told_of = {tokens.other.get_vocab()[word]: tokens.source.get_vocab()[meaning] for meaning, word in likeliest}
    for place, row in before.items():
        expected = row.double()
        if place in told_of:
            meaning, share = tokens.embeddings[told_of[place]], 100 / (100 + count)
            blend = (1 - share) * expected + share * meaning
            expected = blend / blend.norm() * ((1 - share) * expected.norm() + share * meaning.norm())
        torch.testing.assert_close(after[place].double(), expected, rtol=1e-5, atol=1e-6)


def test_mixtures_turn_towards_the_learned_map() -> None:
    """The copied stay; of each mixture the direction changes as `blend` says, and the length not."""
    tokens, _ = planted_tokens()
    plain, turned = (
        INITIALISATIONS["csls_mixtures"](tokens, settings_of("csls_mixtures", map_share=share)) for share in (0.0, 0.4)
    )
    assert plain.copied == turned.copied
    assert plain.mixed.tolist() == turned.mixed.tolist()
    known = tokens.source_vectors.any(1)
    predicted = predict_embeddings(
        tokens.embeddings[known], tokens.source_vectors[known], tokens.other_vectors[plain.mixed]
    )
    torch.testing.assert_close(turned.rows, blend(plain.rows, predicted, 0.4))
    assert not torch.allclose(turned.rows, plain.rows)
    torch.testing.assert_close(turned.rows.norm(dim=1), plain.rows.norm(dim=1))


def test_a_word_spelled_alike_is_what_the_lexicon_says() -> None:
    """French chat is no chat: the copied embedding gives way where the text has not read the word."""
    tokens, _ = planted_tokens()
    other = BertTokenizerFast(vocab={token: place for place, token in enumerate([*SPECIAL, WORDS[0], "chien"])})
    alike = dataclasses.replace(
        tokens,
        other=other,
        other_vectors=torch.zeros(len(other), tokens.other_vectors.shape[1], dtype=torch.float64),
        translations=Translations(likeliest=[(WORDS[3], WORDS[0]), (f"{WORDS[1]} {WORDS[2]}", "chien")]),
    )
    assert {*INITIALISATIONS["csls_mixtures"](alike, settings_of("csls_mixtures")).copied} == {*range(len(SPECIAL) + 1)}
    made = INITIALISATIONS["csls_mixtures"](alike, settings_of("csls_mixtures", lexicon_prior=300.0))
    rows = dict(zip(made.mixed.tolist(), made.rows, strict=True))
    first, second = (tokens.embeddings[tokens.source.get_vocab()[WORDS[at]]] for at in (1, 2))
    mean = (first + second) / 2
    torch.testing.assert_close(rows[len(SPECIAL)], tokens.embeddings[tokens.source.get_vocab()[WORDS[3]]])
    torch.testing.assert_close(
        rows[len(SPECIAL) + 1], mean / mean.norm() * (first.norm() + second.norm()) / 2, check_dtype=False
    )
    assert {*made.copied} == {*range(len(SPECIAL))}


def test_words_are_counted_as_tokens_of_a_text() -> None:
    like = BertTokenizerFast(vocab={token: place for place, token in enumerate([*SPECIAL, "river", "bank"])})
    other, _ = new_tokenizer(like, ["河 银行 银行"], ["河", "银行"], settings_of("csls_mixtures"))
    rows, counts = other.get_vocab(), word_counts(other, {"河": 3, "银行": 5, "河银行": 7})
    assert {token: int(counts[place]) for token, place in rows.items() if counts[place]} == {
        "河": 3,
        "##河": 3,
        "银行": 5,
        "##银行": 5,
    }


def test_a_dictionary_speaks_of_whole_tokens_and_of_every_part_of_their_translations() -> None:
    source = BertTokenizerFast(
        vocab={token: place for place, token in enumerate([*SPECIAL, "united", "states", "bank"])}
    )
    other = BertTokenizerFast(
        vocab={token: place for place, token in enumerate([*SPECIAL, "états", "##unis", "banque", "rive"])},
        strip_accents=False,
    )
    entries = [
        ("united states", "états"),
        ("bank", "banque"),
        ("bank", "rive"),
        ("united", "étatsunis"),  # two tokens
        ("nowhere", "rive"),  # no token of the source's
        ("bank", "nulle"),  # none of the other's
    ]
    found = translated_tokens(source, other, entries).toarray()
    ours, theirs = source.get_vocab(), other.get_vocab()
    known = {("united", "états"), ("states", "états"), ("bank", "banque"), ("bank", "rive")}
    expected = numpy.zeros((len(other), len(source)))
    for s, o in known:
        expected[theirs[o], ours[s]] = 1
    numpy.testing.assert_array_equal(found, expected)
    assert translated_tokens(source, other, []).nnz == 0


def test_a_translation_of_the_lemma_counts_less_than_one_of_the_form() -> None:
    tokens, _ = planted_tokens()
    words = [token for token in tokens.source.get_vocab() if token not in SPECIAL][:3]
    first, second, third = map(renamed, words)
    given = dataclasses.replace(
        tokens, translations=Translations([(words[0], first)], [(words[1], first), (words[1], second)])
    )
    rows, columns = tokens.other.get_vocab(), tokens.source.get_vocab()

    def weights(**changes: float) -> NDArray[numpy.float32]:
        found = weigh_translations(given, settings_of("csls_mixtures", **changes)).toarray()
        return found[[rows[first], rows[second], rows[third]]][:, [columns[word] for word in words]]

    numpy.testing.assert_allclose(
        weights(dictionary_weight=0.4, lemma_share=0.75), [[0.4, 0.3, 0], [0, 0.3, 0], [0, 0, 0]], rtol=1e-6
    )
    numpy.testing.assert_allclose(
        weights(dictionary_weight=0.4, lemma_share=0), [[0.4, 0, 0], [0, 0, 0], [0, 0, 0]], rtol=1e-6
    )
    assert not weights(dictionary_weight=0, lemma_share=0.75).any()


def test_a_word_without_a_vector_is_what_its_lemma_is() -> None:
    tokens, _ = planted_tokens()
    word, unseen = WORDS[0], tokens.other.get_vocab()[renamed(WORDS[1])]
    vectors = tokens.other_vectors.clone()
    vectors[unseen] = 0
    given = dataclasses.replace(
        tokens, other_vectors=vectors, translations=Translations(by_lemma=[(word, renamed(WORDS[1]))])
    )
    made = INITIALISATIONS["csls_mixtures"](given, settings_of("csls_mixtures", dictionary_weight=0.4))
    row = made.rows[made.mixed.tolist().index(unseen)]
    torch.testing.assert_close(row, tokens.embeddings[tokens.source.get_vocab()[word]])


def test_a_chinese_word_after_another_one_has_its_translations_too() -> None:
    like = BertTokenizerFast(vocab={token: place for place, token in enumerate([*SPECIAL, "river", "bank"])})
    words = planted_words(["河", "银行"]).vocabulary.words
    other, _ = new_tokenizer(like, ["河 银行 银行"], words, settings_of("csls_mixtures"))
    rows = other.get_vocab()
    found = translated_tokens(like, other, [("river", "河"), ("river bank", "河 岸"), ("bank", "银行")])
    pairs = {(row, column) for row, column in zip(*map(list, found.nonzero()), strict=True)}
    assert pairs == {(rows[f"{mark}{word}"], to) for word, to in (("河", 5), ("银行", 6)) for mark in ("", "##")}


def test_a_byte_tokenizers_words_are_found_after_a_space() -> None:
    letters = sorted(_bytes_as_letters())
    vocabulary = {token: place for place, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *letters, "Ġa", "Ġb"])}
    merges = [("Ġ", "a"), ("Ġ", "b")]
    tokenizer: PreTrainedTokenizerFast = RobertaTokenizerFast(vocab=vocabulary, merges=merges)
    found = translated_tokens(tokenizer, tokenizer, [("a", "b")]).toarray()
    assert found[vocabulary["Ġb"], vocabulary["Ġa"]] == 1


# FOCUS


def focused(shared: list[str], known: Callable[[str], bool] = lambda word: True) -> tuple[Tokens, Initialised]:
    """FOCUS with some words that the new language has as they are."""
    tokens, _ = planted_tokens()
    names = [shared[place] if place < len(shared) else renamed(word) for place, word in enumerate(WORDS)]
    other = BertTokenizerFast(vocab={token: place for place, token in enumerate([*SPECIAL, *names])})
    vectors = tokens.other_vectors.clone()
    vectors[[place + len(SPECIAL) for place, name in enumerate(names) if not known(name)]] = 0
    tokens = Tokens(tokens.source, other, tokens.embeddings, tokens.source_vectors, vectors, Translations())
    return tokens, INITIALISATIONS["focus"](tokens, settings_of("focus"))


def test_focus_copies_what_overlaps_and_mixes_the_rest_of_it() -> None:
    shared = ["mupes", "banar", "kizog", "lotiv"]
    tokens, made = focused(shared, known=lambda word: word not in ("kizog", renamed(WORDS[10])))
    old, new = tokens.source.get_vocab(), tokens.other.get_vocab()
    assert made.copied == {new[token]: old[token] for token in [*shared, *SPECIAL]}
    assert sorted(made.mixed.tolist()) == [
        new[token] for token in map(renamed, WORDS[4:]) if token != renamed(WORDS[10])
    ]
    anchors = ["mupes", "banar", "lotiv"]  # of kizog there is no vector
    parts = tokens.embeddings[[old[token] for token in anchors]].numpy()
    for place, row in zip(made.mixed.tolist(), made.rows.numpy(), strict=True):
        weights = numpy.linalg.lstsq(parts.T, row, rcond=None)[0]
        numpy.testing.assert_allclose(weights @ parts, row, atol=1e-9)
        cosine = (tokens.other_vectors[place] @ tokens.other_vectors[[new[token] for token in anchors]].mT).numpy()
        numpy.testing.assert_allclose(weights, nearest_on_the_simplex(cosine), atol=1e-7)


def test_focus_without_an_anchor_mixes_nothing() -> None:
    _, made = focused(["mupes"], known=lambda word: word != "mupes")
    assert len(made.copied) == len(SPECIAL) + 1
    assert len(made.mixed) == len(made.rows) == 0


def nearest_on_the_simplex(scores: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
    """The definition, argmin ‖p − z‖² over the simplex, by bisection: p = max(z − τ, 0) where that sums to 1."""
    low, high = scores.min() - 1.0, scores.max()
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if numpy.maximum(scores - middle, 0).sum() > 1 else (low, middle)
    return numpy.maximum(scores - (low + high) / 2, 0)


ROWS = arrays(numpy.float64, st.tuples(st.integers(1, 4), st.integers(1, 12)), elements=st.floats(-5, 5, width=32))


@given(scores=ROWS)
def test_sparsemax_is_the_projection_onto_the_simplex(scores: NDArray[numpy.float64]) -> None:
    found = sparsemax(torch.from_numpy(scores)).numpy()
    assert (found >= 0).all()
    numpy.testing.assert_allclose(found.sum(1), 1, atol=1e-9)
    numpy.testing.assert_allclose(found, [nearest_on_the_simplex(row) for row in scores], atol=1e-9)


@given(scores=ROWS, seed=st.integers(0, 1000))
def test_nothing_on_the_simplex_is_nearer_than_sparsemax(scores: NDArray[numpy.float64], seed: int) -> None:
    found = sparsemax(torch.from_numpy(scores)).numpy()
    other = numpy.random.default_rng(seed).dirichlet(numpy.full(scores.shape[1], 0.5), len(scores))
    assert (((found - scores) ** 2).sum(1) <= ((other - scores) ** 2).sum(1) + 1e-9).all()


# The controls


def test_random_rows_have_the_sources_moments() -> None:
    source, new, counts = english_to_russian("random", tokens=600)
    special = special_tokens(source.tokenizer, new.tokenizer)
    assert counts == {"copied": len(SPECIAL), "mixed": 0, "drawn": len(new.tokenizer) - len(SPECIAL)}
    old = source.model.get_input_embeddings().weight
    drawn = new.model.get_input_embeddings().weight[[row for row in range(len(new.tokenizer)) if row not in special]]
    assert len({tuple(row) for row in drawn.tolist()}) == len(drawn)
    error = old.std(0) / len(drawn) ** 0.5
    assert ((drawn.mean(0) - old.mean(0)).abs() < 4 * error).all()
    assert ((drawn.std(0) / old.std(0) - 1).abs() < 4 / (2 * len(drawn)) ** 0.5).all()


def test_mean_rows_are_the_sources_mean() -> None:
    source, new, _ = english_to_russian("mean")
    special = special_tokens(source.tokenizer, new.tokenizer)
    rows = new.model.get_input_embeddings().weight
    rows = rows[[row for row in range(len(rows)) if row not in special]]
    mean = source.model.get_input_embeddings().weight.detach().double().numpy().mean(0)
    numpy.testing.assert_allclose(rows.detach().numpy(), numpy.tile(mean, (len(rows), 1)), atol=1e-6)


# What is copied


def test_alike_tokens_are_copied_if_they_say_enough() -> None:
    source = tiny_classifier()
    tokenizer = train_tokenizer(source.tokenizer, trio_texts("ru") + ["river river 1234 Nile"] * 30, 500)
    has_vector = torch.ones(len(tokenizer), dtype=torch.bool)
    copied = alike_tokens(source.tokenizer, tokenizer, has_vector, copied_length=4)
    old, new = source.tokenizer.get_vocab(), tokenizer.get_vocab()
    for token in (".", ",", "river"):
        assert copied[new[token]] == old[token], token
    assert new["r"] not in copied, "a single letter says little"
    assert alike_tokens(source.tokenizer, tokenizer, ~has_vector, 4)[new["r"]] == old["r"], "but more than a draw"
    assert special_tokens(source.tokenizer, tokenizer) == {new[token]: old[token] for token in SPECIAL}


# Tokenizers


@pytest.mark.parametrize("method", METHODS)
def test_only_our_own_method_extends_the_sources_tokenizer_by_itself(method: str) -> None:
    like = tiny_classifier().tokenizer
    words = planted_words(["река", "город"]).vocabulary.words
    tokenizer, pieces = new_tokenizer(like, trio_texts("ru"), words, settings_of(method))
    extends = method == "csls_mixtures"
    assert (set(like.get_vocab()) <= set(tokenizer.get_vocab())) == extends
    assert (tokenizer is pieces) != extends
    if not extends:
        assert len(tokenizer) == 500
        alone = train_tokenizer(like, trio_texts("ru"), 500)
        assert tokenizer.get_vocab() == alone.get_vocab()
    asked = "trained" if extends else "extended"
    other, _ = new_tokenizer(like, trio_texts("ru"), words, settings_of(method, tokenizer=asked))
    assert (set(like.get_vocab()) <= set(other.get_vocab())) != extends


def test_a_byte_tokenizer_is_trained_and_cannot_be_extended() -> None:
    letters = sorted(_bytes_as_letters())
    vocabulary = {token: place for place, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *letters, "<mask>"])}
    like: PreTrainedTokenizerFast = RobertaTokenizerFast(vocab=vocabulary, merges=[])
    words = planted_words(["река"]).vocabulary.words
    tokenizer, pieces = new_tokenizer(like, trio_texts("ru"), words, settings_of("csls_mixtures"))
    assert tokenizer is pieces
    assert 300 < len(tokenizer) <= 500
    with pytest.raises(UserError, match=r"transplant\.tokenizer: found 'extended'.*WordPiece.*trained") as caught:
        new_tokenizer(like, trio_texts("ru"), words, settings_of("wechsel", tokenizer="extended"))
    assert len(str(caught.value).splitlines()) == 1


def _bytes_as_letters() -> list[str]:
    from tokenizers.pre_tokenizers import ByteLevel

    return list(ByteLevel.alphabet())
