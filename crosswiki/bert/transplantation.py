"""A classifier carried over to a new language: every parameter copied, the tokens' embeddings built anew."""

import copy

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from crosswiki.bert.initialisations import INITIALISATIONS, Tokens
from crosswiki.bert.models import Classifier
from crosswiki.embeddings.dictionary import Entries
from crosswiki.pipeline.parameters import Transplant


def special_tokens(source: PreTrainedTokenizerFast, other: PreTrainedTokenizerFast) -> dict[int, int]:
    """Special tokens of the new tokenizer that do what a special token of the source's does, or have its name.

    Returns:
        From the new token's id to the source token's.
    """
    known = source.get_vocab()
    found = {
        place: known[token]
        for token, place in zip(other.all_special_tokens, other.all_special_ids, strict=True)
        if token in known
    }
    for part, token in other.special_tokens_map.items():
        match = source.special_tokens_map.get(part)
        if isinstance(token, str) and isinstance(match, str):
            found[other.convert_tokens_to_ids(token)] = source.convert_tokens_to_ids(match)
    return found


def transplant(
    source: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    source_vectors: Tensor,
    other_vectors: Tensor,
    dictionary: Entries,
    settings: Transplant,
    seed: int,
) -> tuple[Classifier, dict[str, int]]:
    """Copy every parameter of a classifier but its token embeddings, and build those for another tokenizer.

    Special tokens keep their embedding. Tokens of which the method says nothing are drawn from a normal distribution
    with the source rows' mean and deviation.

    Args:
        source: the teacher.
        tokenizer: of the new language.
        source_vectors: what `token_vectors` gives for the teacher's tokenizer.
        other_vectors: what it gives for the new one, in the same space.
        dictionary: known translations, (source, other).
        settings: the method, one of `INITIALISATIONS`, and its numbers.
        seed: of the draws.

    Returns:
        The new classifier, and how many tokens were copied, mixed and drawn.
    """
    # Some models have more rows than their tokenizer has tokens, so that they are a multiple of 64.
    embeddings = source.model.get_input_embeddings().weight.detach()[: len(source_vectors)]
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(len(tokenizer), embeddings.shape[1], generator=generator) * embeddings.std(0) + embeddings.mean(
        0
    )
    tokens = Tokens(source.tokenizer, tokenizer, embeddings, source_vectors, other_vectors, dictionary)
    made = INITIALISATIONS[settings.method](tokens, settings)
    copied = {**made.copied, **special_tokens(source.tokenizer, tokenizer)}
    rows[made.mixed] = made.rows
    rows[list(copied)] = embeddings[list(copied.values())]
    mixed = len({*made.mixed.tolist()} - {*copied})

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
