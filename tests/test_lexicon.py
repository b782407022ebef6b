"""Dictionaries into a lexicon, and what words are looked up by."""

import math
from pathlib import Path

import pytest

from crosswiki.corpora.text import Spelling
from crosswiki.embeddings.affixes import Affixes, find_affixes
from crosswiki.embeddings.entries import dictionary_entries, relative_counts, weigh
from crosswiki.embeddings.lexicon import Entry, Lexicon, Translation, load_lexicon, save_lexicon
from crosswiki.embeddings.model1 import expected_counts
from crosswiki.pipeline.errors import UserError

NONE = Affixes({}, {})


def lexicon_of(entries: dict[str, str], language: str = "fr", affixes: Affixes = NONE) -> Lexicon:
    known = {word: Entry((Translation(source, 1.0),), "dictionary") for word, source in entries.items()}
    return Lexicon(language, "en", known, affixes, frozenset({"virus", "the"}))


def test_model_1_finds_the_word_that_phrases_agree_on() -> None:
    phrases = [
        (("not", "yet"), ("pas", "encore")),
        (("still",), ("encore",)),
        (("not", "now"), ("pas", "maintenant")),
        (("now",), ("maintenant",)),
        (("step",), ("pas",)),
    ]
    counts = expected_counts(phrases)
    assert counts["pas"]["not"] == max(counts["pas"].values())
    assert counts["maintenant"]["now"] > counts["maintenant"]["not"]
    for word in ("not", "now", "yet", "still", "step"):  # every source word has a cause, the null word among them
        given = sum(word in source for source, _ in phrases)
        assert sum(row.get(word, 0.0) for row in counts.values()) <= given + 1e-9


def test_one_round_of_model_1_is_the_equal_share_of_every_cause() -> None:
    assert expected_counts([(("a",), ("x", "y"))], rounds=1) == {
        "x": {"a": pytest.approx(1 / 3)},
        "y": {"a": pytest.approx(1 / 3)},
    }


def test_a_translation_is_weighed_by_use_and_by_how_many_words_are_it() -> None:
    candidates = {"te": {"tea": 1.0, "you": 1.0}, "tú": {"you": 1.0}}
    weighed = weigh(candidates, {"tea": 0.1, "you": 0.4}, "en")
    least = 0.01  # a tenth of the rarest word's
    tea, you = (0.1 + least) / 1, (0.4 + least) / 2
    assert dict(weighed["te"]) == {
        "you": pytest.approx(you / (tea + you), abs=1e-6),
        "tea": pytest.approx(tea / (tea + you), abs=1e-6),
    }
    assert math.isclose(sum(p for _, p in weighed["te"]), 1.0, abs_tol=1e-5)


def test_a_text_counts_as_much_as_a_longer_one() -> None:
    assert relative_counts({"good": 1, "bad": 1}, {"good": 100}) == {"good": 0.75, "bad": 0.25}


def test_abbreviations_remarks_and_letters_are_no_words() -> None:
    counts = {"northwest": 0.1, "no": 0.5, "not": 0.5, "dog": 0.1}
    told = [("northwest", "NO"), ("no", "no"), ("dog (animal)", "chien [zool.]"), ("to bark", "aboyer")]
    entries = dictionary_entries(told, ("en", "fr"), Spelling(), counts)
    assert [words for words, _ in entries["no"].translations] == ["no"]
    assert entries["chien"].translations[0].words == "dog"
    assert entries["aboyer"].translations[0].words == "bark"
    czech = dictionary_entries([("to je", "ist")], ("cs", "de"), Spelling(), {})
    assert czech["ist"].translations[0].words == "to je"  # which is no English verb


def test_look_up_goes_from_form_to_affixes() -> None:
    lexicon = lexicon_of({"manger": "eat", "été": "summer", "ours": "bear"}, affixes=Affixes({"in": 0.5}, {"on": 0.5}))
    assert lexicon.find("manger").origin == "dictionary"
    assert lexicon.find("mangeait") == Entry((Translation("eat", 1.0),), "lemma")
    assert lexicon.find("ete") == Entry((Translation("summer", 1.0),), "marks")
    assert lexicon.find("virus") == Entry((Translation("virus", 1.0),), "alike")
    assert lexicon.find("the").origin == "unknown"  # short words that are spelled alike often mean other things
    assert lexicon.find("inourson") == Entry((Translation("bear", 1.0),), "affixes")
    assert lexicon.find("1914").origin == "number"
    assert lexicon.find("zzz") == Entry((), "unknown")


