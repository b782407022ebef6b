"""What a dictionary says of tokens."""

from typing import TYPE_CHECKING

import numpy
from transformers import PreTrainedTokenizerFast

from crosswiki.bert.tokenization import continued_words, divide_words
from crosswiki.embeddings.dictionary import Entries
from crosswiki.embeddings.glossary import close_up

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def translated_tokens(
    source: PreTrainedTokenizerFast, other: PreTrainedTokenizerFast, dictionary: Entries
) -> "csr_array":
    """Find, for tokens of another language, the source's tokens that their known translations are made of.

    An entry speaks of a token if that is the whole of its other side. Each token of the entry's source side is then a
    translation: both united and states of 美国.

    Args:
        source: the source's tokenizer.
        other: the other language's.
        dictionary: (source, other), of any number of words.

    Returns:
        1 where a source token is one, else 0; float32, [other tokens, source tokens].
    """
    from scipy.sparse import csr_array

    ours = divide_words(source, [close_up(entry[0]) for entry in dictionary])
    theirs = divide_words(other, [close_up(entry[1]) for entry in dictionary])
    found = {(row[0], token) for tokens, row in zip(ours, theirs, strict=True) if len(row) == 1 for token in tokens}
    continued = {word: token for token, word in continued_words(other).items()}
    found |= {(continued[word], token) for word, token in found if word in continued}
    rows, columns = numpy.array(sorted(found), dtype=numpy.int64).reshape(-1, 2).T
    ones = numpy.ones(len(rows), dtype=numpy.float32)
    return csr_array((ones, (rows, columns)), shape=(len(other), len(source)))
