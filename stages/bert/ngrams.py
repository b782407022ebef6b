"""What a training teaches one token's embedding reaches the tokens that are spelled like it.

After fastText (Bojanowski et al. 2017, section 3.2), of changes in place of vectors: a token's embedding moves by
itself, and with each character n-gram that it has, so that words which no labelled text contains move too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy
import pyarrow.compute
import torch
from datasets import Dataset
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from stages.bert.models import Classifier
from stages.bert.tokenization import is_han

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LETTERS = range(3, 7)  # in an n-gram, the edges of a word counting as one each (section 3 of the paper)
HAN = range(1, 3)  # each of which is a word, or most of one


@contextmanager
def learning_by_ngrams(classifier: Classifier, texts: Dataset, speed: float) -> Iterator[None]:
    """While the block trains a classifier, let its token embeddings move by n-grams too; then, they are a table again.

    Args:
        classifier: whose embeddings learn; the whole table has moved when the block ends.
        texts: all that it will read, with the column input_ids: only n-grams of tokens in there learn.
        speed: of n-grams, beside the embeddings' own; 0: nothing is changed.
    """
    layer = classifier.model.get_input_embeddings()
    if speed == 0 or len(texts) == 0:
        yield
        return
    read = pyarrow.compute.unique(pyarrow.compute.list_flatten(texts.data.column("input_ids"))).to_numpy()
    grams = spelled(classifier.tokenizer)
    grams = grams[:, numpy.unique(grams[read].indices)]
    layer.register_parameter("moves", nn.Parameter(torch.zeros(grams.shape[1], layer.embedding_dim)))
    # Adam's steps are of one size in all parameters, so that a factor outside them is a speed. As a parameter, it is
    # among what a training goes on by.
    layer.register_parameter("speed", nn.Parameter(torch.tensor(float(speed)), requires_grad=False))
    ids = torch.zeros(0)

    def moved(rows: "csr_array") -> Tensor:
        with torch.autocast(layer.moves.device.type, enabled=False):  # sparse products have no half precision
            product: Tensor = layer.speed * torch.sparse.mm(_tensor(rows).to(layer.moves), layer.moves)
        return product

    def remember(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        nonlocal ids
        ids = inputs[0]  # before a training gives them other numbers (`only_rows_read`)

    def move(_: nn.Module, __: tuple[Any, ...], embedded: Tensor) -> Tensor:
        tokens, places = ids.unique(return_inverse=True)
        return embedded + moved(grams[tokens.cpu().numpy()])[places].to(embedded.dtype)

    hooks = [layer.register_forward_pre_hook(remember), layer.register_forward_hook(move)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        with torch.no_grad():
            layer.weight[: grams.shape[0]] += moved(grams)  # a table may have rows to spare
        del layer.moves, layer.speed


def spelled(tokenizer: PreTrainedTokenizerFast) -> "csr_array":
    """The n-grams of all tokens: those of fastText, and of Chinese words single characters and pairs.

    Returns:
        Float32, rows of unit length in which all of a token's n-grams weigh the same, [tokens, n-grams]; special
        tokens have none.
    """
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import TfidfVectorizer

    names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    special = set(tokenizer.all_special_tokens)
    texts = ["" if name in special else tokenizer.convert_tokens_to_string([name]).removeprefix("##") for name in names]
    grams = TfidfVectorizer(analyzer=_ngrams, use_idf=False, binary=True, dtype=numpy.float32)
    return csr_array(grams.fit_transform(texts))


def _ngrams(token: str) -> list[str]:
    letters = token.strip().lower()
    lengths = HAN if is_han(letters) else LETTERS
    if letters and lengths is LETTERS:
        letters = f"<{letters}>"
    return [letters[start : start + n] for n in lengths for start in range(len(letters) - n + 1)]


def _tensor(rows: "csr_array") -> Tensor:
    entries = rows.tocoo()
    places = numpy.stack([entries.row, entries.col]).astype(numpy.int64)
    return torch.sparse_coo_tensor(
        torch.from_numpy(places), torch.from_numpy(entries.data), rows.shape, check_invariants=False
    )
