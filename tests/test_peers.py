"""Frozen encoders: read out of packages as their papers and formats say, and compared with the transfer on pairs."""

import hashlib
import io
import json
import re
import struct
import unicodedata
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy
import pandas
import pytest
import torch
from numpy.typing import NDArray
from tokenizers.normalizers import NFKC
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel
from transformers.utils import sentencepiece_model_pb2_new as sentencepiece

from crosswiki.bert.pretrained import load_pretrained
from crosswiki.evaluation import encoders
from crosswiki.evaluation.encoders import SentenceEncoder, load_encoder
from crosswiki.evaluation.scores import difference, score
from crosswiki.pipeline.checked_yaml import check, read_yaml
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import read_json
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import Parameters
from crosswiki.pipeline.parameters_of_measuring import Encoder
from crosswiki.reporting.sentences import compared
from crosswiki.reporting.systems import systems_of
from tests.tiny import ROOT, make_tiny_model, results_alone, run, run_stages

CPU = torch.device("cpu")
TEXTS = ["the sea and the ships", "war", "a much longer text of the sea, of ships and of war " * 3]
PIECES = ["<unk>", "<s>", "</s>", "▁", *"abcdefghijklmnopqrstuvwxyz.", "▁the", "▁sea", "▁ship", "▁of", "▁war", "ar"]


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every machine computes in 32 bits here, as what is expected does."""
    monkeypatch.setattr(encoders, "half_precision", lambda device: False)


def packaged(index: Path, files: dict[str, bytes]) -> str:
    """Put a package with some files into the index; the model's name."""
    path = index / "tiny_encoder-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
        wheel.writestr("tiny_encoder-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-encoder\nVersion: 1.0")
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr("tiny_encoder-1.0.dist-info/WHEEL", tags)
        wheel.writestr("tiny_encoder-1.0.dist-info/RECORD", "")
    return f"wheel:tiny-encoder==1.0#sha256={hashlib.sha256(path.read_bytes()).hexdigest()}"


def encoder(model: str, prefix: str = "", tokens: int = 48) -> SentenceEncoder:
    return load_encoder(Encoder(model=model, prefix=prefix), "tiny", tokens, CPU)


# The Universal Sentence Encoder


