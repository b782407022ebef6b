"""Translations of tokens, from a dictionary of words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from crosswiki.bert.tokenization import continued_words, divide_words
from crosswiki.embeddings.dictionary import Entries
from crosswiki.embeddings.glossary import close_up

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class Translations:
    """What is known of a language's words and phrases; pairs are (source, other)."""

    dictionary: Entries = field(default_factory=list)  # of any number of words
    by_lemma: Entries = field(default_factory=list)  # of a word's lemma, for words that the dictionary has not
    likeliest: Entries = field(default_factory=list)  # one of each word, by the gloss's lexicon
    counts: Mapping[str, int] = field(default_factory=dict)  # how often the text has each word


def translated_tokens(
    source: PreTrainedTokenizerFast, other: PreTrainedTokenizerFast, dictionary: Entries
) -> "csr_array":
    """Find source tokens that translate the other language's tokens.

    An entry is used if its other side is a single token. Each token of its source side is then a translation of that
    token: both united and states for 美国. What a tokenizer does not know translates nothing.

    Args:
        source: the source's tokenizer.
        other: the other language's tokenizer.
        dictionary: (source, other), of any number of words.

    Returns:
        1 where the source token is a translation, else 0; float32, [other tokens, source tokens].
    """
    from scipy.sparse import csr_array

    source_tokens = divide_words(source, [close_up(entry[0]) for entry in dictionary])
    other_tokens = divide_words(other, [close_up(entry[1]) for entry in dictionary])
    found = {
        (row[0], token)
        for tokens, row in zip(source_tokens, other_tokens, strict=True)
        if len(row) == 1 and row != [other.unk_token_id]
        for token in tokens
        if token != source.unk_token_id
    }
    continued = {word: token for token, word in continued_words(other).items()}
    found |= {(continued[word], token) for word, token in found if word in continued}
    rows, columns = numpy.array(sorted(found), dtype=numpy.int64).reshape(-1, 2).T
    ones = numpy.ones(len(rows), dtype=numpy.float32)
    return csr_array((ones, (rows, columns)), shape=(len(other), len(source)))


def word_counts(tokenizer: PreTrainedTokenizerFast, counts: Mapping[str, int]) -> Tensor:
    """How often a text has each token as a whole word; 0 for tokens that are no word of it; [tokens]."""
    found = torch.zeros(len(tokenizer))
    for row, count in zip(divide_words(tokenizer, list(counts)), [*counts.values()] * 2, strict=True):
        if len(row) == 1:
            found[row[0]] = max(float(found[row[0]]), count)
    for continued, word in continued_words(tokenizer).items():
        found[continued] = found[word]
    return found
