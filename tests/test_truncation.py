"""A saved classifier reads texts of any length in a program that does not ask its tokenizer to truncate."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex
from tokenizers.normalizers import Replace
from transformers import AutoTokenizer, pipeline

from crosswiki.bert.models import load_classifier
from crosswiki.bert.pretrained import load_pretrained
from crosswiki.bert.truncation import cut_long_texts, cut_pattern
from tests.test_threads import make_classifier
from tests.tiny import trio_texts

LONG = [
    " ".join(trio_texts("en")),
    "mot " * 2002,
    "x" * 5000,
    "incomprehensibilities " * 900,
    "北京" * 3000,
    "é?! " * 900,
]


@pytest.mark.parametrize("kind", ["bert", "roberta", "albert", "xlnet"])
def test_a_pipeline_reads_texts_of_any_length(tmp_path: Path, kind: str) -> None:
    folder = make_classifier(tmp_path / kind, kind)
    cut_long_texts(folder)
    cut_long_texts(folder)  # a second time changes nothing that can be seen
    classify = pipeline("text-classification", model=str(folder), device="cpu")
    assert {answer["label"] for answer in classify(LONG[:2])} <= set("ABC")
    if kind == "bert":  # letters that others spell by bytes make several tokens each
        assert len(classify(LONG)) == len(LONG)


@pytest.mark.parametrize("kind", ["bert", "roberta", "albert", "xlnet"])
def test_who_truncates_reads_what_was_read_before(tmp_path: Path, kind: str) -> None:
    folder = make_classifier(tmp_path / kind, kind)
    texts = [*LONG, *trio_texts("en"), "", "one"]
    before = load_classifier(folder).tokenizer(texts, truncation=True)["input_ids"]
    plain = repr(AutoTokenizer.from_pretrained(folder).backend_tokenizer.normalizer)
    cut_long_texts(folder)
    for tokenizer in (load_classifier(folder).tokenizer, load_pretrained(str(folder), ["A"], 0).tokenizer):
        assert tokenizer(texts, truncation=True)["input_ids"] == before
        assert repr(tokenizer.backend_tokenizer.normalizer) == plain


@given(st.text(min_size=0, max_size=300))
def test_as_many_letters_as_positions_remain(text: str) -> None:
    kept = Replace(Regex(cut_pattern(tokens=12, positions=52)), "").normalize_str(text)
    assert text.startswith(kept)
    assert len("".join(kept.split())) <= 50
    assert kept == text or len(kept) >= 10
