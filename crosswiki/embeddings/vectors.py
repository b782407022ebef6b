"""Word vectors and their files: safetensors with a vocabulary, and word2vec's binary format for other programs."""

from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from crosswiki.corpora.vocabulary import Vocabulary, load_vocabulary, save_vocabulary
from crosswiki.pipeline.errors import UserError


@dataclass(frozen=True)
class WordVectors:
    """Words, their counts, and a vector for each."""

    vocabulary: Vocabulary
    vectors: Tensor  # float32, [vocabulary, dim]


def save_vectors(words: WordVectors, folder: Path) -> None:
    """Write vectors.safetensors, vocabulary.tsv and vectors.bin into a folder.

    `gensim.models.KeyedVectors.load_word2vec_format(folder / "vectors.bin", binary=True)` opens the last one.
    """
    save_file({"vectors": words.vectors.contiguous()}, folder / "vectors.safetensors")
    save_vocabulary(words.vocabulary, folder / "vocabulary.tsv")
    matrix = words.vectors.numpy().astype("<f4")
    with (folder / "vectors.bin").open("wb") as file:
        file.write(f"{matrix.shape[0]} {matrix.shape[1]}\n".encode())
        for word, row in zip(words.vocabulary.words, matrix, strict=True):
            file.write(word.encode() + b" " + row.tobytes() + b"\n")


def load_vectors(folder: Path) -> WordVectors:
    """Read what `save_vectors` wrote.

    Raises:
        UserError: there is no such file.
    """
    path = folder / "vectors.safetensors"
    if not path.is_file():
        raise UserError(f"{path}: no such file: run the stage that makes it first (dvc repro)")
    with safe_open(path, framework="pt") as tensors:
        return WordVectors(load_vocabulary(folder / "vocabulary.tsv"), tensors.get_tensor("vectors"))


def unit(vectors: Tensor) -> Tensor:
    """Scale rows to length 1; rows of zeros stay."""
    return vectors / vectors.norm(dim=1, keepdim=True).clamp(min=1e-12)


def word_frequency(vocabulary: Vocabulary) -> Tensor:
    """Each word's share of all counts, float32, [vocabulary]."""
    return torch.from_numpy((vocabulary.counts / vocabulary.counts.sum()).astype(numpy.float32))
