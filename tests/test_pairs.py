"""Texts in pairs: what a tokenizer makes of them, who learns from them, and every way that they are read."""

import json
import random
from pathlib import Path
from typing import Any

import mlflow
import numpy
import pandas
import pyarrow.parquet
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from transformers import pipeline

from crosswiki.bert import classification
from crosswiki.bert.adaptation import encode_parallel, linked_articles, parallel_padding, parallel_texts
from crosswiki.bert.classification import encode, padding, predict_logits
from crosswiki.bert.distillation import pair_articles
from crosswiki.bert.models import Classifier, load_classifier, read_pairs, save_classifier
from crosswiki.bert.truncation import cut_long_texts
from crosswiki.commands import export, predict
from crosswiki.corpora.collect import Corpus, collect
from crosswiki.corpora.pairs import Text, each_side, sides_of, texts_of, with_texts
from crosswiki.corpora.text import segment
from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.vectors import WordVectors
from crosswiki.evaluation.linear import average_vectors, text_vectors, tfidf
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.parameters_of_models import RepresentationDistillation
from crosswiki.pipeline.parameters_of_words import Download
from crosswiki.pipeline.presets import FilesPreset, load_preset
from crosswiki.serving.answers import PAIRS, load_reader
from crosswiki.serving.encoding import load_encoder
from crosswiki.serving.pyfunc import ServedClassifier
from crosswiki.serving.registry import LOADER, signature_of_served
from stages import prepare
from tests.test_bulk import arguments, read
from tests.test_export import HEAVY, alone, arguments_of
from tests.test_new import new, project, table  # noqa: F401
from tests.test_threads import ask, make_classifier
from tests.tiny import ROOT, results_alone, run_stages, trio_texts

CPU = torch.device("cpu")
KINDS = ("bert", "roberta", "albert", "xlnet")
LONG = trio_texts("en")
PAIRED: list[tuple[str, str]] = [
    *zip(LONG[:6], LONG[6:12], strict=True),
    *[("the river", LONG[0]), (LONG[1], "a sea"), ("the river", "is wide"), ("", "a sea"), ("a [SEP] b", "c")],
]


def readable(folder: Path, kind: str) -> Classifier:
    """A saved classifier that reads pairs, in 48 tokens."""
    classifier = load_classifier(make_classifier(folder, kind))
    read_pairs(classifier)
    save_classifier(classifier, folder)
    return load_classifier(folder)


@pytest.fixture(scope="module", params=KINDS)
def classifier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return readable(tmp_path_factory.mktemp("pairs") / request.param, request.param)


# Tokens


@pytest.mark.parametrize("tokens", [8, 24, 48])
def test_tokens_and_types_are_those_of_transformers(classifier: Classifier, tokens: int) -> None:
    options: dict[str, Any] = {"truncation": "longest_first", "max_length": tokens, "return_token_type_ids": True}
    rows = encode(PAIRED, classifier.tokenizer, tokens)
    expected = [classifier.tokenizer(*pair, **options) for pair in PAIRED]
    assert rows["input_ids"] == [one["input_ids"] for one in expected]
    assert rows["length"] == [len(one["input_ids"]) for one in expected]
    types = [one["token_type_ids"] for one in expected]
    assert rows["token_type_ids"] == types if "token_type_ids" in rows.column_names else not any(map(any, types))
    batch = padding(classifier.tokenizer)(list(rows))
    together = classifier.tokenizer.pad([dict(one) for one in expected], return_tensors="pt")
    for name, values in batch.items():
        assert torch.equal(values, together[name]), name


def test_of_a_pair_the_longer_text_is_cut_first(tmp_path: Path) -> None:
    tokenizer = readable(tmp_path, "bert").tokenizer
    short = tokenizer("the river", add_special_tokens=False)["input_ids"]
    [ids] = encode([("the river", " ".join(LONG))], tokenizer, 24)["input_ids"]
    assert ids[1 : 1 + len(short)] == short
    assert len(ids) == 24
    [ids] = encode([(" ".join(LONG), "the river")], tokenizer, 24)["input_ids"]
    assert ids[-1 - len(short) : -1] == short