def test_affixes_are_found_where_the_rest_is_a_word() -> None:
    stems = ["kerja", "jalan", "makan", "minum", "tidur", "datang", "pulang", "lari", "duduk"]
    affixes = find_affixes([*stems, *(f"geu{stem}" for stem in stems), "geunta", *(f"{stem}nyoe" for stem in stems)])
    assert affixes.prefixes["geu"] == pytest.approx(9 / 10)  # geunta without geu is no word
    assert affixes.suffixes["nyoe"] == 1.0
    assert set(affixes.prefixes) == {"geu"}
    assert dict(affixes.cores("geukerja")) == {"geukerja": 1.0, "kerja": pytest.approx(0.9)}


def test_a_language_without_lemmas_is_read_by_its_affixes() -> None:
    stems = ["kerja", "jalan", "makan", "minum", "tidur", "datang", "pulang", "lari", "duduk"]
    affixes = find_affixes([*stems, *(f"geu{stem}" for stem in stems)])
    lexicon = lexicon_of({"kerja": "work", "jalan": "walk"}, "ace", affixes)
    assert lexicon.find("geukerja") == Entry((Translation("work", 1.0),), "affixes")


def test_lexicon_is_read_as_it_was_written(tmp_path: Path) -> None:
    lexicon = lexicon_of({"eau": "water", "pas encore": "not yet"}, affixes=Affixes({"re": 0.25}, {"s": 0.5}))
    save_lexicon(lexicon, tmp_path)
    assert load_lexicon(tmp_path) == lexicon
    with pytest.raises(UserError, match="no lexicon there"):
        load_lexicon(tmp_path / "none")


# The twenty commonest words of each language, what each may be in a gloss, and entries as dictionaries have them.
COMMONEST = {
    "fr": "de:of la:the et:and le:the l:the à:to,at les:the d:of des:of,some en:in un:a du:of,the une:a est:is "
    "que:that il:he dans:in par:by pas:not pour:for ne:not",
    "es": "de:of la:the que:that el:the en:in y:and a:to los:the se:himself,itself del:of,the las:the un:a por:for,by "
    "con:with no:no,not una:a su:his,her para:for es:is al:to",
    "de": "der:the die:the und:and in:in den:the von:of,from zu:to das:the mit:with sich:himself,itself des:the,of "
    "auf:on für:for ist:is im:in dem:the nicht:not ein:a eine:a als:as,than",
    "ru": "и:and в:in не:not на:on я:i быть:be он:he с:with что:that а:but по:along это:this она:she этот:this к:to "
    "но:but они:they мы:we весь:all который:which",
}
TRAPS = {  # what real dictionaries have beside them, or in their place
    "fr": [("step", "pas"), ("east", "est"), ("per", "par"), ("island", "il"), ("dozen", "d"), ("weight", "pour")],
    "es": [
        ("northwest", "NO"),
        ("southeast", "SE"),
        ("the", "THE"),
        ("east", "es"),
        ("stop", "para"),
        ("yttrium", "y"),
    ],
    "de": [("d-flat", "des"), ("creek", "als"), ("inch", "zu"), ("pile", "auf"), ("oneself", "in sich")],
    "ru": [("vanity", "я"), ("kopek", "к"), ("century", "в"), ("century", "В."), ("north", "с"), ("take that", "на")],
}
NO_WORD = {"pas": "not", "no": "not", "se": "himself"}  # what no entry says of a word alone, but phrases do
REST = [("now", 0), ("yet", 1), ("always", 2), ("at all", 3), ("here", 4)]


@pytest.mark.parametrize("language", COMMONEST)
def test_the_commonest_words_come_out_right(language: str) -> None:
    right = {word: known.split(",") for word, known in (pair.split(":") for pair in COMMONEST[language].split())}
    told = list(TRAPS[language])
    for word, known in right.items():
        if word in NO_WORD:
            told += [(f"{NO_WORD[word]} {rest}", f"{word} r{place}est") for rest, place in REST]
        else:
            told += [(translation, word) for translation in known]
    told += [(rest, f"r{place}est") for rest, place in REST]
    rare = {word for source, _ in TRAPS[language] for word in source.split()}
    often = {word for known in right.values() for word in known} | set(NO_WORD.values())
    counts = {**dict.fromkeys(rare, 1e-5), **dict.fromkeys(often, 1e-2), **{rest: 1e-3 for rest, _ in REST}}
    entries = dictionary_entries(told, ("en", language), Spelling(), counts)
    for word, known in right.items():
        assert entries[word].translations[0].words in {*known, NO_WORD.get(word)}, word
