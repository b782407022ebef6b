"""BERT, RoBERTa (BPE of bytes), ALBERT and XLNet (unigram) each through the whole graph, tiny and random.

The stages run in this process, one after the other, in a clone: what DVC does with them, test_pipeline.py tests.
"""

import importlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import yaml
from transformers import AutoTokenizer

from crosswiki.bert import classification
from crosswiki.bert.classification import encode, padding, predict_logits
from crosswiki.bert.mixtures import reading_mixtures
from crosswiki.bert.models import Classifier, fewer_layers, load_classifier, output_layer, seeded
from crosswiki.bert.pretrained import load_pretrained
from crosswiki.bert.tokenization import train_tokenizer
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameter_values import ROLES
from tests.tiny import MULTILINGUAL, make_tiny_model, results_alone, special_first, tiny_tokenizer_like, trio_texts

KINDS = ["bert", "roberta", "albert", "xlnet"]
ONCE = [  # what no source model has to do with
    *((stage, role) for stage in ("download", "prepare", "skipgram") for role in ROLES),
    *((stage, role) for stage in ("align", "gloss") for role in ("target", "test")),
]
BY_MODEL = [
    ("finetune_source", None),
    ("transplant", "target"),
    ("transplant", "test"),
    *((stage, None) for stage in ("adapt", "neighbourhood", "distill", "finetune_target")),
    *((stage, None) for stage in ("baselines", "peers", "evaluate", "report")),
]
CPU = torch.device("cpu")


