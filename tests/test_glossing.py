"""Texts read word for word, and there and back."""

from collections import Counter
from pathlib import Path

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.affixes import Affixes
from crosswiki.embeddings.alignment import Pairs
from crosswiki.embeddings.glossing import Context, count_units, gloss, load_glosser, read_units
from crosswiki.embeddings.induction import induce
from crosswiki.embeddings.lexicon import Entry, Lexicon, Translation, save_lexicon
from crosswiki.embeddings.round_trip import carried_over, inverted, round_trips
from crosswiki.embeddings.vectors import WordVectors


def lexicon_of(entries: dict[str, list[tuple[str, float]]], language: str = "fr") -> Lexicon:
    known = {w: Entry(tuple(Translation(*t) for t in found), "dictionary") for w, found in entries.items()}
    return Lexicon(language, "en", known, Affixes({}, {}), frozenset())


FRENCH = lexicon_of(
    {
        "la": [("the", 1.0)],
        "l": [("the", 1.0)],
        "eau": [("water", 1.0)],
        "n": [("not", 1.0)],
        "est": [("is", 0.9), ("east", 0.1)],
        "pas": [("not", 0.9), ("step", 0.1)],
        "pas encore": [("not yet", 1.0)],
        "froide": [("cold", 1.0)],
    }
)


def test_punctuation_stays_and_the_longest_phrase_is_read() -> None:
    assert gloss("La Loire: l'eau n'est pas encore froide!", FRENCH) == "the Loire: the water not is not yet cold!"
    assert gloss("pas, encore", FRENCH) == "not, encore"  # a comma ends a phrase


def test_names_numbers_and_users_stay_as_they_are() -> None:
    units, _ = read_units("@pas Froide 12 Loire. Zut loire", FRENCH)
    assert [(unit.text, unit.origin) for unit in units] == [
        ("pas", "name"),
        ("Froide", "dictionary"),
        ("12", "number"),
        ("Loire", "name"),
        ("Zut", "unknown"),
        ("loire", "unknown"),
    ]
    origins, unknown = count_units(FRENCH, ["@pas Froide 12 Loire. Zut loire"])
    assert origins == {"name": 2, "dictionary": 1, "number": 1, "unknown": 2}
    assert unknown == {"zut": 1, "loire": 1}


def test_chinese_words_are_set_apart() -> None:
    chinese = lexicon_of({"河流": [("river", 1.0)], "最长": [("longest", 1.0)]}, "zh")
    assert gloss("最长河流。", chinese) == "longest river。"


@given(st.text(max_size=60))
def test_units_and_what_is_between_them_are_the_text(text: str) -> None:
    text = " ".join(text.split())
    units, rest = read_units(text, FRENCH)
    joined = "".join(unit.before + unit.text for unit in units) + rest
    assert joined in (text, text.lower())


def test_neighbours_choose_a_translation() -> None:
    words = Vocabulary(("money", "river", "bank", "shore", "cash"), numpy.array([5, 5, 5, 5, 5]))
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1], [0.1, 0.9], [1.0, 0.1]])
    lexicon = lexicon_of(
        {"rive": [("bank", 0.5), ("shore", 0.5)], "fleuve": [("river", 1.0)], "argent": [("money", 1.0)]}
    )
    context = Context(WordVectors(words, vectors), 1.0)
    assert gloss("rive fleuve", lexicon, context) == "shore river"
    assert gloss("rive argent", lexicon, context) == "bank money"
    assert gloss("rive", lexicon, context) == "bank"  # without neighbours, the likeliest


def test_there_and_back_keeps_what_has_one_translation_and_gives_others_away() -> None:
    lexicon = lexicon_of({"voiture": [("car", 1.0)], "auto": [("car", 0.6), ("auto", 0.4)], "eau": [("water", 1.0)]})
    there = inverted(lexicon, {"voiture": 9, "auto": 0})
    assert [words for words, _ in there.entries["car"].translations] == ["voiture", "auto"]
    assert there.entries["car"].translations[0].probability == pytest.approx(10 / 10.6, abs=1e-6)
    assert round_trips(["a Car, water"], lexicon, {"voiture": 1}, {}, seed=0) == ["a car, water"]
    assert round_trips(["automobile auto"], lexicon, {}, {}, seed=0) == ["automobile car"]


