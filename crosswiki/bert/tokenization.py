"""Tokenizers for a new language, of the same type as the source model's."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tokenizers import Regex, Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Punctuation, Split
from tokenizers.pre_tokenizers import Sequence as PreTokenizers
from tokenizers.trainers import BpeTrainer, WordPieceTrainer
from transformers import PreTrainedTokenizerFast

from crosswiki.corpora.text import is_unspaced
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters import Transplant

LONGEST = 100  # letters without a space that are divided at once; a longer word is unknown to WordPiece


def new_tokenizer(
    like: PreTrainedTokenizerFast, texts: Sequence[str], words: Sequence[str], settings: Transplant
) -> tuple[PreTrainedTokenizerFast, PreTrainedTokenizerFast]:
    """Make a new language's tokenizer: the source's, extended, or one trained on the new language alone.

    Where params.yaml does not say which, csls_mixtures extends. The published methods train, as in their papers, and so
    do the controls: with most embeddings copied they would not be controls.

    Args:
        like: the source's tokenizer.
        texts: in the new language.
        words: the new language's words, the most frequent first.
        settings: the section `transplant` of params.yaml.

    Returns:
        The tokenizer, and the one that was trained on the new language; the same one unless the first is extended.

    Raises:
        UserError: the source's tokenizer is to be extended, but is no WordPiece.
    """
    extended = settings.tokenizer or (
        "extended" if settings.method == "csls_mixtures" and is_wordpiece(like) else "trained"
    )
    if extended == "trained":
        tokenizer = train_tokenizer(like, texts, settings.vocabulary_size)
        return tokenizer, tokenizer
    if not is_wordpiece(like):
        raise UserError(
            "params.yaml: transplant.tokenizer: found 'extended', but the source's model has no WordPiece tokenizer; "
            "trained is what its kind can be"
        )
    pieces = train_tokenizer(like, texts, settings.trained_subwords)
    return extend_tokenizer(like, pieces, words, settings.vocabulary_size), pieces


def extend_tokenizer(
    like: PreTrainedTokenizerFast, pieces: PreTrainedTokenizerFast, words: Sequence[str], max_words: int
) -> PreTrainedTokenizerFast:
    """Add a new language's words and subwords to a WordPiece tokenizer, whose tokens keep their ids.

    So tokens that both languages have (names, borrowed words, their parts) keep their embedding, and rare words are
    divided into tokens that the source's model knows. A tokenizer trained on the new language alone would divide them
    into tokens without a known embedding.

    Args:
        like: the source's tokenizer.
        pieces: a tokenizer that `train_tokenizer` has trained on the new language.
        words: the new language's words, the most frequent first.
        max_words: new words at most.
    """
    known, trained = like.get_vocab(), pieces.get_vocab()
    letters = sorted({letter for token in (*trained, *words) for letter in token if is_unspaced(letter)})
    # BERT divides Chinese into single characters, which are more ambiguous than words, and reads a sentence of Thai as
    # one word. Where most words are of letters without spaces between words, runs of letters stay together, and
    # WordPiece takes the longest known word first.
    unspaced = "".join(letters) if sum(map(is_unspaced, words)) > len(words) / 2 else ""
    blank = _wordpiece(like, known, unspaced)
    normalised = blank.backend_tokenizer.normalizer.normalize_str if blank.backend_tokenizer.normalizer else str
    divided = blank.backend_tokenizer.pre_tokenizer.pre_tokenize_str
    parts = dict.fromkeys(part for word in words for part, _ in divided(normalised(word)))
    added = [part for part in parts if part not in known][:max_words]
    present = {*known, *added}
    added += [
        token
        for token in dict.fromkeys([*sorted(trained, key=lambda token: trained[token]), *unspaced])
        if token not in present
    ]
    if unspaced:  # there is no space between words, so most words continue a run of characters
        present |= {*added}
        added += [f"##{token}" for token in (*known, *added) if is_unspaced(token) and f"##{token}" not in present]
    return _wordpiece(like, {**known, **{token: len(known) + place for place, token in enumerate(added)}}, unspaced)


def train_tokenizer(like: PreTrainedTokenizerFast, texts: Sequence[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Train a tokenizer of the same type (WordPiece, BPE, unigram) and with the same special tokens on other texts.

    Args:
        like: the source's tokenizer.
        texts: in the new language.
        vocabulary: maximum number of tokens; WordPiece has every letter in addition.
    """

    def batches() -> Iterator[list[str]]:
        for start in range(0, len(texts), 1000):
            yield list(texts[start : start + 1000])

    state = json.loads(like.backend_tokenizer.to_str())
    special = [token for token, _ in sorted(like.get_added_vocab().items(), key=lambda item: item[1])]
    if state["model"]["type"] == "Unigram":
        special = special if like.unk_token in special else [like.unk_token, *special]
        # Trained on one text, for the special tokens and the settings of the class; its model is replaced below.
        trained = like.train_new_from_iterator(
            [[texts[0]]], len(special) + len(set(texts[0])) + 10, show_progress=False
        )
        trained.backend_tokenizer.model = _unigram(like, special, batches, vocabulary)
        return trained
    if not is_wordpiece(like):
        return like.train_new_from_iterator(batches(), vocabulary, length=len(texts), show_progress=False)
    state["normalizer"] = keeping_marks(state["normalizer"])
    blank = Tokenizer.from_str(json.dumps({**state, "added_tokens": [], "post_processor": None}))
    # The trainer numbers continuations (##a) in the order of a hash table, and breaks ties by number. Naming them
    # as special tokens first, in a fixed order, gives the same vocabulary each time.
    normalised = blank.normalizer.normalize_str if blank.normalizer else str
    letters = sorted({letter for text in texts for letter in normalised(text) if not letter.isspace()})
    prefix = state["model"]["continuing_subword_prefix"]
    trainer = WordPieceTrainer(
        vocab_size=vocabulary,
        special_tokens=[*special, *letters, *(prefix + letter for letter in letters)],
        continuing_subword_prefix=prefix,
        show_progress=False,
    )
    blank.train_from_iterator(batches(), trainer)
    return _wordpiece(like, blank.get_vocab())


