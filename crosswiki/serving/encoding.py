"""Texts to batches of token ids. Everything is set when the tokenizer is loaded, so threads may share it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from crosswiki.bert.truncation import remove_cut
from crosswiki.corpora.pairs import Text

Batch = dict[str, NDArray[numpy.int64]]  # input_ids, attention_mask and perhaps token_type_ids, each [texts, tokens]


@dataclass(frozen=True)
class Encoder:
    """A tokenizer that truncates, and what pads its rows.

    Attributes:
        tokenizer: with truncation to the length that the model was trained on.
        unknown: id of the unknown token; None where every text can be spelt, as by bytes.
        padding: id of the padding token.
        left: whether rows are padded on the left, as XLNet's are.
        typed: whether the model is given token types: those of a pair, and those of a single text are not all 0 in
            XLNet.
    """

    tokenizer: Tokenizer
    unknown: int | None
    padding: int
    left: bool
    typed: bool

    def encode(self, texts: Sequence[Text]) -> list[Encoding]:
        """The token ids of texts, truncated, with special tokens; of a pair, the longer text is cut first."""
        rows: list[Encoding] = self.tokenizer.encode_batch(list(texts))
        return rows

    def known(self, row: Encoding) -> float:
        """The share of a text's tokens that the model knows; 0 for a text without tokens."""
        ids = [token for token, special in zip(row.ids, row.special_tokens_mask, strict=True) if not special]
        return sum(token != self.unknown for token in ids) / len(ids) if ids else 0.0

    def pad(self, rows: Sequence[Encoding]) -> Batch:
        """Pad texts to a batch."""
        size = (len(rows), max(len(row) for row in rows))
        batch = {"input_ids": numpy.full(size, self.padding), "attention_mask": numpy.zeros(size, numpy.int64)}
        if self.typed:
            batch["token_type_ids"] = numpy.zeros(size, numpy.int64)
        for place, row in enumerate(rows):
            here = slice(-len(row), None) if self.left else slice(len(row))
            batch["input_ids"][place, here] = row.ids
            batch["attention_mask"][place, here] = 1
            if self.typed:
                batch["token_type_ids"][place, here] = row.type_ids
        return batch


def encoder_of(tokenizer: Tokenizer, settings: Mapping[str, Any], typed: bool = False) -> Encoder:
    """Set up a tokenizer.

    Args:
        tokenizer: changed: it truncates from now on.
        settings: model_max_length, pad_token and unk_token; padding_side and truncation_side where they are "left".
        typed: whether the model tells the texts of a pair apart by token types.
    """
    tokenizer.no_padding()
    tokenizer.enable_truncation(settings["model_max_length"], direction=settings.get("truncation_side", "right"))
    return Encoder(
        tokenizer,
        unknown=tokenizer.token_to_id(settings["unk_token"]) if settings.get("unk_token") else None,
        padding=tokenizer.token_to_id(settings["pad_token"]) or 0,
        left=settings.get("padding_side") == "left",
        typed=typed or any(tokenizer.encode("").type_ids),
    )


def load_encoder(folder: Path) -> Encoder:
    """Load a tokenizer without transformers, from tokenizer.json, tokenizer_config.json and the model's config.json."""
    settings, config = (
        json.loads((folder / name).read_text(encoding="utf-8")) for name in ("tokenizer_config.json", "config.json")
    )
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    remove_cut(tokenizer)
    typed = bool(config.get("pairs")) and "token_type_ids" in settings.get("model_input_names", ())
    return encoder_of(tokenizer, settings, typed)
