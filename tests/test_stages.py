"""Operations by formula, as torch counts them."""

import numpy
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertForSequenceClassification

from benchmarks.stages import TRAINING, Encoder, alignment_operations, markdown, skipgram_operations
from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.alignment import Pairs, align, precision, translate
from crosswiki.pipeline.parameters import load_parameters
from tests.tiny import ROOT
from tests.words import seeded


def test_an_encoder_has_the_operations_that_torch_counts() -> None:
    config = BertConfig(
        vocab_size=50, hidden_size=24, num_hidden_layers=3, num_attention_heads=3, intermediate_size=40, num_labels=5
    )
    config._attn_implementation = "eager"
    model = BertForSequenceClassification(config)
    texts = torch.randint(5, 50, (4, 17), generator=seeded(1))
    expected = Encoder(3, 24, 40, 5).operations(numpy.full(4, 17))
    with FlopCounterMode(display=False) as read:
        logits = model(texts).logits
    assert read.get_total_flops() == expected
    with FlopCounterMode(display=False) as trained:
        model(texts).logits.sum().backward()
    assert trained.get_total_flops() == TRAINING * expected
    assert logits.shape == (4, 5)


def test_an_alignment_has_the_operations_that_torch_counts() -> None:
    settings = load_parameters(ROOT / "params.yaml").align.model_copy(update={"refinement_words": 40})
    source, other = (torch.nn.functional.normalize(torch.randn(n, 8, generator=seeded(n)), dim=1) for n in (70, 90))
    seeds = Pairs(torch.arange(20), torch.arange(20))
    with FlopCounterMode(display=False) as counted:
        fit = align(source, other, seeds, torch.ones(20), settings.refinement_rounds, 40, 5)
        mapped = other @ fit.mapping
        translate(source, mapped, 5)
        for keys, queries in ((source, mapped), (mapped, source)):
            precision(keys, queries, seeds, 5, (1,))
    expected = alignment_operations(70, 90, 8, fit.rounds, settings)
    assert expected <= counted.get_total_flops() <= 1.5 * expected  # mapping and held-out words are left out


def test_twice_as_many_words_have_twice_the_operations() -> None:
    settings = load_parameters(ROOT / "params.yaml").skipgram.model_copy(update={"subsample": 0.0})
    few, many = (skipgram_operations(Vocabulary(("a", "b"), numpy.array([n, n])), settings) for n in (50, 100))
    assert many == 2 * few
    # 100 words, 16 contexts each, a positive and a noise row, 6 operations, 300 numbers, 20 epochs.
    assert few == pytest.approx(100 * 16 * 2 * 6 * 300 * 20)


def test_the_table_has_a_row_for_each_stage_and_the_whole() -> None:
    table = markdown(
        {"1": {"a": 2.0, "between stages": 1.0}, "2": {"a": 1.0, "b": 4.4, "between stages": 1.0}}, {"b": 3e12}
    )
    assert table.splitlines()[2:] == [
        "| a | 2 | 1 |  |",
        "| b |  | 4 | 3.00 |",
        "| between stages | 1 | 1 |  |",
        "| whole | 3 | 6 | 3.0 |",
    ]
