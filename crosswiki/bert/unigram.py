"""Training of unigram models of subwords, as ALBERT and XLNet have."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Punctuation
from tokenizers.pre_tokenizers import Sequence as PreTokenizers
from tokenizers.trainers import BpeTrainer


def train_unigram(
    state: dict[str, Any],
    special: list[str],
    unknown: str,
    batches: Callable[[], Iterator[list[str]]],
    vocabulary: int,
) -> Unigram:
    """Train a unigram language model of pieces (Kudo 2018) deterministically.

    The library's trainer sums in the order of a hash table, so its scores and sometimes its pieces differ from run to
    run. Here the pieces come from byte-pair encoding, with letters and punctuation never in one piece. Their
    probabilities are counted on the division of each word, first by BPE and then twice by the most probable division
    (hard expectation maximisation).

    Args:
        state: a tokenizer, as `tokenizers` writes it, whose normaliser and pre-tokenizer divide texts into words.
        special: special tokens, which come first.
        unknown: the one of them that stands for letters without a piece.
        batches: gives the texts, each time that it is called.
        vocabulary: pieces at most.
    """
    blank = {"type": "BPE", "vocab": {}, "merges": []}
    divider = Tokenizer.from_str(json.dumps({**state, "model": blank, "added_tokens": [], "post_processor": None}))
    divider.pre_tokenizer = PreTokenizers([divider.pre_tokenizer, Punctuation()])
    trainer = BpeTrainer(vocab_size=vocabulary, special_tokens=special, show_progress=False)
    divider.train_from_iterator(batches(), trainer)
    ids = divider.get_vocab()
    pieces = sorted(ids, key=lambda piece: ids[piece])
    normalised = divider.normalizer.normalize_str if divider.normalizer else str
    words = Counter(
        word
        for texts in batches()
        for text in texts
        for word, _ in divider.pre_tokenizer.pre_tokenize_str(normalised(text))
    )
    model = divider.model
    for _ in range(3):
        counts = dict.fromkeys(pieces, 0.5)  # the count of a piece that is in no word
        for word, count in words.items():
            for token in model.tokenize(word):
                counts[token.value] += count
        total = math.log(sum(counts.values()))
        scored = [(piece, 0.0 if piece in special else math.log(counts[piece]) - total) for piece in pieces]
        model = Unigram(scored, special.index(unknown), False)
    return model
