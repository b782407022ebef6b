"""A new language's tokens keep the marks that tell its words apart; where a mark is new, its plain twin helps out."""

import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from transformers import AutoTokenizer, BertTokenizerFast, PreTrainedTokenizerFast

from crosswiki.bert.initialisations import alike_tokens
from crosswiki.bert.marked_subwords import divide_as_without_marks, marked_subwords, strips_marks
from crosswiki.bert.tokenization import LONGEST, extend_tokenizer, train_tokenizer
from crosswiki.corpora.text import normalise
from tests.tiny import tiny_tokenizer, tiny_tokenizer_like

ENGLISH = ["The electron and the cafe are in the city.", "A river, an elegant resume and the total sum."] * 5
WORDS = {
    "ru": ["мой", "мои", "всё", "все", "йод", "край", "краи"],
    "fr": ["où", "ou", "pêche", "péché", "électron", "été"],
    "tr": ["şu", "su", "ılık", "ilik", "gül"],
    "hi": ["की", "का", "हिन्दी", "में"],
    "vi": ["ma", "má", "mà", "mã", "mạ"],
    "pl": ["laska", "łaska", "sąd", "sad"],
    "ar": ["أن", "ان", "إن"],
}


@pytest.fixture(scope="module")
def english() -> PreTrainedTokenizerFast:
    """An uncased one, which strips marks, as BERT's does."""
    vocabulary = tiny_tokenizer(ENGLISH).get_vocab()
    return BertTokenizerFast(vocab=vocabulary, do_lower_case=True, strip_accents=None)


def made(english: PreTrainedTokenizerFast, words: list[str], kind: str) -> PreTrainedTokenizerFast:
    texts = [" ".join(words)] * 20
    pieces = train_tokenizer(english, texts, 300)
    return pieces if kind == "trained" else extend_tokenizer(english, pieces, texts, words, 1000)


@pytest.mark.parametrize("kind", ["trained", "extended"])
@pytest.mark.parametrize("language", WORDS)
def test_words_that_marks_tell_apart_have_tokens_of_their_own(
    english: PreTrainedTokenizerFast, language: str, kind: str, tmp_path: Path
) -> None:
    tokenizer = made(english, WORDS[language], kind)
    tokenizer.save_pretrained(tmp_path)
    for one in (tokenizer, AutoTokenizer.from_pretrained(tmp_path)):
        divided = [one.tokenize(word) for word in WORDS[language]]
        assert ["".join(part.removeprefix("##") for part in parts) for parts in divided] == WORDS[language]
        assert len({tuple(parts) for parts in divided}) == len(WORDS[language])
        assert one.tokenize(WORDS[language][0].upper()) == divided[0] or language == "tr"


def test_the_source_still_strips_what_it_has_always_stripped(english: PreTrainedTokenizerFast) -> None:
    assert english.tokenize("Café électron") == english.tokenize("cafe electron")
    extended = made(english, WORDS["fr"], "extended")
    known = english.get_vocab()
    assert [extended.get_vocab()[token] for token in known] == list(known.values())


def test_a_token_with_marks_is_copied_from_its_twin_without(english: PreTrainedTokenizerFast) -> None:
    extended = made(english, WORDS["fr"], "extended")
    rows, known = extended.get_vocab(), english.get_vocab()
    everything = torch.ones(len(extended), dtype=torch.bool)
    assert "electron" in known
    copied = alike_tokens(english, extended, everything, 5)
    assert copied[rows["électron"]] == known["electron"]
    assert rows["où"] not in copied
    assert rows["été"] not in copied


@pytest.mark.parametrize(
    "words", [["河流", "流过", "山谷"], ["แม่น้ำ", "ไหล", "ผ่าน"], ["東京", "で", "テレビ"], ["ភ្នំ", "ពេញ"]]
)
def test_a_long_run_without_a_space_is_read_word_by_word(english: PreTrainedTokenizerFast, words: list[str]) -> None:
    tokenizer = made(english, words, "extended")
    text = "".join(words) * LONGEST
    tokens = tokenizer.tokenize(text)
    assert tokenizer.unk_token not in tokens
    assert "".join(token.removeprefix("##") for token in tokens) == text
    whole = sum(token.removeprefix("##") in words for token in tokens)
    assert whole >= 0.85 * len(tokens)
    assert all(one != other for one, other in pairwise(tokens))


# Words of texts, and after the bar words that are tokens as a whole, which may be the start of the others.
TEXTS = {
    "fr": "élégamment où la poétesse péchait même près des châtaigneraies enneigées d'Élégie | où même élégie poét",
    "es": "el niño pingüino corrió rápidamente después por las montañas españolas | niño después corri",
    "ru": "мой йод и её объём ёмкий или край майский подъёмный найдётся | мой её край",
    "tr": "şöyle güneşli bir öğleden sonra çiçekçi ılık ve üşüyen şarkıcı | güneşli çiçek ılık",
    "vi": "nguyễn tiếng việt được viết bằng chữ quốc ngữ có dấu phụ của người | tiếng việt người",
    "hi": "हिन्दी की किताबें पढ़ना और कुछ सुन्दर स्कूलों में मिलेंगी | हिन्दी की में",
}


def bare(text: str) -> str:
    """As BERT strips marks."""
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")


