"""A new language's tokens keep the marks that tell its words apart; where a mark is new, its plain twin helps out."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, BertTokenizerFast, PreTrainedTokenizerFast

from crosswiki.bert.initialisations import alike_tokens
from crosswiki.bert.tokenization import LONGEST, extend_tokenizer, train_tokenizer
from tests.tiny import tiny_tokenizer

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
    return pieces if kind == "trained" else extend_tokenizer(english, pieces, words, 1000)


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