def test_the_model_tells_a_pairs_texts_apart_in_any_batch(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classification, "half_precision", lambda device: False)
    texts: list[Text] = [*PAIRED, "the river", *[second for _, second in PAIRED[:3]]]
    together = predict_logits(classifier, texts, 40, CPU, "test")
    one_by_one = torch.cat([predict_logits(classifier, [text], 40, CPU, "test") for text in texts])
    torch.testing.assert_close(together, one_by_one, atol=1e-4, rtol=1e-4)
    tokenizer, model = classifier.tokenizer, classifier.model
    for text, logits in zip(texts, together, strict=True):
        sides = text if isinstance(text, tuple) else (text,)
        inputs = tokenizer(*sides, truncation="longest_first", max_length=40, return_tensors="pt")
        with torch.inference_mode():
            torch.testing.assert_close(model.eval()(**inputs).logits[0], logits, atol=1e-4, rtol=1e-4)
    turned = predict_logits(classifier, [(second, first) for first, second in PAIRED[:6]], 40, CPU, "test")
    assert (turned - together[:6]).abs().max(1).values.min() > 1e-3


def test_single_texts_are_read_as_if_there_were_no_pairs(tmp_path: Path) -> None:
    before = load_classifier(make_classifier(tmp_path / "single"))
    rows = encode(LONG, before.tokenizer, 24)
    assert rows.column_names == ["input_ids", "length"]
    assert set(padding(before.tokenizer)(list(rows))) == {"input_ids", "attention_mask"}
    assert PAIRS not in json.loads((tmp_path / "single/config.json").read_text())


def test_parallel_texts_may_be_pairs_on_either_side(tmp_path: Path) -> None:
    tokenizer = readable(tmp_path, "bert").tokenizer
    rows = encode_parallel([(PAIRED[0], PAIRED[1]), ("a", "b c")], tokenizer, tokenizer, 24)
    batch = parallel_padding(tokenizer, tokenizer)(list(rows))
    options: dict[str, Any] = {"truncation": True, "max_length": 24, "padding": True, "return_tensors": "pt"}
    for prefix, texts in (("source_", [PAIRED[0], "a"]), ("", [PAIRED[1], "b c"])):
        for name, values in tokenizer(texts, **options).items():
            assert torch.equal(batch[prefix + name], values), prefix + name


# Tables


texts = st.one_of(st.text(max_size=5), st.tuples(st.text(max_size=5), st.text(min_size=1, max_size=5)))


@settings(max_examples=30)
@given(st.lists(texts, max_size=8))
def test_a_change_of_each_side_keeps_what_belongs_together(given_texts: list[Text]) -> None:
    calls: list[list[str]] = []

    def upper(sides: list[str]) -> list[str]:
        calls.append(sides)
        return [f"<{side}>" for side in sides]

    assert each_side(given_texts, upper) == [
        tuple(f"<{side}>" for side in text) if isinstance(text, tuple) else f"<{text}>" for text in given_texts
    ]
    assert len(calls) == 1
    pairs = [text if isinstance(text, tuple) else (text, None) for text in given_texts]
    articles = pandas.DataFrame(pairs, columns=["text", "pair"], dtype=object)
    assert texts_of(articles) == given_texts
    assert texts_of(with_texts(articles, given_texts)) == given_texts
    assert sides_of(articles) == [one for one, _ in pairs] + [other for _, other in pairs if other is not None]
    assert texts_of(articles[["text"]]) == [one for one, _ in pairs]


def articles_of(rows: list[tuple[str, str, str | None]]) -> pandas.DataFrame:
    columns = ["concept", "text", "pair"]
    return pandas.DataFrame(rows, columns=columns, dtype=object).assign(split="train", topic="A", id="1")


def test_several_pairs_of_one_concept_are_nobodys_translation() -> None:
    source = articles_of([("p", "one", "two"), ("p", "one", "three"), ("q", "four", "five"), ("r", "six", None)])
    target = articles_of([("p", "un", "deux"), ("q", "quatre", "cinq"), ("r", "six", None), ("r", "VI", None)])
    assert linked_articles(source, target) == [(("four", "five"), ("quatre", "cinq")), ("six", "six")]
    paired = pair_articles(target, source)
    assert paired.texts == [("un", "deux"), ("quatre", "cinq"), "six", "VI"]
    assert paired.source_texts == [None, ("four", "five"), "six", "six"]
    assert paired.topics == [None, "A", "A", "A"]
    back = pair_articles(source, target)
    assert back.source_texts == [None, None, ("quatre", "cinq"), "six"]


