"""A multilingual source: its tokenizer and embeddings as they are, of which a language's text needs a part.

Most of a multilingual model is the embeddings of other languages' tokens. Without the tokens that the language's text
does not have, the model reads that text as before and is much smaller (Abdaoui et al. 2020, "Load What You Need").
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from crosswiki.bert.models import Classifier
from crosswiki.bert.tokenization import of_no_class
from crosswiki.bert.transplantation import with_tokens

BATCH = 1000  # texts that are divided at once


def keep_vocabulary(source: Classifier, texts: Sequence[str], most: int) -> tuple[Classifier, dict[str, int]]:
    """Copy a classifier without the tokens that some texts do not have.

    Args:
        source: of several languages.
        texts: in one language; what the new classifier says of them is what the source says.
        most: tokens that are kept, the most frequent first; special tokens and single letters are kept in addition.

    Returns:
        The smaller classifier, and how many tokens were copied, mixed (none) and drawn (none).
    """
    kept = tokens_of(source.tokenizer, texts, most)
    rows = source.model.get_input_embeddings().weight.detach()[kept]
    made = with_tokens(source, cut_tokenizer(source.tokenizer, kept), rows)
    return made, {"copied": len(kept), "mixed": 0, "drawn": 0}


def tokens_of(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], most: int) -> list[int]:
    """The ids of the tokens that some texts need, in ascending order: special tokens first where they were first.

    The letters of tokens that the texts have are kept as tokens by themselves, for words to come.
    """
    counts = Counter[int]()
    for start in range(0, len(texts), BATCH):
        rows = tokenizer(list(texts[start : start + BATCH]), add_special_tokens=False, return_attention_mask=False)
        for row in rows["input_ids"]:
            counts.update(row)
    ids, model = tokenizer.get_vocab(), _state(tokenizer)["model"]
    names = {place: token for token, place in ids.items()}
    chosen = {names[place] for place, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]}
    prefix = model.get("continuing_subword_prefix") or ""
    letters = {letter for token in chosen for letter in token}
    every = model["type"] == "BPE"  # its letters may be bytes, of which any text is made
    chosen |= {token for token in ids if len(token) == 1 and (every or token in letters)}
    chosen |= {token for token in ids if prefix and len(token) == len(prefix) + 1 and token[-1] in letters}
    chosen |= {*tokenizer.get_added_vocab(), *tokenizer.all_special_tokens}
    if model["type"] == "Unigram":
        chosen.add(names[model["unk_id"]])
    elif model.get("unk_token"):
        chosen.add(model["unk_token"])
    return sorted(ids[token] for token in _with_parts(chosen, model) if token in ids)


def cut_tokenizer(tokenizer: PreTrainedTokenizerFast, kept: Sequence[int]) -> PreTrainedTokenizerFast:
    """The tokenizer with some of its tokens, which are numbered anew in their order: WordPiece, BPE or unigram."""
    state, new = _state(tokenizer), {old: place for place, old in enumerate(kept)}
    model = state["model"]
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][place] for place in kept if place < len(model["vocab"])]
        model["unk_id"] = new[model["unk_id"]]
    else:
        model["vocab"] = {token: new[place] for token, place in model["vocab"].items() if place in new}
    if "merges" in model:
        known = model["vocab"]
        model["merges"] = [
            merge for merge in model["merges"] if {*_parts(merge), "".join(_parts(merge))} <= known.keys()
        ]
    for token in state["added_tokens"]:
        token["id"] = new[token["id"]]
    _renumber(state["post_processor"], new)
    return of_no_class(tokenizer, Tokenizer.from_str(json.dumps({**state, "truncation": None, "padding": None})))


def _with_parts(tokens: set[str], model: dict[str, Any]) -> set[str]:
    """The tokens, and those that BPE makes them from."""
    made_from: dict[str, list[str]] = defaultdict(list)
    for merge in model.get("merges", ()):
        made_from["".join(_parts(merge))] += _parts(merge)
    found, waiting = set(tokens), list(tokens)
    while waiting:
        parts = [part for part in made_from.get(waiting.pop(), ()) if part not in found]
        found |= {*parts}
        waiting += parts
    return found


def _parts(merge: str | list[str]) -> list[str]:
    return merge.split(" ") if isinstance(merge, str) else merge


def _renumber(processor: dict[str, Any] | None, new: dict[int, int]) -> None:
    """Write the special tokens' new ids into what puts them around a text."""
    if processor is None:
        return
    for inner in processor.get("processors", ()):
        _renumber(inner, new)
    for token in (processor.get("special_tokens") or {}).values():
        token["ids"] = [new[place] for place in token["ids"]]
    for part in ("sep", "cls"):
        if part in processor:
            processor[part] = [processor[part][0], new[processor[part][1]]]


def _state(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    return state
