"""Tokenizers for a new language, of the kind that the source's model has."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tokenizers import Regex, Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Punctuation, Split
from tokenizers.pre_tokenizers import Sequence as PreTokenizers
from tokenizers.trainers import BpeTrainer, WordPieceTrainer
from transformers import PreTrainedTokenizerFast

from crosswiki.corpora.text import is_han
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters import Transplant


def new_tokenizer(
    like: PreTrainedTokenizerFast, texts: Sequence[str], words: Sequence[str], own: Transplant
) -> tuple[PreTrainedTokenizerFast, PreTrainedTokenizerFast]:
    """Make a new language's tokenizer, extended or trained, as the parameters or else the method have it.

    Only our own method extends by itself. The published ones come with a tokenizer of the new language alone, and the
    controls would be none if most tokens had an embedding to copy.

    Args:
        like: the source's tokenizer.
        texts: in the new language.
        words: the new language's words, the likelier ones to be met first.
        own: the parameters.

    Returns:
        The tokenizer, and the one that was trained: the same, unless the first is an extended one.

    Raises:
        UserError: a tokenizer that is no WordPiece is to be extended.
    """
    extended = own.tokenizer or ("extended" if own.method == "csls_mixtures" and is_wordpiece(like) else "trained")
    if extended == "trained":
        tokenizer = train_tokenizer(like, texts, own.vocabulary_size)
        return tokenizer, tokenizer
    if not is_wordpiece(like):
        raise UserError(
            "params.yaml: transplant.tokenizer: found 'extended', but the source's model has no WordPiece tokenizer; "
            "trained is what its kind can be"
        )
    pieces = train_tokenizer(like, texts, own.trained_subwords)
    return extend_tokenizer(like, pieces, words, own.vocabulary_size), pieces


def extend_tokenizer(
    like: PreTrainedTokenizerFast, pieces: PreTrainedTokenizerFast, words: Sequence[str], most: int
) -> PreTrainedTokenizerFast:
    """Add a new language's words and pieces to a WordPiece tokenizer, whose own tokens keep their ids.

    What the new language shares with the source (names, borrowed words, their parts) so keeps its embedding, and a
    rare word is read in parts that the source's model knows, where a tokenizer trained on the new language alone has
    tokens that nothing is known about.

    Args:
        like: the source's tokenizer.
        pieces: a tokenizer that `train_tokenizer` has trained on the new language.
        words: the new language's words, the likelier ones to be met first.
        most: new words at most.
    """
    known, own = like.get_vocab(), pieces.get_vocab()
    letters = sorted({letter for token in (*own, *words) for letter in token if is_han(letter)})
    # BERT reads Chinese letter by letter, though a letter means many things and a word one. Where most words are of
    # such letters, they stay together, and the longest that is known is taken first.
    han = "".join(letters) if sum(map(is_han, words)) > len(words) / 2 else ""
    blank = _wordpiece(like, known, han)
    normalised = blank.backend_tokenizer.normalizer.normalize_str if blank.backend_tokenizer.normalizer else str
    divided = blank.backend_tokenizer.pre_tokenizer.pre_tokenize_str
    parts = dict.fromkeys(part for word in words for part, _ in divided(normalised(word)))
    added = [part for part in parts if part not in known][:most]
    present = {*known, *added}
    added += [
        token for token in dict.fromkeys([*sorted(own, key=lambda token: own[token]), *han]) if token not in present
    ]
    if han:  # nothing stands between words, so that most of them go on from another one
        present |= {*added}
        added += [f"##{token}" for token in (*known, *added) if is_han(token) and f"##{token}" not in present]
    return _wordpiece(like, {**known, **{token: len(known) + place for place, token in enumerate(added)}}, han)


def train_tokenizer(like: PreTrainedTokenizerFast, texts: Sequence[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Train a tokenizer of the same type (WordPiece, BPE, unigram) and with the same special tokens on other texts.

    Args:
        like: the source's tokenizer.
        texts: in the new language.
        vocabulary: at most so many tokens; WordPiece has every letter beside that.
    """

    def batches() -> Iterator[list[str]]:
        for start in range(0, len(texts), 1000):
            yield list(texts[start : start + 1000])

    state = json.loads(like.backend_tokenizer.to_str())
    special = [token for token, _ in sorted(like.get_added_vocab().items(), key=lambda item: item[1])]
    if state["model"]["type"] == "Unigram":
        special = special if like.unk_token in special else [like.unk_token, *special]
        # Of one text: special tokens first, and whatever else the class needs. The pieces are put in afterwards.
        trained = like.train_new_from_iterator(
            [[texts[0]]], len(special) + len(set(texts[0])) + 10, show_progress=False
        )
        trained.backend_tokenizer.model = _unigram(like, special, batches, vocabulary)
        return trained
    if not is_wordpiece(like):
        return like.train_new_from_iterator(batches(), vocabulary, length=len(texts), show_progress=False)
    blank = Tokenizer.from_str(json.dumps({**state, "added_tokens": [], "post_processor": None}))
    # The trainer numbers continuations (##a) as it meets them, in the order of a hash table, and breaks ties by number:
    # naming them first, in order, gives the same vocabulary each time.
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
    """A unigram language model of pieces (Kudo 2018) that is the same each time.

    The library's trainer adds up in the order of a hash table, so that scores, ties and now and then pieces differ from
    run to run. Here the pieces are those of byte-pair encoding, of letters or of punctuation and never of both, and
    their probabilities are counted on each word's likeliest division, twice: expectation maximisation with one division
    for all of them.
    """
    state = json.loads(like.backend_tokenizer.to_str())
    blank = {"type": "BPE", "vocab": {}, "merges": []}
    divider = Tokenizer.from_str(json.dumps({**state, "model": blank, "added_tokens": [], "post_processor": None}))
    divider.pre_tokenizer = PreTokenizers([divider.pre_tokenizer, Punctuation()])
    trainer = BpeTrainer(vocab_size=vocabulary, special_tokens=special, show_progress=False)
    divider.train_from_iterator(batches(), trainer)
    own = divider.get_vocab()
    pieces = sorted(own, key=lambda piece: own[piece])
    normalised = divider.normalizer.normalize_str if divider.normalizer else str
    words = Counter(
        word
        for texts in batches()
        for text in texts
        for word, _ in divider.pre_tokenizer.pre_tokenize_str(normalised(text))
    )
    model = divider.model
    for _ in range(3):
        counts = dict.fromkeys(pieces, 0.5)  # of a piece that no word is divided into
        for word, count in words.items():
            for token in model.tokenize(word):
                counts[token.value] += count
        total = math.log(sum(counts.values()))
        scored = [(piece, 0.0 if piece in special else math.log(counts[piece]) - total) for piece in pieces]
        model = Unigram(scored, special.index(like.unk_token), False)
    return model