def test_both_texts_of_a_pair_are_glossed() -> None:
    reading = RepresentationDistillation(
        steps=2,
        batch_size=3,
        learning_rate=1e-4,
        dropout=0.0,
        glossed_share=1.0,
        dictionary_share=0.0,
        max_entries=3,
    )
    source: list[Text] = [("one sea", "two"), "one"]
    found = parallel_texts([], source, {"one": "un", "two": "deux"}, [("a", "b")], reading, 1, "en")
    assert {*found} == {(("one sea", "two"), ("un sea", "deux")), ("one", "un")}


# Baselines


def test_a_linear_baseline_learns_whether_two_texts_have_a_word_in_common() -> None:
    """Which no sum of what the two texts say by themselves can tell."""
    dice, names = random.Random(0), [f"word{n}" for n in range(6)]
    pairs = [(dice.choice(names), dice.choice(names)) for _ in range(400)]
    labels = ["same" if first == second else "other" for first, second in pairs]
    machine = tfidf(pairs[:300], labels[:300], [1.0], str.split, "balanced")
    assert machine.predict(pairs[300:]).tolist() == labels[300:]
    apart = tfidf([" ".join(pair) for pair in pairs[:300]], labels[:300], [1.0], str.split, "balanced")
    assert apart.predict(["word1 word2"]).tolist() == ["other"]


def test_averaged_vectors_of_a_pair_are_both_their_difference_and_their_product() -> None:
    words = WordVectors(Vocabulary(["a", "b", "c"], numpy.array([3, 2, 1])), torch.randn(3, 4))
    table_of_pairs = articles_of([("1", "a b", "c"), ("2", "b", None)])
    found = text_vectors(table_of_pairs, str.split, words)
    u, v = (average_vectors([text.split() for text in side], words) for side in (["a b", "b"], ["c", ""]))
    assert numpy.array_equal(found, numpy.concatenate([u, v, numpy.abs(u - v), u * v], axis=1))
    assert numpy.array_equal(text_vectors(table_of_pairs[["text"]], str.split, words), u)


# Corpora


PREMISES = [f"the river number {n} flows to the Sea" for n in range(40)]


def rows_of_pairs() -> list[dict[str, str]]:
    return [
        {"id": f"{n}-{m}", "premise": premise, "hypothesis": f"It is ①{m} wide.", "label": label}
        for n, premise in enumerate(PREMISES)
        for m, label in enumerate(("yes", "no"))
    ]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def preset_of(path: Path, kind: str, **columns: str | None) -> FilesPreset:
    """A preset of one file, the task's or the corpus's own, for two languages."""
    named = {"id": "id", "text": "premise", "pair": "hypothesis", "topic": "label", **columns}
    if kind == "articles":
        named |= {"title": None}
    files = {language: [{"path": str(path), "columns": named}] for language in ("en", "fr")}
    return FilesPreset.model_validate({"kind": "files", "languages": {"source": "en", "target": "fr"}, kind: files})


def download(preset: FilesPreset, out: Path, bad: float = 0.01) -> pandas.DataFrame:
    limits = {"languages": dict.fromkeys(("source", "target", "test")), "max_articles": None}
    limits |= {"max_characters": 1000, "max_bad_records": bad}
    out.parent.mkdir(parents=True, exist_ok=True)
    collect(Corpus(preset, "en", "en"), Download.model_validate(limits), 1, out)
    return pandas.read_parquet(out)