def _unigram(
    like: PreTrainedTokenizerFast, special: list[str], batches: Callable[[], Iterator[list[str]]], vocabulary: int
) -> Unigram:
    """Train a unigram language model of pieces (Kudo 2018) deterministically.

    The library's trainer sums in the order of a hash table, so its scores and sometimes its pieces differ from run to
    run. Here the pieces come from byte-pair encoding, with letters and punctuation never in one piece. Their
    probabilities are counted on the division of each word, first by BPE and then twice by the most probable division
    (hard expectation maximisation).
    """
    state = json.loads(like.backend_tokenizer.to_str())
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
        model = Unigram(scored, special.index(like.unk_token), False)
    return model


def keeping_marks(normaliser: dict[str, Any] | None) -> dict[str, Any] | None:
    """A BERT normaliser's settings, as `tokenizers` writes them, under which letters keep their marks (é, й, की).

    Uncased models of English strip combining marks, which tell no two English words apart, but words of most other
    languages.
    """
    if normaliser is None or normaliser["type"] != "BertNormalizer":
        return normaliser
    return {**normaliser, "strip_accents": False}


def is_wordpiece(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether a tokenizer is a WordPiece, as BERT's; others cannot be extended."""
    return json.loads(tokenizer.backend_tokenizer.to_str())["model"]["type"] == "WordPiece"


def divide_words(tokenizer: PreTrainedTokenizerFast, words: Sequence[str]) -> list[list[int]]:
    """Divide words into tokens as inside a text, after a space: first all in lower case, then all capitalised.

    Returns:
        The token ids of each form, [2 · words].
    """
    forms = [" " + form(word) for form in (str.lower, str.capitalize) for word in words]
    return tokenizer(forms, add_special_tokens=False, return_attention_mask=False)["input_ids"] if forms else []


def continued_words(tokenizer: PreTrainedTokenizerFast) -> dict[int, int]:
    """Tokens of words that continue a run (##河), matched with the same words at its start (河).

    Returns:
        From the id of the first to the id of the second.
    """
    rows = tokenizer.get_vocab()
    starts = {token: token.removeprefix("##") for token in rows}
    return {
        rows[token]: rows[word]
        for token, word in starts.items()
        if token != word and word in rows and is_unspaced(word)
    }


def _wordpiece(
    like: PreTrainedTokenizerFast, vocabulary: dict[str, int], unspaced: str = ""
) -> PreTrainedTokenizerFast:
    """A tokenizer of the same class and settings with another vocabulary, under which letters keep their marks.

    Args:
        like: the source's tokenizer.
        vocabulary: the new tokens with their ids.
        unspaced: letters of words without spaces between them; if there are any, their runs are not divided beforehand.
    """
    settings = {
        name: getattr(like, name) for name in ("do_lower_case", "tokenize_chinese_chars") if hasattr(like, name)
    }
    parts = {part: token for part, token in like.special_tokens_map.items() if isinstance(token, str)}
    options = {"strip_accents": False, "model_max_length": like.model_max_length, **parts}
    if not unspaced:
        return type(like)(vocab=vocabulary, **settings, **options)
    made = type(like)(vocab=vocabulary, **{**settings, "tokenize_chinese_chars": False}, **options).backend_tokenizer
    made.pre_tokenizer = PreTokenizers([made.pre_tokenizer, Split(Regex(f"[{unspaced}]{{1,{LONGEST}}}"), "isolated")])
    # Loaded as the source's class, it would get that class's pre-tokenizer again.
    return PreTrainedTokenizerFast(
        tokenizer_object=made, model_input_names=like.model_input_names, do_lower_case=like.do_lower_case, **options
    )