def run_stages(folder: Path, stages: list[tuple[str, str | None]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DVC_ROOT", str(folder))
        patch.setenv("CROSSWIKI_TRACKING", "off")
        patch.setenv("CROSSWIKI_QUIET", "1")
        patch.setenv("HF_HUB_OFFLINE", "1")
        for name, role in stages:
            main = importlib.import_module(f"stages.{name}").main
            main(role) if role else main()


@pytest.fixture(scope="module", params=[*KINDS, *MULTILINGUAL])
def project(
    request: pytest.FixtureRequest, finished: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """A clone in which a source model of the kind has gone all the way; the finished one's is a BERT.

    For the other kinds, what no source model has to do with is taken from there, and nothing else.
    """
    kind = request.param
    if kind == "bert":
        return kind, finished
    folder = results_alone(finished, tmp_path_factory.mktemp(kind) / "project")
    for results in ("models", "metrics"):
        shutil.rmtree(folder / results)
    made = yaml.safe_load((finished / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    for path in (Path(out["path"]) for stage, role in ONCE for out in made[f"{stage}@{role}"]["outs"]):
        if not (folder / path).exists():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (finished / path).is_dir() else shutil.copy2
            copy(finished / path, folder / path)
    make_tiny_model(folder / "models" / "tiny", kind)
    if kind in MULTILINGUAL:
        params = (folder / "params.yaml").read_text(encoding="utf-8")
        changed = params.replace("method: csls_mixtures", "method: keep")
        assert changed != params
        (folder / "params.yaml").write_text(changed, encoding="utf-8")
    run_stages(folder, BY_MODEL)
    return kind, folder


def test_every_stage_makes_what_it_should(project: tuple[str, Path]) -> None:
    kind, folder = project
    evaluation = json.loads((folder / "metrics/evaluation.json").read_text())
    for role, systems in {
        "source": ("teacher",),
        "target": ("copied", "glossed", "transplanted", "adapted", "neighbours", "distilled", "pooled", "finetuned"),
        "test": ("copied", "glossed", "transplanted", "neighbours", "pooled"),
    }.items():
        for system in systems:
            assert 0 <= evaluation[role][system]["accuracy"] <= 1, system
    assert (folder / "metrics/report.html").stat().st_size > 10_000
    configs = {
        name: json.loads((folder / "models" / name / "config.json").read_text())
        for name in ("source", "transplanted/target", "adapted", "distilled", "target", "scratch")
    }
    assert {config["model_type"] for config in configs.values()} == {kind}
    depth = {name: config.get("num_hidden_layers", config.get("n_layer")) for name, config in configs.items()}
    assert depth == {**dict.fromkeys(list(configs)[:3], 4), "distilled": 2, "target": 2, "scratch": 2}


def test_the_output_layer_keeps_every_bit_and_so_does_the_transplanted_encoder(project: tuple[str, Path]) -> None:
    _, folder = project
    weights = {
        name: safetensors.torch.load_file(folder / "models" / name / "model.safetensors")
        for name in ("source", "transplanted/target", "transplanted/test", "adapted", "distilled", "target")
    }
    source = load_classifier(folder / "models/source").model
    embeddings = {name for name, value in source.named_parameters() if value is source.get_input_embeddings().weight}
    above = set(output_layer(source))
    assert len(embeddings) == 1
    assert above and all(
        name.startswith(("classifier.", "head.", "sequence_summary.", "logits_proj.")) for name in above
    )
    for name, others in weights.items():
        for key in above:
            assert torch.equal(others[key], weights["source"][key]), f"{name}: {key}"
    for role in ("target", "test"):
        changed = {
            key
            for key, value in weights["source"].items()
            if not torch.equal(value, weights[f"transplanted/{role}"][key])
        }
        assert changed == embeddings
    trained = {key for key, value in weights["distilled"].items() if not torch.equal(value, weights["target"][key])}
    assert trained and not trained & above


def test_the_tokenizers_are_of_the_sources_kind_with_its_special_tokens(project: tuple[str, Path]) -> None:
    kind, folder = project
    source = load_classifier(folder / "models/source")
    other = load_classifier(folder / "models/transplanted/target")
    types = [json.loads(one.tokenizer.backend_tokenizer.to_str())["model"]["type"] for one in (source, other)]
    assert types == [{"bert": "WordPiece", "roberta": "BPE", "modernbert": "BPE"}.get(kind, "Unigram")] * 2
    rows = [one.model.get_input_embeddings().weight for one in (source, other)]
    for part, token in source.tokenizer.special_tokens_map.items():
        assert other.tokenizer.special_tokens_map[part] == token
        places = [one.tokenizer.convert_tokens_to_ids(token) for one in (source, other)]
        assert torch.equal(rows[0][places[0]], rows[1][places[1]]), token
    assert source.tokenizer.padding_side == other.tokenizer.padding_side == ("left" if kind == "xlnet" else "right")
    assert other.tokenizer.pad_token_id == other.model.config.pad_token_id
    # RoBERTa counts positions from its pad token's id on: another id would move every text along. ModernBERT, which has
    # its special tokens at the end, counts from 0.
    assert kind == "modernbert" or source.tokenizer.pad_token_id == other.tokenizer.pad_token_id
    assert len(other.tokenizer) == len(rows[1])


def test_a_pipeline_of_transformers_says_what_we_say(
    project: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the folder alone, as the model card tells people to.

    On the beginnings of texts: the saved tokenizer cuts what may have more tokens than the model has positions, and a
    tiny model has hardly more of these than tokens that it reads.
    """
    from transformers import pipeline

    monkeypatch.setattr(classification, "half_precision", lambda device: False)
    folder = project[1] / "models/target"
    classifier, texts = load_classifier(folder), [text[:40] for text in trio_texts("zh")[:4]]
    classify = pipeline("text-classification", model=str(folder), device="cpu", top_k=None)
    said = [{row["label"]: row["score"] for row in rows} for rows in classify(texts, truncation=True)]
    ours = predict_logits(classifier, texts, classifier.tokenizer.model_max_length, CPU, "test").softmax(1)
    for row, scores in zip(ours.tolist(), said, strict=True):
        assert dict(zip(classifier.topics, row, strict=True)) == pytest.approx(scores, abs=1e-6)


# Each by itself


@pytest.fixture(params=KINDS)
def classifier(request: pytest.FixtureRequest, tmp_path: Path) -> Classifier:
    make_tiny_model(tmp_path, request.param, deviation=0.3)
    return load_pretrained(str(tmp_path), ["a", "b", "c"], seed=1)


def test_a_text_says_the_same_alone_and_padded_in_a_batch(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classification, "half_precision", lambda device: False)
    texts = [*trio_texts("en")[:5], "river", "the long river", ""]
    together = predict_logits(classifier, texts, 40, CPU, "test", batch=len(texts))
    alone = torch.cat([predict_logits(classifier, [text], 40, CPU, "test") for text in texts])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert torch.cdist(alone, alone).fill_diagonal_(1).min() > 1e-2, "and not the same as another text"
    order = [3, 0, 7, 5]
    some = predict_logits(classifier, [texts[place] for place in order], 40, CPU, "test", batch=2)
    torch.testing.assert_close(some, together[order], atol=1e-5, rtol=1e-5)


def batch_of(classifier: Classifier, texts: list[str]) -> dict[str, torch.Tensor]:
    return padding(classifier.tokenizer)(list(encode(texts, classifier.tokenizer, 24)))


def test_a_batch_is_what_the_model_was_pretrained_on(classifier: Classifier) -> None:
    """As transformers' tokenizer makes it, token types and all."""
    texts = [trio_texts("en")[0], "the river", "a"]
    options: dict[str, Any] = {"padding": True, "truncation": True, "max_length": 24, "return_tensors": "pt"}
    expected = classifier.tokenizer(texts, return_token_type_ids=True, **options)
    found = batch_of(classifier, texts)
    assert torch.equal(found["input_ids"], expected["input_ids"])
    assert torch.equal(found["attention_mask"], expected["attention_mask"])
    types = expected["token_type_ids"] * expected["attention_mask"]  # padding is not read, whatever its type
    if "token_type_ids" in found:
        assert torch.equal(found["token_type_ids"] * found["attention_mask"], types)
    else:
        assert not types.any()
    xlnet = classifier.model.config.model_type == "xlnet"
    assert ("token_type_ids" in classifier.tokenizer("a")) == (classifier.model.config.model_type in ("bert", "xlnet"))
    place = -1 if xlnet else 0
    assert (found["input_ids"][:2, place] == classifier.tokenizer.cls_token_id).all()
    assert ("token_type_ids" in found) == xlnet


def layers_read(model: Any, batch: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    with torch.inference_mode():
        return list(model.eval()(**batch, output_hidden_states=True).hidden_states)


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_a_student_is_as_deep_as_it_says(classifier: Classifier, layers: int) -> None:
    """Its layers are the teacher's: with those that are left out gone, the teacher says what the student says."""
    teacher = classifier.model
    student = fewer_layers(teacher, layers)
    batch = batch_of(classifier, ["the river flows", "a city"])
    assert student.config.num_hidden_layers == layers
    assert len(layers_read(student, batch)) == layers + 1
    shared = teacher.config.model_type == "albert"
    assert (student.num_parameters() == teacher.num_parameters()) == (shared or layers == 4)
    kept = [(place + 1) * 4 // layers - 1 for place in range(layers)]
    if shared:
        torch.testing.assert_close(layers_read(teacher, batch)[layers], layers_read(student, batch)[layers])
        return
    name = {"bert": "bert.encoder.layer", "roberta": "roberta.encoder.layer", "xlnet": "transformer.layer"}
    before = teacher.get_submodule(name[teacher.config.model_type])
    after = student.get_submodule(name[teacher.config.model_type])
    assert len(after) == layers
    for new, old in enumerate(kept):
        for (key, one), other in zip(after[new].state_dict().items(), before[old].state_dict().values(), strict=True):
            assert torch.equal(one, other), key


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_groups_of_shared_layers_stay_whole(layers: int) -> None:
    from transformers import AlbertConfig, AlbertForSequenceClassification

    config = AlbertConfig(
        vocab_size=50,
        embedding_size=8,
        hidden_size=16,
        num_hidden_layers=4,
        num_hidden_groups=2 if layers < 3 else 4,
        num_attention_heads=2,
        intermediate_size=20,
    )
    teacher = AlbertForSequenceClassification(config)
    student = fewer_layers(teacher, layers)
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, student.state_dict()[name])
    ids = {"input_ids": torch.arange(6)[None], "attention_mask": torch.ones(1, 6)}
    assert len(layers_read(student, ids)) == layers + 1
    with pytest.raises(UserError, match="the teacher has 4"):
        fewer_layers(teacher, 5)


def test_each_text_has_a_share_of_its_own_of_mixtures(classifier: Classifier) -> None:
    """XLNet's embeddings are read with the texts along the second dimension."""
    layer = classifier.model.get_input_embeddings()
    vectors = torch.nn.functional.normalize(torch.randn(len(layer.weight), 6, generator=torch.Generator()), dim=1)
    ids = torch.randint(20, len(layer.weight), (200, 30), generator=torch.Generator().manual_seed(1))
    seen: list[torch.Tensor] = []
    classifier.model.train()
    with seeded(3), reading_mixtures(classifier, vectors, probability=0.3, neighbours=4, temperature=0.1):
        hook = layer.register_forward_hook(lambda module, inputs, output: seen.append(output))
        classifier.model(input_ids=ids)
        hook.remove()
    read = seen[0].transpose(0, 1) if classifier.model.config.model_type == "xlnet" else seen[0]
    changed = (read != layer.weight[ids]).any(2).float()
    assert changed.mean().item() == pytest.approx(0.3, abs=0.03)
    by_text, by_place = changed.mean(1).std(), changed.mean(0).std()
    assert by_text > 0.15 > 3 * by_place


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_of_every_kind_is_the_same_each_time_and_read_back(kind: str, tmp_path: Path) -> None:
    like = tiny_tokenizer_like(kind, trio_texts("en"))
    texts = trio_texts("ru")
    first, second = (train_tokenizer(like, texts, 700) for _ in range(2))
    assert first.backend_tokenizer.to_str() == second.backend_tokenizer.to_str()
    assert 500 < len(first) <= 700
    if kind != "bert":
        ids = [first.convert_tokens_to_ids(token) for token in special_first(kind)]
        assert ids == list(range(len(ids)))
    unknown = first.unk_token_id
    assert all(unknown not in row for row in first(texts)["input_ids"])
    first.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded(texts)["input_ids"] == first(texts)["input_ids"]


@pytest.mark.parametrize("kind", ["albert", "xlnet"])
def test_a_unigram_tokenizer_prefers_whole_words_and_never_joins_them_to_punctuation(kind: str) -> None:
    like = tiny_tokenizer_like(kind, trio_texts("en"))
    texts = ["la rivière, et l'océan.", "la rivière (océan), la mer.", "et la mer, l'océan"] * 20
    tokenizer = train_tokenizer(like, texts, 200)
    assert tokenizer.tokenize("la mer, et l'océan.") == ["▁la", "▁mer", ",", "▁et", "▁l", "'", "océan", "."]
    assert tokenizer.tokenize("mer") == ["▁mer"]
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    scores = dict(map(tuple, model["vocab"]))
    ordinary = {piece: score for piece, score in scores.items() if piece not in like.all_special_tokens}
    assert sum(2.718281828459045**score for score in ordinary.values()) == pytest.approx(1, abs=0.1)
    assert scores["▁la"] > scores["▁et"] > scores["▁l"] - 2
    assert scores["▁la"] == max(score for piece, score in ordinary.items() if piece != "▁")


@pytest.mark.parametrize("kind", ["albert", "xlnet"])
def test_more_letters_than_tokens_are_all_kept(kind: str) -> None:
    like = tiny_tokenizer_like(kind, trio_texts("en"))
    tokenizer = train_tokenizer(like, trio_texts("zh"), 100)
    letters = {letter for text in trio_texts("zh") for letter in text if "一" <= letter <= "鿿"}
    assert len(letters) > 300
    assert letters <= set(tokenizer.get_vocab())
