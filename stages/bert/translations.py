"""What a dictionary says of tokens."""

from typing import TYPE_CHECKING

import numpy
from transformers import PreTrainedTokenizerFast

from stages.bert.tokenization import continued_words
from stages.embeddings.dictionary import Entries
from stages.embeddings.gloss import close_up

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

    def divide(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> list[list[int]]:
        """As inside a text, after a space, small and with a capital (see `token_vectors`)."""
        forms = [" " + close_up(form(text)) for form in (str.lower, str.capitalize) for text in texts]
        return tokenizer(forms, add_special_tokens=False, return_attention_mask=False)["input_ids"] if forms else []

    sides = divide(source, [entry[0] for entry in dictionary]), divide(other, [entry[1] for entry in dictionary])
    found = {(theirs[0], token) for ours, theirs in zip(*sides, strict=True) if len(theirs) == 1 for token in ours}
    continued = {word: token for token, word in continued_words(other).items()}
    found |= {(continued[word], token) for word, token in found if word in continued}
    rows, columns = numpy.array(sorted(found), dtype=numpy.int64).reshape(-1, 2).T
    ones = numpy.ones(len(rows), dtype=numpy.float32)
    return csr_array((ones, (rows, columns)), shape=(len(other), len(source)))
