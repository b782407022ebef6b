"""params.yaml and the corpus presets are checked whole, and say in one line what is wrong."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from ruamel.yaml import YAML

from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.languages import language_of
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import Parameters, load_parameters
from crosswiki.pipeline.presets import FilesPreset, load_preset
from crosswiki.pipeline.renamed import RENAMED

PROJECT = Path(__file__).parents[1]
SHIPPED = PROJECT / "params.yaml"
PRESETS = PROJECT / "data/corpora"
FILES_PRESET = """
kind: files
languages: {source: en, target: "no", test: zh-yue}
articles:
  en: [{path: en.jsonl}]
  no: [{path: no.csv, columns: {text: body}}]
  zh-yue: [{path: yue.parquet}]
"""


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, object], Path]:
    """Write the shipped params.yaml with the value of one dotted key changed."""

    def write(key: str, value: object) -> Path:
        content = YAML(typ="safe", pure=True).load(SHIPPED.read_text(encoding="utf-8"))
        section = content
        *parents, last = key.split(".")
        for parent in parents:
            section = section[parent]
        section[last] = value
        path = tmp_path / "params.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML(typ="safe", pure=True).dump(content, file)
        return path

    return write


def complaint(path: Path) -> str:
    """The one line that loading the file ends in."""
    with pytest.raises(UserError) as caught:
        load_parameters(path)
    message = str(caught.value)
    assert message and "\n" not in message
    return message


def test_the_shipped_file_loads_with_the_values_that_stand_in_it() -> None:
    params = load_parameters(SHIPPED)
    assert isinstance(params, Parameters)
    content = YAML(typ="safe", pure=True).load(SHIPPED.read_text(encoding="utf-8"))
    dumped = params.model_dump(mode="json")
    assert dumped == content
    assert list(dumped) == list(content)


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("skipgramm", {"dim": 3}, ("unknown key", "skipgram", "seed")),
        ("skipgram.dims", 3, ("unknown key", "dim", "window", "shards")),
        ("adapt.representation_distillation.lr", 0.1, ("unknown key", "learning_rate", "max_entries")),
        ("skipgram.dim", "wide", ("'wide'", "integer")),
        ("skipgram.dim", 20.0, ("20.0", "integer")),
        ("skipgram.dim", 20.5, ("20.5", "integer")),
        ("skipgram.dim", True, ("True", "integer")),
        ("skipgram.dim", None, ("None", "integer")),
        ("skipgram.learning_rate", "0.05", ("'0.05'", "number")),
        ("skipgram.learning_rate", True, ("True", "number")),
        ("finetune_target.freeze_output", 1, ("1", "boolean")),
        ("finetune_target.freeze_output", "yes", ("'yes'", "boolean")),
        ("seed", -1, ("-1", "greater than or equal to 0")),
        ("seed", 2**32, (str(2**32), f"less than {2**32}")),
        ("skipgram.window", 0, ("0", "greater than or equal to 1")),
        ("skipgram.noise_exponent", 1.5, ("1.5", "less than or equal to 1")),
        ("prepare.test", 0, ("0", "greater than 0")),
        ("distill.temperature", 0.0, ("0.0", "greater than 0")),
        ("distill.temperature", math.nan, ("nan", "input should be")),
        ("finetune_source.max_length", 7, ("7", "greater than or equal to 8")),
        ("baselines.c_values", [], ("at least 1",)),
        ("device", "tpu", ("'tpu'", "auto", "cpu", "cuda", "mps")),
        ("workers", "dask", ("'dask'", "local:8", "dask:tcp://host:8786")),
        ("workers", "local:0", ("'local:0'", "local:8")),
        ("processes", 0, ("0", "greater than or equal to 1")),
        ("texts_at_once", 0, ("0", "greater than or equal to 1")),
        ("gradient_checkpointing", "some", ("'some'", "boolean")),
        ("peers.encoders.use.model", 3, ("3", "string")),
        ("transplant.method", "best", ("'best'", "csls_mixtures", "wechsel", "focus", "random", "mean")),
        ("transplant.tokenizer", "new", ("'new'", "extended", "trained")),
        ("corpus", "../mine", ("'../mine'",)),
        ("download.languages.source", "English", ("'English'", "pattern")),
        ("skipgram", 5, ("5", "dictionary")),
        ("skipgram", None, ("None", "dictionary")),
    ],
)
def test_a_wrong_value_is_named_with_what_was_found_and_what_is_allowed(
    changed: Callable[[str, object], Path], key: str, value: object, shown: tuple[str, ...]
) -> None:
    message = complaint(changed(key, value))
    assert f": {key}: " in message
    for part in shown:
        assert part in message


@pytest.mark.parametrize("rate", [math.nan, math.inf, -0.1, 1.0])
@pytest.mark.parametrize("key", ["skipgram.learning_rate", "prepare.validation", "align.held_out"])
def test_rates_lie_between_0_and_1(changed: Callable[[str, object], Path], key: str, rate: float) -> None:
    assert f": {key}: found {rate!r}" in complaint(changed(key, rate))


@pytest.mark.parametrize("share", [0, 1, 1.0])
def test_shares_may_be_0_and_1(changed: Callable[[str, object], Path], share: float) -> None:
    assert load_parameters(changed("distill.soft_weight", share)).distill.soft_weight == share


@pytest.mark.parametrize("key", ["finetune_source.epochs", "finetune_target.scratch.epochs", "distill.temperature"])
def test_infinity_is_no_number_of_epochs_and_no_temperature(changed: Callable[[str, object], Path], key: str) -> None:
    assert f": {key}: found inf" in complaint(changed(key, math.inf))


def test_a_list_names_the_item_that_is_wrong(changed: Callable[[str, object], Path]) -> None:
    message = complaint(changed("baselines.c_values", [0.3, -1]))
    assert "baselines.c_values.1: found -1" in message
    assert "greater than 0" in message


def test_one_language_cannot_play_two_roles(changed: Callable[[str, object], Path]) -> None:
    message = complaint(changed("download.languages", {"source": "en", "target": "fr", "test": "en"}))
    assert ": download.languages: " in message
    assert "'en'" in message
    assert "different languages" in message


def test_a_students_layers_are_a_number_or_a_list_in_order(changed: Callable[[str, object], Path]) -> None:
    for given, wanted in ((2, 2), ([1, 3, 6], (1, 3, 6)), (None, None)):
        assert load_parameters(changed("distill.layers", given)).distill.layers == wanted
    assert "each one once" in complaint(changed("distill.layers", [3, 3]))
    assert ": distill.layers" in complaint(changed("distill.layers", []))
    assert ": distill.layers" in complaint(changed("distill.layers", "half"))


def test_there_are_as_many_folds_as_test_splits_fit(changed: Callable[[str, object], Path]) -> None:
    assert load_parameters(changed("prepare.fold", 4)).prepare.fold == 4
    assert ": prepare: fold 5 must stay below 5, the number of folds" in complaint(changed("prepare.fold", 5))


def test_something_must_be_left_to_train_on(changed: Callable[[str, object], Path]) -> None:
    message = complaint(changed("prepare.validation", 0.8))
    assert message.endswith(": prepare: validation 0.8 + test 0.2 must stay below 1")


def test_shares_of_what_is_read_fill_no_more_than_it(changed: Callable[[str, object], Path]) -> None:
    section = "adapt.representation_distillation"
    params = load_parameters(changed(f"{section}.glossed_share", 0.9))
    assert params.adapt.representation_distillation.dictionary_share == 0.1
    message = complaint(changed(f"{section}.glossed_share", 0.95))
    assert message.endswith(f": {section}: glossed_share 0.95 + dictionary_share 0.1 must not be more than 1")


def test_adaptation_and_distillation_can_be_left_out(changed: Callable[[str, object], Path]) -> None:
    assert load_parameters(changed("adapt.representation_distillation.steps", 0)).adapt.masked_language_model.steps == 0
    assert load_parameters(changed("distill.epochs", 0)).distill.epochs == 0
    assert ": finetune_source.epochs: found 0" in complaint(changed("finetune_source.epochs", 0))


@pytest.mark.parametrize("key", ["seed", "align", "skipgram.dim", "adapt.representation_distillation.steps"])
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    content = YAML(typ="safe", pure=True).load(SHIPPED.read_text(encoding="utf-8"))
    section = content
    *parents, last = key.split(".")
    for parent in parents:
        section = section[parent]
    del section[last]
    path = tmp_path / "params.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(content, file)
    assert complaint(path) == f"{path}: {key}: missing"


@pytest.mark.parametrize(
    "text", ["seed: [1\n", "seed: 1\nseed: 2\n", "a: b: c\n", "\tseed: 1\n", "seed: 'é\n", "%YAML\n---\n"]
)
def test_what_is_no_yaml_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    assert complaint(path).startswith(f"{path}: not YAML: ")


def test_a_file_in_another_encoding_is_no_yaml(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes("corpus: données\n".encode("latin-1"))
    assert complaint(path).startswith(f"{path}: not YAML: ")


@pytest.mark.parametrize(("text", "found"), [("", "NoneType"), ("- 1\n- 2\n", "list"), ("seed\n", "str")])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    assert "mapping" in complaint(path)
    assert found in complaint(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path / "none.yaml") == f"{tmp_path / 'none.yaml'}: no such file"


def test_nothing_can_be_assigned() -> None:
    params = load_parameters(SHIPPED)
    with pytest.raises(ValidationError, match="frozen"):
        params.seed = 2
    with pytest.raises(ValidationError, match="frozen"):
        params.skipgram.dim = 2
    assert isinstance(params.baselines.c_values, tuple)


@pytest.mark.parametrize(("written", "value"), [("1e-5", 1e-5), ("1E-5", 1e-5), ("1.e-5", 1e-5), ("1.0e-05", 1e-5)])
def test_numbers_with_an_exponent_are_numbers(tmp_path: Path, written: str, value: float) -> None:
    """YAML 1.1 reads 1e-5 as a string."""
    path = tmp_path / "params.yaml"
    text = SHIPPED.read_text(encoding="utf-8")
    assert "  subsample: 0.001 " in text
    path.write_text(text.replace("  subsample: 0.001 ", f"  subsample: {written} "), encoding="utf-8")
    assert load_parameters(path).skipgram.subsample == value


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_is_refused_with_the_new_one(tmp_path: Path, old: str, new: str) -> None:
    content = YAML(typ="safe", pure=True).load(SHIPPED.read_text(encoding="utf-8"))
    section, value = content, content
    *parents, last = new.split(".")
    for parent in parents:
        section = section[parent]
    value = section.pop(last)
    section = content
    *parents, last = old.split(".")
    for parent in parents:
        section = section.setdefault(parent, {})
    section[last] = value
    path = tmp_path / "params.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(content, file)
    renamed_section = RENAMED.get(old.rpartition(".")[0])  # is told first, and the key in it once that is mended
    assert complaint(path) in [
        f"{path}: {key}: is called {name} now" for key, name in ((old, new), (old.rpartition(".")[0], renamed_section))
    ]


def test_whole_numbers_do_for_numbers(changed: Callable[[str, object], Path]) -> None:
    assert load_parameters(changed("distill.temperature", 7)).distill.temperature == 7


def test_norwegian_is_a_language_and_not_false(tmp_path: Path) -> None:
    """YAML 1.1 reads no as false."""
    path = tmp_path / "params.yaml"
    text = SHIPPED.read_text(encoding="utf-8")
    assert "    target: null\n" in text
    path.write_text(text.replace("    target: null\n", "    target: no\n"), encoding="utf-8")
    assert load_parameters(path).download.languages.target == "no"


def check_in_a_process(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the check where `folder` is the working directory."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    code = [sys.executable, "-m", "crosswiki", "check"]
    return subprocess.run(code, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_command_prints_one_line_and_exits_with_2(changed: Callable[[str, object], Path]) -> None:
    path = changed("skipgram.window", "five")
    answer = check_in_a_process(path.parent)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.endswith("\n")
    assert len(answer.stderr.splitlines()) == 1
    assert "skipgram.window: found 'five'" in answer.stderr


def test_the_command_says_nothing_of_a_good_file() -> None:
    answer = check_in_a_process(PROJECT)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def preset_complaint(name: str, folder: Path) -> str:
    """The one line that loading a preset ends in."""
    with pytest.raises(UserError) as caught:
        load_preset(name, folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def presets(tmp_path: Path) -> Path:
    """A folder with one preset of files."""
    (tmp_path / "mine.yaml").write_text(FILES_PRESET, encoding="utf-8")
    return tmp_path


def test_an_unknown_corpus_lists_what_there_is(presets: Path) -> None:
    (presets / "another.yaml").write_text(FILES_PRESET, encoding="utf-8")
    message = preset_complaint("mien", presets)
    assert "corpus: found 'mien'" in message
    assert "another, mine" in message


def test_a_preset_of_files_has_the_usual_columns_unless_it_names_others(presets: Path) -> None:
    preset = load_preset("mine", presets)
    assert isinstance(preset, FilesPreset)
    assert preset.articles["en"][0].columns.model_dump() == {
        "id": "id",
        "title": "title",
        "text": "text",
        "topic": None,
        "pair": None,
        "concept": None,
    }
    assert preset.articles["no"][0].columns.text == "body"


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("kind: files", "kind: web", ("kind: found 'web'", "dump, files, hub, mediawiki, wheel")),
        ("kind: files\n", "", ("kind: found None", "dump, files, hub, mediawiki, wheel")),
        ("  en: [{path: en.jsonl}]", "  en: [{paths: en.jsonl}]", ("articles.en.0",)),
        ('target: "no"', "target: Norsk", ("languages.target: found 'Norsk'",)),
        ("kind: files", "kind: files\nsha: 0", ("sha: unknown key", "articles", "dictionaries")),
        (
            "{path: en.jsonl}",
            "{path: en.jsonl, columns: {label: topic}}",
            ("articles.en.0.columns.label: unknown key", "concept", "topic"),
        ),
    ],
)
def test_a_wrong_key_in_a_preset_is_named(presets: Path, old: str, new: str, parts: tuple[str, ...]) -> None:
    assert old in FILES_PRESET
    (presets / "mine.yaml").write_text(FILES_PRESET.replace(old, new), encoding="utf-8")
    message = preset_complaint("mine", presets)
    for part in (str(presets / "mine.yaml"), *parts):
        assert part in message


def test_the_shipped_preset_plays_the_default_trio() -> None:
    preset = load_preset("offline", PRESETS)
    params = load_parameters(SHIPPED)
    assert [language_of(role, preset, params) for role in ("source", "target", "test")] == ["en", "fr", "es"]


def test_a_parameter_overrides_the_language_of_the_preset(changed: Callable[[str, object], Path]) -> None:
    preset = load_preset("offline", PRESETS)
    params = load_parameters(changed("download.languages", {"source": None, "target": "es", "test": "fr"}))
    assert [language_of(role, preset, params) for role in ("source", "target", "test")] == ["en", "es", "fr"]


def test_an_unknown_language_lists_what_there_is(changed: Callable[[str, object], Path]) -> None:
    params = load_parameters(changed("download.languages.target", "de"))
    with pytest.raises(UserError, match=r"download\.languages\.target: found 'de'.*en, es, fr") as caught:
        language_of("target", load_preset("offline", PRESETS), params)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("role", ["target", "test"])
def test_a_language_given_for_one_role_cannot_be_the_presets_of_another(
    changed: Callable[[str, object], Path], role: Role
) -> None:
    params = load_parameters(changed("download.languages.target", "es"))
    with pytest.raises(UserError, match=rf"download\.languages\.{role}: found 'es'.*different languages"):
        language_of(role, load_preset("offline", PRESETS), params)


@pytest.mark.parametrize("roles", [["source", "target"], ["source", "target", "test"]])
def test_a_test_language_is_optional(changed: Callable[[str, object], Path], roles: list[str]) -> None:
    assert load_parameters(changed("roles", roles)).roles == tuple(roles)


@pytest.mark.parametrize(
    "roles", [[], ["source"], ["target", "source"], ["source", "test"], ["source", "target", "tset"]]
)
def test_roles_stand_in_their_order(changed: Callable[[str, object], Path], roles: list[str]) -> None:
    assert ": roles" in complaint(changed("roles", roles))


def test_a_role_that_is_left_out_takes_no_language(changed: Callable[[str, object], Path]) -> None:
    path = changed("roles", ["source", "target"])
    content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    content["download"]["languages"]["target"] = "es"  # the preset's test language
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(content, file)
    assert language_of("target", load_preset("offline", PRESETS), load_parameters(path)) == "es"


def test_a_test_role_without_a_language_says_how_to_leave_it_out(
    changed: Callable[[str, object], Path], presets: Path
) -> None:
    for languages in ('{source: en, target: "no", test: null}', '{source: en, target: "no"}'):
        text = FILES_PRESET.replace('{source: en, target: "no", test: zh-yue}', languages)
        (presets / "mine.yaml").write_text(text, encoding="utf-8")
        preset = load_preset("mine", presets)
        with pytest.raises(UserError, match=r"roles: found 'test'.*-S 'roles=\[source,target\]'") as caught:
            language_of("test", preset, load_parameters(changed("seed", 1)))
        assert "\n" not in str(caught.value)
        assert language_of("source", preset, load_parameters(changed("roles", ["source", "target"]))) == "en"


def test_a_device_that_is_not_there_is_refused_and_auto_always_finds_one() -> None:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    assert choose_device("cpu") == torch.device("cpu")
    assert there[choose_device("auto").type]
    for name in (name for name, available in there.items() if not available):
        with pytest.raises(UserError, match=rf"device: found '{name}'.*cpu"):
            choose_device(name)
