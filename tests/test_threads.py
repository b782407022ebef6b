"""One reader, shared by threads, as a server shares it."""

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mlflow
import pytest
import torch
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server
from transformers import AlbertConfig, AutoModelForSequenceClassification, BertConfig, RobertaConfig, XLNetConfig

from crosswiki.bert.models import TEMPERATURE as SAVED_TEMPERATURE
from crosswiki.bert.models import Classifier, load_classifier, save_classifier
from crosswiki.serving.answers import TEMPERATURE, Reader, load_reader
from crosswiki.serving.encoding import load_encoder
from crosswiki.serving.registry import LOADER, signature_of_served
from tests.tiny import tiny_tokenizer_like, trio_texts

THREADS = 8


def make_classifier(folder: Path, kind: str = "bert") -> Path:
    """A classifier with random weights, of several topics, that reads 48 of 64 positions."""
    tokenizer = tiny_tokenizer_like(kind, trio_texts("en"))
    long = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    both = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id, "initializer_range": 0.4}
    labels = {"id2label": dict(enumerate("ABC")), "label2id": {topic: place for place, topic in enumerate("ABC")}}
    config = {
        "bert": lambda: BertConfig(**both, **long, **labels, max_position_embeddings=64),
        "roberta": lambda: RobertaConfig(**both, **long, **labels, max_position_embeddings=66),
        "albert": lambda: AlbertConfig(**both, **long, **labels, embedding_size=16, max_position_embeddings=64),
        "xlnet": lambda: XLNetConfig(**both, **labels, d_model=32, n_layer=2, n_head=4, d_inner=64),
    }[kind]()
    config.language = "en"
    tokenizer.model_max_length = 48
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForSequenceClassification.from_config(config)
    save_classifier(Classifier(model, tokenizer), folder)
    return folder


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return load_reader(make_classifier(tmp_path_factory.mktemp("threads") / "model"))


def requests(calls: int) -> Iterator[list[str]]:
    """Requests of one to four texts, short ones and ones that must be cut."""
    articles, dice = trio_texts("en"), random.Random(0)
    texts = [text[: dice.choice((20, 60, 3000))] for text in articles]
    for _ in range(calls):
        yield dice.sample(texts, dice.randint(1, 4))


@pytest.mark.parametrize("calls", [400, pytest.param(20_000, marks=pytest.mark.pipeline)])
def test_threads_that_share_a_reader_get_the_answers_of_one(reader: Reader, calls: int) -> None:
    distinct = list(requests(200))
    alone = [reader.answer(texts) for texts in distinct]
    places = [random.Random(calls).randrange(len(distinct)) for _ in range(calls)]
    with ThreadPoolExecutor(THREADS) as threads:
        together = list(threads.map(lambda place: reader.answer(distinct[place]), places))
    wrong = [place for place, answers in zip(places, together, strict=True) if answers != alone[place]]
    assert wrong == []
    assert len({answer.topic for answers in alone for answer in answers}) > 1


@pytest.mark.parametrize("kind", ["bert", "roberta", "albert", "xlnet"])
def test_token_ids_are_those_of_transformers(tmp_path: Path, kind: str) -> None:
    folder = make_classifier(tmp_path / kind, kind)
    tokenizer = load_classifier(folder).tokenizer
    texts = [*trio_texts("en")[:20], "", "one", "x" * 300, "[SEP] and <s>", "Ünïcode 🙂 中文"]
    theirs = tokenizer(texts, truncation=True, padding=True, return_token_type_ids=True)
    encoder = load_encoder(folder)
    ours = encoder.pad(encoder.encode(texts))
    assert ours["input_ids"].tolist() == theirs["input_ids"]
    assert ours["attention_mask"].tolist() == theirs["attention_mask"]
    assert ours["input_ids"].shape[1] == 48
    assert ("token_type_ids" in ours) == (kind == "xlnet")
    if kind == "xlnet":  # padding aside, which transformers gives a type of its own
        types = [
            [a for a, real in zip(*row, strict=True) if real]
            for row in zip(theirs["token_type_ids"], theirs["attention_mask"], strict=True)
        ]
        assert [
            [a for a, real in zip(*row, strict=True) if real]
            for row in zip(ours["token_type_ids"].tolist(), theirs["attention_mask"], strict=True)
        ] == types


def test_the_temperature_is_read_where_it_is_saved() -> None:
    assert TEMPERATURE == SAVED_TEMPERATURE


def test_below_the_probability_asked_for_there_is_no_topic(reader: Reader) -> None:
    texts = trio_texts("en")[:50]
    sure = reader.answer(texts)
    limit = sorted(answer.probability or 0 for answer in sure)[25]
    for before, after in zip(sure, reader.answer(texts, limit), strict=True):
        assert (after.probability, after.probabilities) == (before.probability, before.probabilities)
        assert after.topic == (before.topic if before.probability is not None and before.probability >= limit else None)
    assert sum(answer.topic is None for answer in reader.answer(texts, limit)) == 25


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"inputs": None}, "Expected input to be DataFrame. Found: NoneType"),
        ({"inputs": 5}, "a list of texts is needed, or a table with the column text"),
        ({"inputs": {"title": ["a"]}}, "a list of texts is needed, or a table with the column text"),
        ({"inputs": [5]}, "text 1 of 1: a string is needed; found int '5'"),
        ({"inputs": [["a", "b"], ["c", "d"]]}, "text 1 of 2: a string is needed; found list \"['a', 'b']\""),
        ({"dataframe_records": [{"text": "a"}, {"text": 5}]}, "text 2 of 2: a string is needed; found int '5'"),
        ({"inputs": ["a"], "params": {"abstain": 1.5}}, "abstain: found 1.5; a probability from 0 to 1 is needed"),
        (None, "The input must be a JSON dictionary"),
    ],
)
def test_a_wrong_body_says_what_is_wrong(served: Any, body: Any, words: str) -> None:
    with pytest.raises(MlflowException) as refused:
        ask(served, body)
    assert refused.value.get_http_status_code() == 400
    assert words in refused.value.message.splitlines()[-1]


def test_a_request_names_the_probability_below_which_it_wants_no_topic(served: Any) -> None:
    body: dict[str, Any] = {"dataframe_records": [{"text": trio_texts("en")[0]}, {"text": None}]}
    sure, gap = ask(served, body)
    assert ask(served, {"inputs": [trio_texts("en")[0], None]}) == [sure, gap]
    assert sure["topic"] in "ABC"
    assert gap == {"topic": None, "probability": None, "probabilities": {}}
    [unsure, _] = ask(served, {**body, "params": {"abstain": 1.0}})
    assert unsure == {**sure, "topic": None}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The model as MLflow's server loads it, without the server."""
    folder = tmp_path_factory.mktemp("pyfunc")
    signature = signature_of_served()
    mlflow.pyfunc.save_model(
        str(folder / "served"),
        loader_module=LOADER,
        data_path=str(make_classifier(folder / "model")),
        signature=signature,
        pip_requirements=[],
    )
    return mlflow.pyfunc.load_model(str(folder / "served"))


def ask(served: Any, body: Any) -> Any:
    data = json.dumps(body).encode()
    answer = scoring_server.invocations(data, "application/json", served, served.metadata.get_input_schema())
    assert answer.status == 200
    return json.loads(answer.response)["predictions"]
