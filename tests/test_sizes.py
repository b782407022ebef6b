"""What is counted of a classifier, and the numbers of labels that the baseline climbs."""

from itertools import pairwise

import pandas
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score
from transformers import BertConfig, BertForSequenceClassification

from crosswiki.bert.models import Classifier
from crosswiki.evaluation.label_curve import label_counts, label_curve
from crosswiki.evaluation.scores import accuracy_and_macro_f1
from crosswiki.evaluation.sizes import size_of
from crosswiki.pipeline.parameters_of_measuring import Evaluate
from tests.tiny import tiny_tokenizer, trio_texts


def test_sizes_are_those_of_the_architecture() -> None:
    tokenizer = tiny_tokenizer(trio_texts("en"))
    tokenizer.model_max_length = tokens = 48
    width, inner, layers, topics = 32, 64, 3, 4
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=inner,
        num_labels=topics,
    )
    with torch.random.fork_rng():
        model = BertForSequenceClassification(config)
    size = size_of(Classifier(model, tokenizer))
    assert size["layers"] == layers
    assert size["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert size["embedding_parameters"] == len(tokenizer) * width
    assert size["vocabulary"] == len(tokenizer)
    # Four square products and two with the inner layer for each token, two attention products; pooler and output.
    products = layers * tokens * (4 * width**2 + 2 * width * inner + 2 * tokens * width) + width**2 + width * topics
    assert size["gigaflops"] == pytest.approx(2 * products / 1e9, rel=0.02)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1, max_size=40))
def test_accuracy_and_macro_f1_are_sklearns(pairs: list[tuple[str, str]]) -> None:
    actual, said = ([pair[side] for pair in pairs] for side in (0, 1))
    occurring = sorted(set(actual))
    expected = (
        accuracy_score(actual, said),
        f1_score(actual, said, average="macro", labels=occurring, zero_division=0),
    )
    assert accuracy_and_macro_f1(actual, said) == pytest.approx(expected)


@given(st.integers(0, 10**6))
def test_label_counts_double_up_to_all(available: int) -> None:
    counts = label_counts(available)
    assert counts == sorted(set(counts))
    assert all(count >= 5 for count in counts)
    assert (counts[-1:] or [0]) == ([available] if available >= 5 else [0])
    assert all(2 * few <= many <= 2 * few + 1 for few, many in pairwise(counts))


def test_more_labels_make_the_baseline_better() -> None:
    words = {"sea": ["ship", "wave", "harbour", "sail"], "war": ["battle", "army", "siege", "truce"]}
    rows = [
        {"id": str(i), "concept": str(i), "topic": topic, "text": words[topic][i // 2 % 4], "split": split}
        for i, topic, split in [(i, ("sea", "war")[i % 2], "test" if i >= 160 else "train") for i in range(200)]
    ]
    params = Evaluate(bootstrap_resamples=100, confidence=0.95)
    curve = label_curve(pandas.DataFrame(rows), (1.0,), params, 1, str.split)
    assert curve["labels"].tolist() == [5, 10, 20, 40, 80, 160]
    assert curve["accuracy"].iloc[-1] == 1
    assert curve["accuracy"].iloc[0] < 1
    assert ((curve["accuracy_low"] <= curve["accuracy"]) & (curve["accuracy"] <= curve["accuracy_high"])).all()
