"""Words by their dictionary form."""

import pytest

from crosswiki.corpora.lemmas import entries_by_lemma, lemma_of


@pytest.mark.parametrize(
    ("word", "language", "lemma"),
    [("mangeait", "fr", "manger"), ("кошки", "ru", "кошка"), ("houses", "en", "house"), ("geujalan", "ace", None)],
)
def test_a_lemma_is_the_form_that_dictionaries_have(word: str, language: str, lemma: str | None) -> None:
    assert lemma_of(word, language) == lemma


def test_a_form_has_its_lemmas_translations_unless_it_has_its_own() -> None:
    entries = [("eat", "manger"), ("food", "manger"), ("eaten", "mangé"), ("to eat up", "manger tout")]
    words = ["mangeait", "mangé", "manger", "tout", "xyzzy"]
    assert entries_by_lemma(entries, words, "fr") == [("eat", "mangeait"), ("food", "mangeait")]


def test_forms_of_one_lemma_speak_for_each_other_where_the_lemma_has_no_entry() -> None:
    assert entries_by_lemma([("cats", "кошки")], ["кошку", "собаки"], "ru") == [("cats", "кошку")]


def test_entries_that_are_spelled_alike_say_nothing_of_other_forms() -> None:
    entries = [("table", "table"), ("electron", "électron"), ("cat", "chat"), ("chat", "chat")]
    assert entries_by_lemma(entries, ["tables", "électrons", "chats"], "fr") == [("cat", "chats")]


def test_a_language_without_lemmas_is_matched_by_form_alone() -> None:
    assert entries_by_lemma([("cat", "猫")], ["猫", "猫儿"], "zh") == []