@pytest.mark.parametrize("kind", ["articles", "labelled"])
def test_the_table_has_a_column_of_pairs_where_a_file_has(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    rows = rows_of_pairs()
    path = write_lines(tmp_path / "en.jsonl", rows)
    found = download(preset_of(path, kind), tmp_path / "articles.parquet")
    assert found[["text", "pair", "topic"]].to_numpy().tolist() == [
        [row["premise"], row["hypothesis"], row["label"]] for row in rows
    ]
    if kind == "labelled":  # where the file names no concept, that is the first text, as it is of both of its pairs
        assert found["concept"].nunique() == len(PREMISES)
    single = download(preset_of(path, kind, pair=None), tmp_path / "articles.parquet")
    assert "pair" not in single


@pytest.mark.parametrize("kind", ["articles", "labelled"])
@pytest.mark.parametrize("row", [{"premise": "a", "hypothesis": ""}, {"premise": "a"}])
def test_a_text_without_its_pair_is_a_bad_record_with_its_place(
    kind: str, row: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    path = write_lines(tmp_path / "en.jsonl", [*rows_of_pairs(), {"id": "x", "label": "yes", **row}])
    with pytest.raises(UserError, match=r"en\.jsonl: (row|line) 81: no hypothesis: 1 of 81 records are bad"):
        download(preset_of(path, kind), tmp_path / "articles.parquet")
    assert not (tmp_path / "articles.parquet").exists()
    assert len(download(preset_of(path, kind), tmp_path / "articles.parquet", bad=0.1)) == 80


@pytest.mark.parametrize("kind", ["articles", "labelled"])
def test_a_role_whose_files_name_no_pair_is_refused(kind: str) -> None:
    content = preset_of(Path("en.jsonl"), kind).model_dump()
    content[kind]["fr"][0]["path"] = "fr.jsonl"
    content[kind]["fr"][0]["columns"]["pair"] = None
    with pytest.raises(ValueError, match=rf"{kind}\.fr: fr\.jsonl: columns\.pair is needed"):
        FilesPreset.model_validate(content)
    content["unlabelled"] = {"fr": [{"path": "more.txt"}]}
    content[kind]["fr"][0]["columns"]["pair"] = "hypothesis"
    assert FilesPreset.model_validate(content).has_pairs, "texts without labels may be single, beside pairs"


def test_prepare_normalises_both_texts_and_counts_the_words_of_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CROSSWIKI_TRACKING", "off")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    preset = preset_of(write_lines(tmp_path / "en.jsonl", rows_of_pairs()), "labelled")
    for role in ("source", "target"):
        download(preset, tmp_path / f"data/articles/{role}.parquet")
    prepare.main("source")
    found = pandas.read_parquet("data/prepared/source/articles.parquet")
    assert {*found["pair"]} == {"It is 10 wide.", "It is 11 wide."}, "NFKC makes 1 of ①"
    read_ones = found[found["split"] != "test"]
    words = sum(len(segment(side, "en")) for side in sides_of(read_ones))
    assert json.loads(Path("metrics/corpus/source.json").read_text())["words"] == words
    assert pyarrow.parquet.read_schema("data/prepared/source/articles.parquet").names[-2:] == ["pair", "split"]


def test_new_writes_a_preset_of_pairs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    rows = [(row["premise"], row["hypothesis"], row["label"]) for row in rows_of_pairs()]
    for name in ("en.csv", "de.csv"):
        Path(name).write_text(table(rows, ("premise", "hypothesis", "label")), encoding="utf-8")
    new("--pair", "hypothesis", target="de=de.csv")
    said = capsys.readouterr().out
    assert "pairs    column 'hypothesis' has their second texts" in said
    assert "stood before" not in said, "two pairs of one first text are no repetition"
    preset = load_preset("mine")
    assert preset.has_pairs
    columns = preset.labelled["de"][0].columns
    assert (columns.text, columns.pair, columns.topic) == ("premise", "hypothesis", "label")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--pair", "answer"], "--pair: no column 'answer'; it has premise, hypothesis, label"),
        (["--pair", "premise", "--text", "premise"], "--pair: 'premise' is the column of the first texts too"),
        ([], "could both be the text: --text 'premise', say; and if they are texts in pairs, --pair 'hypothesis'"),
    ],
)
def test_new_says_which_column_it_lacks(
    project: Path,  # noqa: F811
    options: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [(row["premise"], row["hypothesis"] * 2, row["label"]) for row in rows_of_pairs()]
    Path("en.csv").write_text(table(rows, ("premise", "hypothesis", "label")), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        new(*options)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


# Answers


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_encodes_as_transformers_does(tmp_path: Path, kind: str) -> None:
    tokenizer = readable(tmp_path, kind).tokenizer
    cut_long_texts(tmp_path)
    encoder = load_encoder(tmp_path)
    mixed: list[Text] = [*PAIRED, "the river", ""]
    ours = encoder.pad(encoder.encode(mixed))
    theirs = tokenizer(mixed, truncation="longest_first", padding=True, return_token_type_ids=True)
    assert ours["input_ids"].tolist() == theirs["input_ids"]
    assert ours["attention_mask"].tolist() == theirs["attention_mask"]
    types = numpy.array(theirs["token_type_ids"]) * theirs["attention_mask"]
    assert numpy.array_equal(ours["token_type_ids"], types) if "token_type_ids" in ours else not types.any()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with a model that reads pairs, and its export."""
    place = tmp_path_factory.mktemp("answers")
    readable(place / "models/target", "bert")
    cut_long_texts(place / "models/target")
    (place / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (place / "data/corpora").mkdir(parents=True)
    (place / "data/corpora/offline.yaml").write_text((ROOT / "tests/trio/corpus.yaml").read_text())
    prepared = place / "data/prepared/target"
    prepared.mkdir(parents=True)
    pandas.DataFrame(PAIRED, columns=["text", "pair"]).assign(split="train").to_parquet(prepared / "articles.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        export.run(arguments_of("exported"))
    return place


MIXED: list[Text] = [*PAIRED[:4], "the river"]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_predict_reads_pairs_from_files(folder: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    rows = pandas.DataFrame([text if isinstance(text, tuple) else (text, None) for text in MIXED])
    given_file = Path(f"pairs{suffix}")
    for second in ("pair", "answer"):
        named = rows.set_axis(["text", second], axis=1)
        if suffix == ".jsonl":
            lines = [row.dropna().to_json(force_ascii=False) + "\n" for _, row in named.iterrows()]
            given_file.write_text("".join(lines), encoding="utf-8")
        elif suffix == ".csv":
            named.to_csv(given_file, index=False)
        else:
            named.to_parquet(given_file)
        out = Path(f"out{suffix}")
        predict.run(arguments("--file", given_file, "--out", out, *(["--pair", second] if second != "pair" else [])))
        found = [float(row["probability"]) for row in read(out)]
        exact = load_reader(Path("models/target")).answer(MIXED)
        assert found == pytest.approx([answer.probability for answer in exact], abs=0.02)  # other batches, in bf16
        out.unlink()
    swapped = load_reader(Path("models/target")).answer([(second, first) for first, second in PAIRED[:4]])
    assert max(abs(a - (b.probability or 0)) for a, b in zip(found, swapped, strict=False)) > 0.03


def test_predict_says_what_is_wrong_with_pairs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    Path("single.csv").write_text("text,label\nthe river,x\n")
    with pytest.raises(UserError, match=r"single\.csv: no column 'pair'; found text, label: --pair names the one"):
        predict.run(arguments("--file", "single.csv"))
    Path("wrong.jsonl").write_text('{"text": "a", "pair": ["b"]}\n')
    with pytest.raises(UserError, match=r"wrong\.jsonl: line 1: the key pair has list; a string is needed"):
        predict.run(arguments("--file", "wrong.jsonl"))
    predict.run(arguments("the long river flows"))
    assert "1 of 1 texts have no second text, though the model has learnt from pairs" in capsys.readouterr().err
    make_classifier(Path("models/single"))
    with pytest.raises(UserError, match="--pair: models/single: this model has learnt from single texts"):
        predict.run(arguments("--file", "single.csv", "--pair", "label", "--model", "models/single"))


def test_the_exported_folder_reads_pairs_alone_and_as_onnx(folder: Path) -> None:
    agreement = json.loads((folder / "exported/onnx/agreement.json").read_text())["onnx"]
    assert agreement["texts"] == agreement["same_topic"] == len(PAIRED)
    assert agreement["largest_difference"] < 1e-4
    lines = [json.dumps({"text": first, "pair": second}) for first, second in PAIRED[:4]]
    found = alone(folder / "exported", HEAVY, *lines, "the river")
    exact = load_reader(folder / "exported", exact=True).answer(MIXED)
    assert [row["probability"] for row in found] == pytest.approx([one.probability for one in exact], abs=1e-4)
    assert found[0]["pair"] == PAIRED[0][1]


def test_transformers_reads_pairs_of_any_length(folder: Path) -> None:
    classify = pipeline("text-classification", model=str(folder / "exported"), device="cpu", top_k=None)
    exact = load_reader(folder / "exported", exact=True)
    for first, second in [("the river", "is wide"), ("a sea", "the river")]:
        theirs = {row["label"]: row["score"] for row in classify({"text": first, "text_pair": second})}
        [ours] = exact.answer([(first, second)])
        assert theirs == pytest.approx(ours.probabilities, abs=1e-5)
    assert classify({"text": " ".join(LONG), "text_pair": " ".join(LONG)})


def test_the_served_model_takes_a_column_of_pairs(folder: Path) -> None:
    served = ServedClassifier(load_reader(folder / "models/target"))
    exact = [answer.probability for answer in served.reader.answer(MIXED)]
    body = pandas.DataFrame([text if isinstance(text, tuple) else (text, None) for text in MIXED])
    found = served.predict(body.set_axis(["text", "pair"], axis=1))
    assert found["probability"].tolist() == pytest.approx(exact)
    [alone_one] = served.predict(["the river"])["probability"]
    assert alone_one == pytest.approx(exact[-1], abs=0.02)
    with pytest.raises(Exception, match="pair 1 of 1: a string is needed; found int '5'"):
        served.predict(pandas.DataFrame({"text": ["a"], "pair": [5]}))
    signature: ModelSignature = signature_of_served(pairs=True)
    assert signature.inputs.input_names() == ["text", "pair"]
    assert signature.inputs.optional_input_names() == ["text", "pair"]
    assert signature_of_served().inputs.input_names() == ["text"]


def test_mlflows_server_takes_pairs_and_single_texts(folder: Path, tmp_path: Path) -> None:
    mlflow.pyfunc.save_model(
        str(tmp_path / "served"),
        loader_module=LOADER,
        data_path=str(folder / "models/target"),
        signature=signature_of_served(pairs=True),
        input_example={"text": ["a"], "pair": ["b"]},
        pip_requirements=[],
    )
    served = mlflow.pyfunc.load_model(str(tmp_path / "served"))
    exact = load_reader(folder / "models/target").answer(MIXED)
    rows = [dict(zip(("text", "pair"), text if isinstance(text, tuple) else (text,), strict=False)) for text in MIXED]
    columns = {"columns": ["text", "pair"], "data": [[row["text"], row.get("pair")] for row in rows]}
    for body in ({"dataframe_records": rows}, {"dataframe_split": columns}):
        assert [row["topic"] for row in ask(served, body)] == [answer.topic for answer in exact]
    alone_one = ask(served, {"dataframe_records": [{"text": "the river"}]})
    assert alone_one[0]["probability"] == pytest.approx(exact[-1].probability, abs=0.02)
    both = ask(served, {"inputs": {"text": ["the river", "a sea"], "pair": ["is wide", "is deep"]}})
    single = ask(served, {"inputs": {"text": ["the river", "a sea"]}})
    with pytest.raises(MlflowException, match="a table with the column text"):
        ask(served, {"inputs": ["the river"]})  # MLflow's: a list is for models that take one column
    assert [row["probability"] for row in both] != [row["probability"] for row in single]


# The graph


@pytest.mark.pipeline
@pytest.mark.timeout(900)
def test_every_stage_after_the_vectors_learns_from_pairs(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tiny trio's texts cut in two, so that a pair says what a text said."""
    clone = results_alone(finished, tmp_path / "clone")
    for role in ("source", "target", "test"):
        path = clone / f"data/prepared/{role}/articles.parquet"
        articles = pandas.read_parquet(path)
        halves = [(text[: len(text) // 2], text[len(text) // 2 :]) for text in articles["text"]]
        with_texts(articles.assign(pair=""), halves).to_parquet(path)
    transplants = ("finetune_source", "transplant@target", "transplant@test", "adapt@target")
    run_stages(clone, *transplants, "distill", "finetune_target", "baselines", "evaluate", "report")
    monkeypatch.chdir(clone)
    for place in ("source", "transplanted/test", "adapted", "distilled", "target", "scratch"):
        assert json.loads(Path(f"models/{place}/config.json").read_text())[PAIRS], place
    articles = pandas.read_parquet("data/prepared/target/articles.parquet")
    test = articles[(articles["split"] == "test") & articles["topic"].notna()]
    classifier, predictions = load_classifier(Path("models/target")), pandas.read_csv("metrics/predictions/target.csv")
    assert predictions["id"].tolist() == test["id"].tolist()
    tokens = classifier.tokenizer.model_max_length
    logits = predict_logits(classifier, [*zip(test["text"], test["pair"], strict=True)], tokens, CPU, "test")
    ours = [classifier.topics[place] for place in logits.argmax(1)]
    assert predictions["finetuned"].tolist() == ours
    glosses = pandas.read_csv("metrics/glosses/target.csv")["gloss"]
    assert glosses.str.contains(" / ").all()
    assert " / " in Path("metrics/report.html").read_text(encoding="utf-8")
    assert load_parameters().corpus == "trio"
