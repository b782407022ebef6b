"""A classifier carried over to a new language: every parameter copied, the tokens' embeddings built anew.

After WECHSEL (Minixhofer, Paischer and Rekabsaz 2022): each token of either tokenizer gets a vector in the aligned
word space; a new token's embedding is a mixture of those of the source tokens whose vectors are nearest to its own.
"""

import copy
import json
from collections.abc import Iterator, Sequence

import torch
from tokenizers import Tokenizer
from tokenizers.trainers import WordPieceTrainer
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from stages.bert.models import Classifier
from stages.corpora.vocabulary import Vocabulary
from stages.embeddings.alignment import mean_similarity
from stages.embeddings.vectors import WordVectors, unit

HUBNESS_NEIGHBOURS = 10  # k of CSLS, as in MUSE
ROWS = 2048  # of a similarity matrix that are in memory at a time


def extend_tokenizer(
    like: PreTrainedTokenizerFast, pieces: PreTrainedTokenizerFast, words: Vocabulary, most: int
) -> PreTrainedTokenizerFast:
    """Add a new language's words and pieces to a WordPiece tokenizer, whose own tokens keep their ids.

    What the new language shares with the source (names, borrowed words, their parts) so keeps its embedding, and a
    rare word is read in parts that the source's model knows, where a tokenizer trained on the new language alone has
    tokens that nothing is known about.

    Args:
        like: the source's tokenizer.
        pieces: a tokenizer that `train_tokenizer` has trained on the new language.
        words: the new language's words, the most frequent first.
        most: new words at most.
    """
    normalised = like.backend_tokenizer.normalizer.normalize_str if like.backend_tokenizer.normalizer else str
    divided = like.backend_tokenizer.pre_tokenizer.pre_tokenize_str  # a Chinese word, say, into its characters
    known, own = like.get_vocab(), pieces.get_vocab()
    parts = dict.fromkeys(part for word in words.words for part, _ in divided(normalised(word)))
    added = [part for part in parts if part not in known][:most]
    added += [token for token in sorted(own, key=lambda token: own[token]) if token not in {*known, *added}]
    return _wordpiece(like, {**known, **{token: len(known) + place for place, token in enumerate(added)}})