def universal_weights() -> dict[str, NDArray[Any]]:
    """Random weights in the package's layout: embeddings of 8, branches of 4, dense layers of 6, vectors of 8."""
    generator = numpy.random.default_rng(0)

    def some(*shape: int) -> NDArray[numpy.float32]:
        return (generator.standard_normal(shape) * 0.5).astype(numpy.float32)

    rows = -(-len(PIECES) // 3)
    blocks = {f"q{i}": generator.integers(0, 64, (rows, 8)).astype(numpy.uint8) for i in (1, 2, 3)}
    branches: dict[str, NDArray[Any]] = {}
    for n in (2, 3, 5):
        branches |= {f"proj{n}": some(8, 4), f"proj_b{n}": some(4), f"ln_g{n}": some(4), f"ln_b{n}": some(4)}
        branches |= {f"w{layer}_{n}": some(4 * n, 4) for layer in (1, 2)}
        branches |= {f"b{layer}_{n}": some(4) for layer in (1, 2)}
    dense = {"cnn_W": some(20, 8), "cnn_b": some(8), "d0": some(8, 6), "d1": some(6, 6), "p1": some(8, 6)}
    dense |= {"d2": some(6, 8), "p3": some(6, 8), "d3": some(8, 8), "ln_g": some(20), "ln_b": some(20)}
    quantised = {"lo": some(3), "scale": abs(some(3)), "bits": numpy.array([6], dtype=numpy.int8)}
    return {**blocks, **branches, **dense, **quantised, "eps": numpy.array(1e-12)}


def universal_encoder(weights: dict[str, NDArray[Any]]) -> dict[str, bytes]:
    model = sentencepiece.ModelProto()
    for place, piece in enumerate(PIECES):
        model.pieces.add(piece=piece, score=-1.0 if len(piece) > 2 else -4.0, type=2 if place == 0 else 1)
    file = io.BytesIO()
    numpy.savez(file, **weights)
    return {"use/resources/sp.model": model.SerializeToString(), "use/resources/weights.npz": file.getvalue()}


def normal(row: NDArray[Any], gain: NDArray[Any], shift: NDArray[Any]) -> NDArray[Any]:
    return (row - row.mean()) / numpy.sqrt(row.var() + 1e-12) * gain + shift


def relu(row: NDArray[Any]) -> NDArray[Any]:
    return numpy.maximum(row, 0)


def expected_vector(ids: list[int], weights: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """One text by itself, token by token, in 64 bits."""
    w = {name: value.astype(numpy.float64) for name, value in weights.items()}
    embedded = [w[f"q{i % 3 + 1}"][i // 3] * w["scale"][i % 3] + w["lo"][i % 3] for i in ids]
    gain, shift = (numpy.concatenate([w[f"{name}{n}"] for n in (2, 3, 5)]) for name in ("ln_g", "ln_b"))
    joint = [
        normal(numpy.concatenate([e @ w[f"proj{n}"] + w[f"proj_b{n}"] for n in (2, 3, 5)]), gain, shift)
        for e in embedded
    ]
    branches = []
    for place, n in enumerate((2, 3, 5)):
        states = [row[4 * place : 4 * place + 4] for row in joint]
        for layer in (1, 2):
            windows = [
                numpy.concatenate(
                    [
                        states[t + o] if 0 <= t + o < len(ids) else numpy.zeros(4)
                        for o in range(-((n - 1) // 2), n - (n - 1) // 2)
                    ]
                )
                for t in range(len(ids))
            ]
            states = [
                state + relu(window @ w[f"w{layer}_{n}"] + w[f"b{layer}_{n}"])
                for state, window in zip(states, windows, strict=True)
            ]
        branches.append(states)
    seen = [
        normal(numpy.concatenate([e, *(states[t] for states in branches)]), w["ln_g"], w["ln_b"])
        for t, e in enumerate(embedded)
    ]
    mean = sum(row @ w["cnn_W"] + w["cnn_b"] for row in seen) / numpy.sqrt(len(ids))
    first = relu(mean @ w["d0"])
    second = relu(mean @ w["p1"] + first @ w["d1"])
    third = relu(second @ w["d2"])
    vector = numpy.tanh(second @ w["p3"] + third @ w["d3"])
    return vector / numpy.linalg.norm(vector)


def test_universal_encoder_is_read_out_of_its_package(index: Path) -> None:
    weights = universal_weights()
    model = packaged(index, universal_encoder(weights))
    found = encoder(model)
    ids = found.tokens(["the sea  war", "ships"])
    assert [[PIECES[i] for i in row] for row in ids] == [
        ["<s>", "▁the", "▁sea", "▁war", "</s>"],
        ["<s>", "▁ship", "s", "</s>"],
    ]
    vectors = found.encode(TEXTS, "test")
    for text, vector in zip(TEXTS, vectors, strict=True):
        assert vector == pytest.approx(expected_vector(found.tokens([text])[0], weights), abs=1e-5)
    assert found.parameters == sum(value.size for name, value in weights.items() if name != "bits")
    assert len(encoder(model, tokens=10).tokens([TEXTS[2]])[0]) == 10


# 4-bit weights


def on_the_grid(shape: torch.Size, generator: numpy.random.Generator) -> tuple[NDArray[numpy.float32], bytes]:
    """Weights that 4 bits can say, and their blocks."""
    values, blocks = [], b""
    for _ in range(shape.numel() // 32):
        scale = numpy.float16(generator.uniform(0.01, 0.03))
        nibbles = generator.integers(0, 16, 32)
        blocks += scale.tobytes() + bytes(
            int(low) | int(high) << 4 for low, high in zip(*nibbles.reshape(2, 16), strict=True)
        )
        values.append((nibbles - 8) * numpy.float32(scale))
    return numpy.concatenate(values).astype(numpy.float32).reshape(shape), blocks


SHORT = {
    "weight": "w", "bias": "b", "embeddings.word_embeddings.weight": "emb.word", "embeddings.LayerNorm": "emb.ln",
    "embeddings.position_embeddings.weight": "emb.pos", "embeddings.token_type_embeddings.weight": "emb.type",
    "attention.self.query": "q", "attention.self.key": "k", "attention.self.value": "v",
    "attention.output.dense": "ao", "attention.output.LayerNorm": "aln", "intermediate.dense": "fi",
    "output.dense": "fo", "output.LayerNorm": "oln",
}  # fmt: skip


def short(name: str) -> str:
    if name in SHORT:
        return SHORT[name]
    head, kind = name.rsplit(".", 1)
    if head in SHORT:
        return f"{SHORT[head]}.{SHORT[kind]}"
    layer, part = head.removeprefix("encoder.layer.").split(".", 1)
    return f"l{layer}.{SHORT[part]}.{SHORT[kind]}"


def packed_model() -> tuple[bytes, dict[str, NDArray[numpy.float32]]]:
    """A file of the format with a BERT of two layers, and its weights."""
    generator = numpy.random.default_rng(1)
    pieces = ["<s>", "<pad>", "</s>", *PIECES[:1], *PIECES[3:], "<mask>"]
    config = BertConfig(
        vocab_size=len(pieces) + 1, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=40,
    )  # fmt: skip
    shapes = {n: t.shape for n, t in BertModel(config, add_pooling_layer=False).state_dict().items()}
    four_bits = {n for n in shapes if len(shapes[n]) == 2 and "position" not in n and "token_type" not in n}
    weights, contents = {}, []
    for name, shape in shapes.items():
        if name in four_bits:
            weights[name], content = on_the_grid(shape, generator)
        else:
            weights[name] = generator.uniform(0.1, 1, shape).astype(numpy.float32)
            content = weights[name].tobytes()
        contents.append((short(name), int(name in four_bits), shape.numel(), content))
    letters = [piece.encode() for piece in pieces]
    ends = numpy.cumsum([0, *map(len, letters)]).astype("<u4").tobytes()
    scores = numpy.array([-1.0 if len(piece) > 2 else -4.0 for piece in pieces], dtype="<f4").tobytes()
    mapped = {9: " ", 7: "", 0x200B: " "} | {c: unicodedata.normalize("NFKC", chr(c)) for c in (0xFF41, 0xFB01)}
    entries = b"".join(
        struct.pack("<IB", letter, len(became)) + struct.pack(f"<{len(became)}I", *map(ord, became))
        for letter, became in sorted(mapped.items())
    )
    head = b"E5S1" + struct.pack("<8ifi", 1, 32, 2, 4, 64, len(pieces) + 1, 40, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, sum(map(len, letters))) + ends + scores + b"".join(letters)
    head += struct.pack("<iI", len(mapped), len(entries)) + entries + struct.pack("<i", len(contents))
    place = len(head) + sum(2 + len(name) + 1 + 4 + 8 + 8 for name, *_ in contents)
    table = body = b""
    for name, kind, count, content in contents:
        table += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, count, place, len(content))
        place += len(content)
        body += content
    return head + table + body, weights


def test_four_bits_become_a_model_of_transformers(index: Path) -> None:
    content, weights = packed_model()
    model = packaged(index, {"nano/longer-name.bin": content[:99], "nano/model.bin": content, "nano/x.bin": b"SAE1"})
    classifier = load_pretrained(model, ["a", "b"], seed=1)
    state = classifier.model.state_dict()
    for name, value in weights.items():
        assert torch.equal(state[f"bert.{name}"], torch.tensor(value)), name
    tokenizer = classifier.tokenizer
    assert tokenizer.convert_ids_to_tokens(tokenizer("the\tsea\a ａ\u200b  war").input_ids) == [
        *("<s>", "▁the", "▁sea", "▁", "a", "▁war", "</s>")
    ]
    assert (tokenizer.pad_token, tokenizer.mask_token, tokenizer.model_max_length) == ("<pad>", "<mask>", 40)
    assert NFKC().normalize_str("ﬁ") == "fi"
    assert tokenizer.convert_ids_to_tokens(tokenizer("ﬁ").input_ids) == ["<s>", "▁", "f", "i", "</s>"]

    config = classifier.model.config
    bert = BertModel(config, add_pooling_layer=False).eval()
    bert.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    ids = torch.tensor([tokenizer("query: the sea").input_ids])
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(bert(ids).last_hidden_state.mean(1))[0]
    found = encoder(model, "query: ")
    assert found.encode(["war of the sea", "the sea"], "test")[1] == pytest.approx(expected.numpy(), abs=1e-5)
    assert found.megabytes == pytest.approx(len(content) / 1e6)


# Models of transformers


def test_a_models_vector_is_the_mean_of_its_last_hidden_states(tmp_path: Path) -> None:
    make_tiny_model(tmp_path, deviation=0.5)
    model, tokenizer = AutoModel.from_pretrained(tmp_path).eval(), AutoTokenizer.from_pretrained(tmp_path)
    found = encoder(str(tmp_path), "query: ", tokens=20)
    vectors = found.encode(TEXTS, "test")
    for text, vector in zip(TEXTS, vectors, strict=True):
        inputs = tokenizer("query: " + text, truncation=True, max_length=20, return_tensors="pt")
        with torch.inference_mode():
            expected = torch.nn.functional.normalize(model(**inputs).last_hidden_state.mean(1))[0]
        assert vector == pytest.approx(expected.numpy(), abs=1e-5)
    assert not numpy.allclose(vectors, encoder(str(tmp_path), "", tokens=20).encode(TEXTS, "test"), atol=1e-3)
    assert found.parameters == sum(tensor.numel() for tensor in model.parameters())
    assert found.megabytes == pytest.approx(4 * found.parameters / 1e6)
    assert encoder(str(tmp_path), tokens=1000).encode([TEXTS[2] * 9], "test").shape == (1, 32)  # it has 64 positions


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        ("./no such folder", ("no such folder",)),
        ("wheel:tiny-encoder==1.0", ("wheel:name==version#sha256=digest",)),
        (f"wheel:tiny-encoder==2.0#sha256={'0' * 64}", ("tiny-encoder==2.0", "pip cannot fetch it")),
    ],
)
def test_a_model_that_is_not_there_is_one_line(index: Path, model: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as caught:
        encoder(model)
    assert all(part in str(caught.value) for part in parts) and "\n" not in str(caught.value)


def test_a_package_without_a_model_is_one_line(index: Path) -> None:
    with pytest.raises(UserError, match=r"params.yaml: peers.encoders.tiny.model: .*no config.json in it, so no model"):
        encoder(packaged(index, {"tiny/readme.txt": b"nothing"}))


@pytest.mark.parametrize(
    ("encoders", "message"),
    [
        ({"E5": {"model": "x"}}, "peers.encoders.E5"),
        ({"e5": {"prefix": "query: "}}, "peers.encoders.e5.model: missing"),
        ({"e5": {"model": "x", "tokens": 3}}, "peers.encoders.e5.tokens: unknown key; allowed here: model, prefix"),
    ],
)
def test_an_encoder_that_is_not_as_it_should_be_is_named(encoders: dict[str, Any], message: str) -> None:
    values = read_yaml(ROOT / "params.yaml")
    values["peers"]["encoders"] = encoders
    with pytest.raises(UserError, match=re.escape(message)):
        check(Parameters, values, Path("params.yaml"))


# Who is ahead


def test_a_difference_is_taken_on_the_same_resamples() -> None:
    generator = numpy.random.default_rng(3)
    actual = generator.choice(list("abc"), 60).tolist()
    first = [topic if generator.random() < 0.8 else "a" for topic in actual]
    second = [topic if generator.random() < 0.6 else "b" for topic in actual]
    concepts = [f"Q{i // 2:02}" for i in range(60)]  # two texts on each
    found = difference(actual, first, second, concepts, 200, 0.9, seed=5)
    right = [numpy.array([a == p for a, p in zip(actual, said, strict=True)]) for said in (first, second)]
    drawn, resampling = [], numpy.random.default_rng(5)
    for _ in range(200):
        chosen = resampling.integers(0, 30, 30)
        rows = numpy.concatenate([2 * chosen, 2 * chosen + 1])
        drawn.append(right[0][rows].mean() - right[1][rows].mean())
    assert found["accuracy"] == pytest.approx(right[0].mean() - right[1].mean(), abs=1e-6)
    low, high = numpy.quantile(drawn, (0.05, 0.95))
    assert (found["accuracy_low"], found["accuracy_high"]) == pytest.approx((low, high), abs=1e-6)
    scores = [score(actual, said, concepts, 200, 0.9, 5)["macro_f1"] for said in (first, second)]
    assert found["macro_f1"] == pytest.approx(scores[0] - scores[1], abs=2e-6)
    assert found["macro_f1_low"] <= found["macro_f1"] <= found["macro_f1_high"]


def test_a_system_is_not_ahead_of_itself() -> None:
    actual, said = list("abcabc"), list("abcccc")
    same = difference(actual, said, said, list("uvwxyz"), 100, 0.95, seed=1)
    assert set(same.values()) == {0.0}


def test_sentences_say_who_is_ahead_and_whether_by_chance() -> None:
    def ahead(by: float, low: float, high: float) -> dict[str, float]:
        return {"accuracy": by, "accuracy_low": low, "accuracy_high": high}

    evaluation = {
        "source": {"use": None},
        "target": {
            "use": {"accuracy": 0.841}
            | {"ahead_of": {"distilled": ahead(-0.03, -0.046, -0.014), "finetuned": ahead(0.002, -0.01, 0.015)}}
        },
        "test": {"use": {"accuracy": 0.9, "ahead_of": {"transplanted": ahead(0.021, 0.004, 0.038)}}},
    }
    names = {"source": "English", "target": "French", "test": "Spanish"}
    assert [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in compared(evaluation, names, ["use"])] == [  # type: ignore[arg-type]
        "In French, use is right on 84.1 %: 3.0 points behind Distilled (1.4 to 4.6, more than chance), "
        "and 0.2 points ahead of Fine-tuned (-1.0 to 1.5, which may be chance).",
        "In Spanish, use is right on 90.0 %: 2.1 points ahead of Transplanted (0.4 to 3.8, more than chance).",
    ]
    assert compared(evaluation, names, []) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("role", "labels"), [("source", 4000), ("target", 0), ("test", 0)])
def test_a_peer_has_seen_labels_of_the_sources_language_alone(role: Role, labels: int) -> None:
    names: dict[Role, str] = {"source": "English", "target": "French", "test": "Spanish"}
    table = systems_of(role, {role: {"use": None}}, names, 4000, {"use": "a folder"})
    assert table[["name", "labels"]].values.tolist() == [["use", labels]]


# In the pipeline


def test_peers_stand_beside_the_systems(finished: Path) -> None:
    sizes = read_json(finished / "metrics/sizes.json")
    model = AutoModel.from_pretrained(finished / "models/tiny")
    assert sizes["tiny"] == {
        "parameters": model.num_parameters(),
        "megabytes": round(4 * model.num_parameters() / 1e6, 6),
    }
    assert sizes["teacher"]["megabytes"] == pytest.approx(4 * sizes["teacher"]["parameters"] / 1e6)
    for role in ("source", "target", "test"):
        table = pandas.read_csv(finished / f"metrics/predictions/{role}.csv", dtype=str)
        peers = pandas.read_csv(finished / f"metrics/peers/{role}.csv", dtype=str)
        assert table["tiny"].tolist() == peers["tiny"].tolist() and table["id"].tolist() == peers["id"].tolist()
    page = (finished / "metrics/report.html").read_text(encoding="utf-8")
    assert "What people take instead" in page and "In Chinese, tiny is right on" in page
    assert "A frozen multilingual encoder (models/tiny)" in page


def test_a_name_that_a_system_has_is_refused_and_none_is_needed(finished: Path, tmp_path: Path) -> None:
    copy = results_alone(finished, tmp_path / "copy")
    params = (copy / "params.yaml").read_text(encoding="utf-8")
    (copy / "params.yaml").write_text(params.replace("    tiny:\n", "    distilled:\n"), encoding="utf-8")
    code = "import stages.peers as s; from crosswiki.pipeline.stage import run_stage; run_stage(s.main)"
    answer = run(copy, "python", "-c", code, status=2, CROSSWIKI_TRACKING="off")
    assert answer.stderr.strip() == (
        "params.yaml: peers.encoders: found 'distilled', which is taken: choose another name"
    )
    changed = params.replace('    tiny:\n      model: models/tiny\n      prefix: "query: "\n', "    null\n").replace(
        "    tiny:\n      model: models/tiny\n      prefix: 'query: '\n", "    null\n"
    )
    assert "null" in changed.partition("peers:")[2]
    (copy / "params.yaml").write_text(changed, encoding="utf-8")
    run_stages(copy, "peers", "evaluate", "report")
    assert "tiny" not in json.loads((copy / "metrics/evaluation.json").read_text())["target"]
    assert "What people take instead" not in (copy / "metrics/report.html").read_text(encoding="utf-8")
