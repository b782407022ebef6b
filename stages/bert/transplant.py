"""A classifier carried over to a new language: every parameter copied, the tokens' embeddings built anew."""

import copy

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from stages.bert.mixtures import mix_embeddings
from stages.bert.models import Classifier


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