def train_tokenizer(like: PreTrainedTokenizerFast, texts: Sequence[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Train a tokenizer of the same type (WordPiece, BPE, unigram) and with the same special tokens on other texts.

    Args:
        like: the source's tokenizer.
        texts: in the new language.
        vocabulary: at most so many tokens.
    """

    def batches() -> Iterator[list[str]]:
        for start in range(0, len(texts), 1000):
            yield list(texts[start : start + 1000])

    if not is_wordpiece(like):
        return like.train_new_from_iterator(batches(), vocabulary, length=len(texts), show_progress=False)
    state = json.loads(like.backend_tokenizer.to_str())
    blank = Tokenizer.from_str(json.dumps({**state, "added_tokens": [], "post_processor": None}))
    # The trainer numbers continuations (##a) as it meets them, in the order of a hash table, and breaks ties by number:
    # naming them first, in order, gives the same vocabulary each time.
    normalised = blank.normalizer.normalize_str if blank.normalizer else str
    letters = sorted({letter for text in texts for letter in normalised(text) if not letter.isspace()})
    prefix = state["model"]["continuing_subword_prefix"]
    special = [token for token, _ in sorted(like.get_added_vocab().items(), key=lambda item: item[1])]
    trainer = WordPieceTrainer(
        vocab_size=vocabulary,
        special_tokens=[*special, *letters, *(prefix + letter for letter in letters)],
        continuing_subword_prefix=prefix,
        show_progress=False,
    )
    blank.train_from_iterator(batches(), trainer)
    return _wordpiece(like, blank.get_vocab())


def is_wordpiece(tokenizer: PreTrainedTokenizerFast) -> bool:
    """Whether a tokenizer is BERT's kind, whose vocabulary can be added to."""
    return json.loads(tokenizer.backend_tokenizer.to_str())["model"]["type"] == "WordPiece"


def _wordpiece(like: PreTrainedTokenizerFast, vocabulary: dict[str, int]) -> PreTrainedTokenizerFast:
    """A tokenizer of the same class and settings with another vocabulary."""
    normaliser = json.loads(like.backend_tokenizer.to_str()).get("normalizer") or {}
    settings = {
        name: getattr(like, name) for name in ("do_lower_case", "tokenize_chinese_chars") if hasattr(like, name)
    }
    parts = {part: token for part, token in like.special_tokens_map.items() if isinstance(token, str)}
    return type(like)(
        vocab=vocabulary,
        strip_accents=normaliser.get("strip_accents"),
        model_max_length=like.model_max_length,
        **settings,
        **parts,
    )


def token_vectors(tokenizer: PreTrainedTokenizerFast, words: WordVectors, vectors: Tensor) -> Tensor:
    """Give each token the mean vector of the words that it is a part of, weighted by how often they occur.

    Args:
        tokenizer: of the words' language.
        words: the words and their counts.
        vectors: the words' vectors, [words, dim].

    Returns:
        [tokens, dim], rows of unit length; zeros for tokens that are in no word.
    """
    total = torch.zeros(len(tokenizer), vectors.shape[1], dtype=torch.float64)
    counts = torch.from_numpy(words.vocabulary.counts).double()
    # A word is seen as inside a text, after a space, small and with a capital.
    for form in (str.lower, str.capitalize):
        texts = [" " + form(word) for word in words.vocabulary.words]
        pieces = tokenizer(texts, add_special_tokens=False, return_attention_mask=False)["input_ids"]
        token = torch.tensor([piece for row in pieces for piece in row], dtype=torch.int64)
        word = torch.tensor([place for place, row in enumerate(pieces) for _ in row], dtype=torch.int64)
        total.index_add_(0, token, vectors[word].double() * counts[word, None])
    total[tokenizer.all_special_ids] = 0
    return unit(total).float()


def piece_vectors(
    tokenizer: PreTrainedTokenizerFast, pieces: PreTrainedTokenizerFast, words: WordVectors, vectors: Tensor
) -> Tensor:
    """Vectors of the tokens that `extend_tokenizer` has put together: of words, and where there is none, of pieces.

    A piece's words are those that its own tokenizer divides into it: the extended one has most of them whole.

    Returns:
        As `token_vectors`.
    """
    whole, parts = token_vectors(tokenizer, words, vectors), token_vectors(pieces, words, vectors)
    for token, place in pieces.get_vocab().items():
        row = tokenizer.convert_tokens_to_ids(token)
        if not whole[row].any():
            whole[row] = parts[place]
    return whole


def mix_embeddings(embeddings: Tensor, source: Tensor, other: Tensor, neighbours: int, temperature: float) -> Tensor:
    """Mix source tokens' embeddings for each new token: weights softmax(CSLS / temperature) over the nearest.

    Two departures from WECHSEL, both worth points: CSLS in place of the cosine, so that hubs do not take part in
    every mixture; and a mixture is as long as its parts are on average, where a mean of many directions is short.

    Args:
        embeddings: of the source's tokens, [source tokens, hidden].
        source: vectors of those of the source's tokens that have one, rows of unit length, [source tokens, dim].
        other: the same of the new tokens, [tokens, dim].
        neighbours: how many source tokens are mixed.
        temperature: of the softmax.

    Returns:
        [tokens, hidden].
    """
    if len(other) == 0:
        return embeddings.new_zeros(0, embeddings.shape[1])
    hubness = mean_similarity(source, other, HUBNESS_NEIGHBOURS)
    lengths = embeddings.norm(dim=1)
    mixed = []
    for rows in other.split(ROWS):
        nearest = (2 * rows @ source.mT - hubness).topk(min(neighbours, len(source)), dim=1)
        weights = (nearest.values / temperature).softmax(1)
        mixture = torch.einsum("tk,tkh->th", weights, embeddings[nearest.indices])
        mixed.append(unit(mixture) * (weights * lengths[nearest.indices]).sum(1, keepdim=True))
    return torch.cat(mixed)


def copied_tokens(
    source: PreTrainedTokenizerFast, other: PreTrainedTokenizerFast, has_vector: Tensor, copied_length: int
) -> dict[int, int]:
    """New tokens that keep a source token's embedding: special ones by their part, and tokens that are spelled alike.

    Of the latter, those without a letter (digits, punctuation), those of so many letters that they are likely to mean
    the same (names, borrowed words), and those that have no vector to be mixed by.

    Args:
        source: the source's tokenizer.
        other: the new one.
        has_vector: whether a new token has a vector, [new tokens].
        copied_length: letters from which on a token that is spelled alike is copied.

    Returns:
        From the new token's id to the source token's.
    """
    known = source.get_vocab()
    copied = {
        place: known[token]
        for token, place in other.get_vocab().items()
        if token in known
        and (not (letters := sum(map(str.isalpha, token))) or letters >= copied_length or not has_vector[place])
    }
    for part, token in other.special_tokens_map.items():
        match = source.special_tokens_map.get(part)
        if isinstance(token, str) and isinstance(match, str):
            copied[other.convert_tokens_to_ids(token)] = source.convert_tokens_to_ids(match)
    return copied


def transplant(
    source: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    source_vectors: Tensor,
    other_vectors: Tensor,
    neighbours: int,
    temperature: float,
    copied_length: int,
    seed: int,
) -> tuple[Classifier, dict[str, int]]:
    """Copy every parameter of a classifier but its token embeddings, and build those for another tokenizer.

    Tokens without a vector are drawn from a normal distribution with the source rows' mean and deviation.

    Args:
        source: the teacher.
        tokenizer: of the new language.
        source_vectors: what `token_vectors` gives for the teacher's tokenizer.
        other_vectors: what it gives for the new one, in the same space.
        neighbours: see `mix_embeddings`.
        temperature: see `mix_embeddings`.
        copied_length: see `copied_tokens`.
        seed: of the draws.

    Returns:
        The new classifier, and how many tokens were copied, mixed and drawn.
    """
    embeddings = source.model.get_input_embeddings().weight.detach()
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(len(tokenizer), embeddings.shape[1], generator=generator) * embeddings.std(0) + embeddings.mean(
        0
    )
    has_vector = other_vectors.any(1)
    usable = source_vectors.any(1)
    rows[has_vector] = mix_embeddings(
        embeddings[: len(usable)][usable], source_vectors[usable], other_vectors[has_vector], neighbours, temperature
    )
    copied = copied_tokens(source.tokenizer, tokenizer, has_vector, copied_length)
    rows[list(copied)] = embeddings[list(copied.values())]
    mixed = int(has_vector.sum()) - int(has_vector[list(copied)].sum())

    config = copy.deepcopy(source.model.config)
    config.vocab_size = len(tokenizer)
    for part in ("pad", "bos", "eos", "cls", "sep"):
        if getattr(config, f"{part}_token_id", None) is not None:
            setattr(config, f"{part}_token_id", getattr(tokenizer, f"{part}_token_id"))
    model = type(source.model)(config)
    state = source.model.state_dict()
    matrix = model.get_input_embeddings().weight
    name = next(key for key, parameter in model.named_parameters() if parameter is matrix)
    model.load_state_dict({**state, name: rows})
    counts = {"copied": len(copied), "mixed": mixed, "drawn": len(tokenizer) - len(copied) - mixed}
    return Classifier(model, tokenizer), counts