def is_wordpiece(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether a tokenizer is BERT's kind, whose vocabulary can be added to."""
    return json.loads(tokenizer.backend_tokenizer.to_str())["model"]["type"] == "WordPiece"


def divide_words(tokenizer: PreTrainedTokenizerFast, words: Sequence[str]) -> list[list[int]]:
    """Divide words into tokens as they stand inside a text: after a space, all of them small, then all with a capital.

    Returns:
        Their tokens, [2 · words].
    """
    forms = [" " + form(word) for form in (str.lower, str.capitalize) for word in words]
    return tokenizer(forms, add_special_tokens=False, return_attention_mask=False)["input_ids"] if forms else []


def continued_words(tokenizer: PreTrainedTokenizerFast) -> dict[int, int]:
    """Tokens of Chinese words after another one (##河), and those of the same words at the start (河): one meaning.

    Returns:
        From the one's id to the other's.
    """
    rows = tokenizer.get_vocab()
    starts = {token: token.removeprefix("##") for token in rows}
    return {
        rows[token]: rows[word] for token, word in starts.items() if token != word and word in rows and is_han(word)
    }


def _wordpiece(like: PreTrainedTokenizerFast, vocabulary: dict[str, int], han: str = "") -> PreTrainedTokenizerFast:
    """A tokenizer of the same class and settings with another vocabulary.

    Args:
        like: the source's.
        vocabulary: the new one's tokens, with their ids.
        han: Chinese letters that are known; if there are any, words of them stay together.
    """
    normaliser = json.loads(like.backend_tokenizer.to_str()).get("normalizer") or {}
    settings = {
        name: getattr(like, name) for name in ("do_lower_case", "tokenize_chinese_chars") if hasattr(like, name)
    }
    parts = {part: token for part, token in like.special_tokens_map.items() if isinstance(token, str)}
    options = {"strip_accents": normaliser.get("strip_accents"), "model_max_length": like.model_max_length, **parts}
    if not han:
        return type(like)(vocab=vocabulary, **settings, **options)
    made = type(like)(vocab=vocabulary, **{**settings, "tokenize_chinese_chars": False}, **options).backend_tokenizer
    made.pre_tokenizer = PreTokenizers([made.pre_tokenizer, Split(Regex(f"[{han}]+"), "isolated")])
    # The class of the source's tokenizer would make a pre-tokenizer of its own again when it is loaded.
    return PreTrainedTokenizerFast(
        tokenizer_object=made, model_input_names=like.model_input_names, do_lower_case=like.do_lower_case, **options
    )
