"""A saved tokenizer that cuts long texts by itself, for programs that do not ask it to truncate.

transformers' pipelines ask a tokenizer to truncate only with `truncation=True`, and switch off what tokenizer.json says
of it. Without it, a text of more tokens than the model has positions ends in an error. What they do not switch off is
the normaliser; so its first step drops the end of a text that may have too many tokens.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer
from tokenizers.normalizers import Normalizer, Replace, Sequence

from crosswiki.pipeline.ranks import rank

_END = r"\K.+"  # of the pattern: what stands before \K is kept
SPECIAL = 2  # tokens around a text
CLASS = "PreTrainedTokenizerFast"  # reads tokenizer.json as it is; BertTokenizer would set its own normaliser


def cut_pattern(tokens: int, positions: int) -> str:
    r"""A regular expression that matches what comes after the first pieces of a text.

    A piece is a sign or a run of letters and digits, of which so few are taken together that all pieces together have
    no more letters than the model has positions: a letter makes one token at most, but in byte-level BPE, where rare
    letters are several.

    Args:
        tokens: that the model was trained on, special tokens included: the number of pieces.
        positions: that the model has.
    """
    pieces = min(tokens, positions) - SPECIAL
    letters = max(1, (positions - SPECIAL) // pieces)
    return rf"(?m)\A(?>\s*(?>\w{{1,{letters}}}|[^\w\s])){{{pieces}}}" + _END


def positions_of(config: Mapping[str, Any]) -> int | None:
    """How many tokens a model can read at once, by its configuration; None: any number."""
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int) or positions <= 0:  # XLNet says -1
        return None
    if "roberta" in config["model_type"]:
        return positions - config["pad_token_id"] - 1  # it counts from there
    return positions


def cut_long_texts(folder: Path) -> None:
    """Make the tokenizer of a saved classifier cut long texts; nothing is done where a model has no last position."""
    if rank() > 0:  # transformers writes a model from rank 0 alone, so there is none here
        return
    config, settings = (json.loads((folder / name).read_text()) for name in ("config.json", "tokenizer_config.json"))
    positions = positions_of(config)
    if not positions:
        return
    tokenizer, tokens = Tokenizer.from_file(str(folder / "tokenizer.json")), settings["model_max_length"]
    if config.get("pairs"):  # each text gets half of what there is beside the separators, of which a pair has one more
        tokens, positions = ((room - SPECIAL - 1) // 2 + SPECIAL for room in (tokens, positions))
    cut = Replace(Regex(cut_pattern(tokens, positions)), "")
    tokenizer.normalizer = Sequence([cut, *_steps(tokenizer)])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings["tokenizer_class"] = CLASS
    text = json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")


def remove_cut(tokenizer: Tokenizer) -> None:
    """Remove the step that `cut_long_texts` has put there: who truncates sees more of a text of long words without."""
    steps = _steps(tokenizer)
    if not steps or _END not in repr(steps[0]):
        return
    rest = steps[1:]
    tokenizer.normalizer = rest[0] if len(rest) == 1 else Sequence(rest) if rest else None


def _steps(tokenizer: Tokenizer) -> list[Normalizer]:
    normaliser = tokenizer.normalizer
    if isinstance(normaliser, Sequence):
        return list(normaliser)  # type: ignore[call-overload]
    return [] if normaliser is None else [normaliser]
