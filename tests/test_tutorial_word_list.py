"""Chapter 8 of docs/tutorial.md: English labels, lines of Acehnese and a word list, to a served classifier."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas
import pytest
import torch
from safetensors.torch import load_file

from tests.tiny import clone, make_tiny_model, run
from tests.tutorial import following, said_to

SENTIMENTS = {"negative", "neutral", "positive"}
LOSS = {"adapt": 0.0, "distill": 0.2}  # that a step may cost


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory, warm: dict[str, str]) -> Iterator[tuple[Path, dict[str, str]]]:
    folder = clone(tmp_path_factory.mktemp("reviews"))
    make_tiny_model(folder / "models" / "tiny", tokens=128)  # as many as the chapter has it read
    with following(folder, warm, 8) as both:
        yield both


def test_the_list_is_looked_at(followed: tuple[Path, dict[str, str]]) -> None:
    _, said = followed
    looked = said_to(said, "crosswiki new")
    assert "word list of en and ace, 66 pairs" in looked
    assert "knows    100% of the texts' running words" in looked


def test_the_gloss_is_what_the_list_says(followed: tuple[Path, dict[str, str]]) -> None:
    _, said = followed
    answer = json.loads(said_to(said, "crosswiki predict"))
    assert answer["gloss"] == "coffee this not tasty."
    assert answer["topic"] in SENTIMENTS
    served = json.loads(said_to(said, "curl"))["predictions"]
    assert [one["topic"] in SENTIMENTS for one in served] == [True, True]


def test_answers_are_adjusted_to_the_reviews_shares_and_predict_adjusts_as_evaluate_does(
    followed: tuple[Path, dict[str, str]],
) -> None:
    folder, _ = followed
    change = json.loads((folder / "models/shares/target.json").read_text())
    assert set(change) == SENTIMENTS
    biases = [
        load_file(folder / f"models/{name}/model.safetensors")["classifier.bias"]
        for name in ("source", "transplanted/target", "adapted")
    ]
    assert not torch.equal(biases[0], biases[1])
    assert torch.equal(biases[1], biases[2])  # frozen
    predictions = pandas.read_csv(folder / "metrics/predictions/target.csv", dtype=str)
    articles = pandas.read_parquet(folder / "data/prepared/target/articles.parquet").set_index("id")
    texts = articles.loc[predictions["id"], "text"].tolist()
    said = run(folder, "python", "-m", "crosswiki", "predict", "--gloss", *texts).stdout.splitlines()
    assert [json.loads(line)["topic"] for line in said] == predictions["glossed"].tolist()


def test_steps_are_judged_by_english_labels_in_acehnese_words(followed: tuple[Path, dict[str, str]]) -> None:
    folder, _ = followed
    for name in ("adapt", "distill"):
        judged = json.loads((folder / f"metrics/{name}.json").read_text())
        assert 0 <= judged["carried_accuracy_before"] <= 1
        assert judged["kept"] == (judged["carried_accuracy_after"] >= judged["carried_accuracy_before"] - LOSS[name])


def test_what_nobody_can_measure_is_null_with_a_reason(followed: tuple[Path, dict[str, str]]) -> None:
    folder, _ = followed
    evaluation = json.loads((folder / "metrics/evaluation.json").read_text())
    assert set(evaluation) == {"source", "target", "unmeasured", "estimated_accuracy"}
    assert {"glossed", "transplanted", "distilled", "finetuned"} <= set(evaluation["target"])
    assert set(evaluation["target"].values()) == {None}
    assert evaluation["unmeasured"]["target"]
    assert 0 <= evaluation["estimated_accuracy"]["target"]["glossed"] <= 1
    card = (folder / "metrics/model_card.md").read_text()
    assert "It has not been measured" in card
    assert "The word list en-ace.tsv is part of it too" in card
    assert "encyclopedia" not in card
