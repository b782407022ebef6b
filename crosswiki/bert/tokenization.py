"""Tokenizers for a new language, of the same type as the source model's."""

import json
from collections.abc import Iterator, Sequence
from itertools import chain

from tokenizers import Regex, Tokenizer
from tokenizers.pre_tokenizers import Sequence as PreTokenizers
from tokenizers.pre_tokenizers import Split
from tokenizers.trainers import WordPieceTrainer
from transformers import PreTrainedTokenizerFast

from crosswiki.bert.marked_subwords import keeping_marks, marked_subwords, strips_marks
from crosswiki.bert.unigram import train_unigram
from crosswiki.corpora.text import is_unspaced
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters_of_models import Transplant

LONGEST = 100  # letters without a space that are divided at once; a longer word is unknown to WordPiece
MARKED = 10_000  # subwords with marks at most


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
    return extend_tokenizer(like, pieces, texts, words, settings.vocabulary_size), pieces


def extend_tokenizer(
    like: PreTrainedTokenizerFast,
    pieces: PreTrainedTokenizerFast,
    texts: Sequence[str],
    words: Sequence[str],
    max_words: int,
) -> PreTrainedTokenizerFast:
    """Add a new language's words and subwords to a WordPiece tokenizer, whose tokens keep their ids.

    So tokens that both languages have (names, borrowed words, their parts) keep their embedding, and rare words are
    divided into tokens that the source's model knows. A tokenizer trained on the new language alone would divide them
    into tokens without a known embedding. Words with marks are divided likewise (`marked_subwords`).

    Args:
        like: the source's tokenizer.
        pieces: a tokenizer that `train_tokenizer` has trained on the new language.
        texts: in the new language.
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
        every = (*sorted(known, key=lambda token: known[token]), *added)  # their own order differs from run to run
        added += [f"##{token}" for token in every if is_unspaced(token) and f"##{token}" not in present]
    elif strips_marks(like):
        present |= {*added}
        subwords = marked_subwords(like, map(normalised, chain(texts, words)), MARKED)
        added += [token for token in subwords if token not in present]
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
    normaliser = keeping_marks(state["normalizer"])
    special = [token for token, _ in sorted(like.get_added_vocab().items(), key=lambda item: item[1])]
    if state["model"]["type"] == "Unigram":
        special = special if like.unk_token in special else [like.unk_token, *special]
        # Trained on one text, for the special tokens and the settings of the class; its model is replaced below.
        trained = like.train_new_from_iterator(
            [[texts[0]]], len(special) + len(set(texts[0])) + 10, show_progress=False
        )
        divided = {**state, "normalizer": normaliser}
        trained.backend_tokenizer.model = train_unigram(divided, special, like.unk_token, batches, vocabulary)
        if normaliser == state["normalizer"]:
            return trained
        made = json.loads(trained.backend_tokenizer.to_str())
        return of_no_class(like, Tokenizer.from_str(json.dumps({**made, "normalizer": normaliser})))
    if not is_wordpiece(like):
        return like.train_new_from_iterator(batches(), vocabulary, length=len(texts), show_progress=False)
    blank = Tokenizer.from_str(
        json.dumps({**state, "normalizer": normaliser, "added_tokens": [], "post_processor": None})
    )
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
    options = {"strip_accents": False, "model_max_length": like.model_max_length, **_special_parts(like)}
    if not unspaced:
        return type(like)(vocab=vocabulary, **settings, **options)
    made = type(like)(vocab=vocabulary, **{**settings, "tokenize_chinese_chars": False}, **options).backend_tokenizer
    made.pre_tokenizer = PreTokenizers([made.pre_tokenizer, Split(Regex(f"[{unspaced}]{{1,{LONGEST}}}"), "isolated")])
    return of_no_class(like, made)


def of_no_class(like: PreTrainedTokenizerFast, made: Tokenizer) -> PreTrainedTokenizerFast:
    """A tokenizer as it is. Loaded as the source's class, it would get that class's normaliser and pre-tokenizer."""
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        **{name: getattr(like, name) for name in ("do_lower_case", "extra_special_tokens") if hasattr(like, name)},
        **{name: getattr(like, name) for name in ("model_input_names", "model_max_length", "padding_side")},
        **_special_parts(like),
    )


def _special_parts(tokenizer: PreTrainedTokenizerFast) -> dict[str, str]:
    return {part: token for part, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