def planted(language: str, most: int = 1000) -> tuple[PreTrainedTokenizerFast, PreTrainedTokenizerFast, list[str]]:
    """A source that knows pairs of the words' letters without marks; the extended tokenizer; the text's words."""
    text, _, whole = normalise(TEXTS[language], language).partition(" | ")
    words = text.lower().replace("'", " ").split()
    letters = sorted({*bare(text)} - {" "})
    pairs = [("##" if at else "") + bare(word)[at : at + 2] for word in words for at in range(0, len(bare(word)), 2)]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters), *pairs]
    vocabulary = {token: place for place, token in enumerate(dict.fromkeys(tokens))}
    like = BertTokenizerFast(vocab=vocabulary, do_lower_case=True, strip_accents=None)
    pieces = train_tokenizer(like, [text], 0)
    return like, extend_tokenizer(like, pieces, [text], whole.split(), most), words


@pytest.mark.parametrize("language", TEXTS)
def test_words_with_marks_are_divided_as_without_them(language: str) -> None:
    like, extended, words = planted(language)
    divided = {word: extended.tokenize(word) for word in words}
    assert all("".join(part.removeprefix("##") for part in parts) == word for word, parts in divided.items())
    alike = [word for word, parts in divided.items() if [*map(bare, parts)] == like.tokenize(word)]
    starts = [
        word for word, parts in divided.items() if parts[0] in TEXTS[language].partition(" | ")[2].split()
    ]  # known in the new language as they are
    assert {*alike, *starts} >= {*words}
    assert len(alike) >= 0.5 * len(words)
    assert any(len(parts) > 1 and any(bare(part) != part for part in parts) for parts in divided.values())


@pytest.mark.parametrize("language", TEXTS)
def test_subwords_with_marks_are_copied_from_those_without(language: str) -> None:
    like, extended, words = planted(language)
    known, rows = like.get_vocab(), extended.get_vocab()
    copied = alike_tokens(like, extended, torch.zeros(len(extended), dtype=torch.bool), 4)
    marked = {part for word in words for part in extended.tokenize(word) if bare(part) != part and bare(part) in known}
    assert marked
    assert {part: copied[rows[part]] for part in marked} == {part: known[bare(part)] for part in marked}


def test_parts_of_a_word_have_its_letters_and_stand_alone_marks_go_with_the_letter_before() -> None:
    vocabulary = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]", "el", "##ega", "##mm", "##ent", "ह", "##न", "##दी", "x"]
    like = BertTokenizerFast(vocab={token: place for place, token in enumerate(vocabulary)}, do_lower_case=True)
    assert divide_as_without_marks(like, "élégamment") == ["él", "##éga", "##mm", "##ent"]
    assert divide_as_without_marks(like, "हिन्दी") == []
    assert divide_as_without_marks(like, "ह\u0941न\u094dदी") == ["ह\u0941", "##न\u094d", "##दी"]
    assert divide_as_without_marks(like, "x\u0301\u0323") == ["x\u0301\u0323"]
    assert divide_as_without_marks(like, "element") == []
    assert divide_as_without_marks(like, "éé") == [], "the source does not know it"
    assert divide_as_without_marks(like, "한") == [], "no letter is divided"
    texts = ["élégamment él élément x\u0301 x\u0301"]
    assert marked_subwords(like, texts, 2) == ["x\u0301", "él"]
    assert marked_subwords(like, [*texts, "élégamment"], 9) == ["él", "##éga", "x\u0301"]


MADE: dict[str, tuple[PreTrainedTokenizerFast, PreTrainedTokenizerFast, list[str]]] = {}


@settings(max_examples=50, deadline=None)
@given(some.data())
def test_a_word_that_was_in_no_text_is_known_if_its_letters_are(data: some.DataObject) -> None:
    language = data.draw(some.sampled_from(["fr", "es", "ru", "tr", "vi"]))
    if language not in MADE:
        MADE[language] = planted(language, 0)
    _, extended, words = MADE[language]
    word = "".join(data.draw(some.lists(some.sampled_from(sorted({*"".join(words)})), min_size=1, max_size=12)))
    tokens = extended.tokenize(word)
    assert "".join(token.removeprefix("##") for token in tokens) == word


def test_sources_that_keep_marks_and_chinese_get_no_subwords(english: PreTrainedTokenizerFast) -> None:
    cased = BertTokenizerFast(vocab=english.get_vocab(), do_lower_case=False)
    assert strips_marks(english)
    assert not strips_marks(cased)
    for like, words in ((cased, ["où"]), (english, ["河流", "流过", "山谷"])):
        pieces = train_tokenizer(like, [*words, "éa"], 0)
        with_texts, without = (extend_tokenizer(like, pieces, texts, words, 99) for texts in (["éa éa Élection"], []))
        assert with_texts.get_vocab() == without.get_vocab()


@pytest.mark.parametrize("kind", ["roberta", "albert", "xlnet"])
def test_trained_tokenizers_of_other_kinds_keep_marks(kind: str, tmp_path: Path) -> None:
    like = tiny_tokenizer_like(kind, ENGLISH)
    tokenizer = train_tokenizer(like, ["мой йод мои всё все", "pêche péché peche"] * 10, 300)
    tokenizer.save_pretrained(tmp_path)
    for one in (tokenizer, AutoTokenizer.from_pretrained(tmp_path)):
        for pair in (("мой", "мои"), ("всё", "все"), ("pêche", "péché")):
            first, second = (one(word)["input_ids"] for word in pair)
            assert first != second
        assert one.decode(one("мой pêche")["input_ids"], skip_special_tokens=True).strip() == "мой pêche"
    assert tokenizer.padding_side == like.padding_side
    assert tokenizer.special_tokens_map == like.special_tokens_map