def test_labelled_texts_are_carried_over_in_the_other_languages_words() -> None:
    lexicon = lexicon_of({"eau": [("water", 1.0)], "pas encore": [("not yet", 1.0)], "flotte": [("water", 0.5)]})
    counts = {"eau": 2, "flotte": 2}
    assert carried_over(["Not yet, Water-42 Ohio"], lexicon_of({"pas encore": [("not yet", 1.0)]}), {}, 0) == [
        "pas encore, Water-42 Ohio"
    ]
    drawn = Counter(carried_over(["water"] * 3000, lexicon, counts, seed=1))
    assert drawn["flotte"] / drawn.total() == pytest.approx(1 / 3, abs=0.03)  # 0.5 · 3 beside 1 · 3
    assert carried_over(["water"] * 9, lexicon, counts, 1) == carried_over(["water"] * 9, lexicon, counts, 1)
    chinese = lexicon_of({"河流": [("river", 1.0)], "长": [("long", 1.0)]}, "zh")
    assert carried_over(["long river"], chinese, {}, 0) == ["长河流"]


def test_as_many_words_are_unknown_as_in_the_languages_text() -> None:
    lexicon = lexicon_of({"eau": [("water", 1.0)]})
    texts = ["water thing water thing water thing water thing water thing"] * 200  # half of it has no translation
    for known, unknown in ((9, 1), (5, 5), (2, 8)):
        read = round_trips(texts, lexicon, {"eau": known, "truc": unknown}, {"truc": unknown}, seed=1)
        counts = Counter(" ".join(read).split())
        assert counts["truc"] / counts.total() == pytest.approx(unknown / 10, abs=0.03)
    assert round_trips(texts, lexicon, {"truc": 1}, {"truc": 1}, 3) == round_trips(
        texts, lexicon, {"truc": 1}, {"truc": 1}, 3
    )


def test_vectors_give_translations_above_the_similarity_that_held_out_words_choose() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.nn.functional.normalize(torch.randn(300, 20, generator=generator), dim=1)
    noise = torch.nn.functional.normalize(torch.randn(300, 20, generator=generator), dim=1)
    mixed = torch.cat([rows[:40] + 0.05 * noise[:40], noise[40:]])  # the rest are no translations
    ones = numpy.ones(300, int)
    source = WordVectors(Vocabulary(tuple(f"s{i}" for i in range(300)), ones), rows)
    other = WordVectors(
        Vocabulary(tuple(f"o{i}" for i in range(300)), numpy.ones(300, int)),
        torch.nn.functional.normalize(mixed, dim=1),
    )
    places = torch.tensor([*range(10), *range(40, 50)])
    found = induce(source, other, Pairs(places, places), 5)
    assert found.held_out == 20
    assert found.threshold is not None
    assert found.right == 1.0
    assert {word: entry.translations[0].words for word, entry in found.entries.items()} == {
        f"o{i}": f"s{i}" for i in range(40)
    }
    away = WordVectors(other.vocabulary, noise)
    assert induce(source, away, Pairs(places, places), 5).entries == {}


def test_half_a_surrogate_pair_has_no_gloss(tmp_path: Path) -> None:
    save_lexicon(lexicon_of({"河流": [("river", 1.0)]}, "zh"), tmp_path)
    assert load_glosser(tmp_path, tmp_path, 0.0)(["\ud83d", "河流"]) == ["", "river"]


def test_words_of_a_source_without_spaces_are_set_apart_in_another_language() -> None:
    russian = Lexicon(
        "ru",
        "zh",
        {w: Entry((Translation(t, 1.0),), "dictionary") for w, t in (("река", "河流"), ("кит", "长"))},
        Affixes({}, {}),
        frozenset(),
    )
    assert carried_over(["长河流。"], russian, {}, 0) == ["кит река。"]
