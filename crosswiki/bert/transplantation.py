"""Transfer of a classifier to a new language: its parameters are copied, its token embeddings are made anew."""

import copy

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from crosswiki.bert.initialisations import INITIALISATIONS, Tokens
from crosswiki.bert.models import Classifier
from crosswiki.bert.translations import Translations
from crosswiki.pipeline.parameters_of_models import Transplant


def special_tokens(source: PreTrainedTokenizerFast, other: PreTrainedTokenizerFast) -> dict[int, int]:
    """Match special tokens of two tokenizers, by their function or else by their name.

    Returns:
        From the id of a new token to the id of the source token.
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
    translations: Translations,
    settings: Transplant,
    seed: int,
) -> tuple[Classifier, dict[str, int]]:
    """Copy every parameter of a classifier but its token embeddings, and build those for another tokenizer.

    Special tokens keep their embedding. Embeddings that the method leaves out are drawn from a normal distribution with
    the mean and the deviation of the source's embeddings.

    Args:
        source: the teacher.
        tokenizer: of the new language.
        source_vectors: `token_vectors` of the teacher's tokenizer, [source tokens, dim].
        other_vectors: vectors of the new tokens in the same space, [new tokens, dim].
        translations: what is known of the new language's words.
        settings: the section `transplant` of params.yaml, with the method, one of `INITIALISATIONS`.
        seed: of the draws.

    Returns:
        The new classifier, and how many tokens were copied, mixed and drawn.
    """
    # Some models have more rows than tokens, to make the number of rows a multiple of 64.
    embeddings = source.model.get_input_embeddings().weight.detach()[: len(source_vectors)]
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(len(tokenizer), embeddings.shape[1], generator=generator) * embeddings.std(0) + embeddings.mean(
        0
    )
    tokens = Tokens(source.tokenizer, tokenizer, embeddings, source_vectors, other_vectors, translations)
    made = INITIALISATIONS[settings.method](tokens, settings)
    copied = {**made.copied, **special_tokens(source.tokenizer, tokenizer)}
    rows[made.mixed] = made.rows
    rows[list(copied)] = embeddings[list(copied.values())]
    mixed = len({*made.mixed.tolist()} - {*copied})

    counts = {"copied": len(copied), "mixed": mixed, "drawn": len(tokenizer) - len(copied) - mixed}
    return with_tokens(source, tokenizer, rows), counts


def with_tokens(source: Classifier, tokenizer: PreTrainedTokenizerFast, rows: Tensor) -> Classifier:
    """Copy a classifier with another tokenizer, and with its embeddings, [tokens, dim]."""
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
    return Classifier(model, tokenizer)
