"""Everything that README.md and docs/ tell a person to type works, and what they refer to is there.

Each command of their `sh` blocks is one of three: it is run here, on a finished tiny clone; it is the tutorial's or the
team's, whose tests run it; or it takes long, or a network, and then its parts are checked: parameters and values, make
targets, modules, subcommands and options.
"""

import argparse
import ast
import io
import json
import re
import runpy
import shutil
import sys
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter
from ruamel.yaml import YAML

from crosswiki.__main__ import COMMANDS
from crosswiki.bert.initialisations import INITIALISATIONS
from crosswiki.commands.settings import LARGE
from crosswiki.pipeline.checked_yaml import check, read_yaml
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.languages import language_of
from crosswiki.pipeline.parameters import Parameters
from crosswiki.pipeline.preset_files import WordList
from crosswiki.pipeline.presets import Labels, Preset, load_preset
from crosswiki.pipeline.renamed import RENAMED
from tests.documents import Document, documents, programs
from tests.tiny import ROOT, run

README = Document(Path("README.md"))
TUTORIAL = Document(Path("docs/tutorial.md"))
TEAM = Document(Path("docs/team.md"))  # test_team.py runs every command of it
CHANGELOG = Document(Path("CHANGELOG.md"))
DOCUMENTS = documents()
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# What takes minutes, hours or a network: its parts are checked instead.
LONG = (
    r"git clone ",
    r"crosswiki (export|predict (--file \S+\.(parquet|csv)|--model exported)) ?",  # test_bulk, test_export
    r"crosswiki new mine ",  # it needs files of the reader's
    r"make (quick|drill|check|test|bench|ablation|requirements)$",
    r"dvc exp run (-S \S+ ?)+$",
    r"dvc queue start ",
    r"python -m benchmarks\.(muse|packed|dump|texts|rows|serving|stages|suggest)\b",
    r"python -m benchmarks\.ablation write$",
    r"python -m pytest ",
)
# What is run here; in a clone whose environment is the one that the tests run in, make must not install it again.
HERE = {
    "crosswiki predict --file texts.jsonl > topics.jsonl": None,
    'crosswiki predict --why "La Loire est le plus long fleuve de France."': None,
    'crosswiki predict --pool "La Loire est le plus long fleuve de France."': None,
    "crosswiki neighbours water": None,
    "dvc exp run --queue -S distill.layers=2,3,6": None,
    "dvc plots diff HEAD": None,
    'python -m benchmarks.ablation queue --seeds 1 --rows "as it is" "without distillation"': None,
    "make readme": "make --old-file=.venv/ready readme",
    "python -m tests.closure": None,
}
ONLY_IN_THE_TUTORIAL = {"source", "cp", "cat", "curl", "mlflow"}
ONLY_FOR_A_TEAM = {"apt-get", "install", "runuser", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false", "ssh", "export"}


def every_command() -> list[tuple[Document, str]]:
    return [(document, command) for document in DOCUMENTS for command in document.commands()]


def is_run_by_the_tutorial(command: str) -> bool:
    """The tutorial has it, perhaps with more options."""
    return any(f"{other} ".startswith(f"{command} ") for other in TUTORIAL.commands())


def is_long(command: str) -> bool:
    return any(re.match(pattern, command) for pattern in LONG)


# --- The parts of commands


@cache
def parameters() -> dict[str, Any]:
    return read_yaml(ROOT / "params.yaml")


def with_settings(settings: list[str]) -> dict[str, Any]:
    """params.yaml as `-S key=value` changes it; a key that is not there stays out, as DVC refuses it."""
    changed = json.loads(json.dumps(parameters()))
    for setting in settings:
        key, _, value = setting.partition("=")
        *sections, name = key.split(".")
        place = changed
        named = sections[:2] == ["peers", "encoders"]  # what is below has names of the reader's choice
        for section in sections:
            assert section in place or named, f"{setting}: params.yaml has no {section}"
            place = place.setdefault(section, {})
        assert name in place or named, f"{setting}: params.yaml has no {key}"
        place[name] = YAML(typ="safe", pure=True).load(value)
    return changed


def check_settings(settings: list[str]) -> None:
    """The keys exist, the values are valid, and the corpus has the languages; `a=1,2` is several experiments."""
    choices = [setting for setting in settings if "," in setting and "=[" not in setting]
    for choice in choices[:1]:
        key, _, values = choice.partition("=")
        rest = [setting for setting in settings if setting != choice]
        for value in values.split(","):
            check_settings([*rest, f"{key}={value}"])
        return
    params = check(Parameters, with_settings(settings), Path("params.yaml"), RENAMED)
    if params.corpus in ("mine", "tickets", "acehnese"):  # the files that the reader writes
        return
    preset = load_preset(params.corpus, ROOT / "data/corpora")
    for role in params.roles:
        language_of(role, preset, params)


def check_git(arguments: list[str]) -> None:
    assert run(ROOT, "git", arguments[0], "-h", status=None).returncode == 129, arguments  # it shows its usage


def check_make(arguments: list[str]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    variables = set(re.findall(r"^(\w+) \?=", MAKEFILE, re.MULTILINE))
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        assert name in (variables if equals else targets), f"make {argument}"


def check_dvc(arguments: list[str]) -> None:
    from dvc.cli import parse_args
    from dvc.cli.parser import DvcParserError

    try:
        given = parse_args(arguments)
    except (DvcParserError, SystemExit) as error:
        raise AssertionError(f"dvc {' '.join(arguments)}: {error}") from error
    settings = getattr(given, "set_param", None) or []
    several = any("," in setting and "=[" not in setting for setting in settings)
    assert not several or given.queue, "several values are for --queue"
    check_settings(settings)


def check_python(arguments: list[str]) -> None:
    assert arguments[0] == "-m", arguments
    name, options = arguments[1], arguments[2:]
    if name == "pytest":
        assert all((ROOT / file).is_file() for file in options), options
    elif name == "crosswiki":
        check_crosswiki(options)
    else:
        path = ROOT / name.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), name
        assert_options(name, tuple(option for option in options if option.startswith("-")))


def assert_options(module: str, options: tuple[str, ...]) -> None:
    source = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    if "ArgumentParser" in source:
        described = help_of(module)
        assert all(re.search(rf"{option}\b", described) for option in options), (module, options)
    else:
        assert not options, f"{module} takes no options, found {options}"


@cache
def help_of(module: str) -> str:
    """What `python -m` it says with --help; in this process, which has imported most of what it needs."""
    given, said = sys.argv, io.StringIO()
    sys.argv = [module, "--help"]
    try:
        with redirect_stdout(said), pytest.raises(SystemExit) as ended:
            runpy.run_module(module, run_name="__main__")
    finally:
        sys.argv = given
    assert ended.value.code == 0
    return said.getvalue()


def check_crosswiki(arguments: list[str]) -> None:
    if arguments in (["--help"], ["COMMAND"]):
        return
    name, *rest = arguments
    assert name in COMMANDS, f"crosswiki {name}"
    parser = argparse.ArgumentParser(allow_abbrev=False)
    COMMANDS[name].add_arguments(parser)
    try:
        unknown = parser.parse_known_args(rest)[1]
    except SystemExit:  # an argument is missing: `crosswiki neighbours` by itself is the command's name
        unknown = rest
    assert not unknown, f"crosswiki {' '.join(arguments)}"


CHECKS = {
    "git": check_git,
    "make": check_make,
    "dvc": check_dvc,
    "python": check_python,
    "crosswiki": check_crosswiki,
}


def check_parts(command: str) -> None:
    for program, *arguments in programs(command):
        if program not in {"cd", *ONLY_IN_THE_TUTORIAL, *ONLY_FOR_A_TEAM}:
            assert program in CHECKS, f"{command}: who checks {program}?"
            CHECKS[program](arguments)


# --- Commands


def test_every_document_is_read() -> None:
    names = {str(document.path) for document in DOCUMENTS}
    expected = {"method", "corpora", "results", "decisions", "honesty", "development", "tutorial", "troubleshooting"}
    assert names >= {"README.md", "CHANGELOG.md", *(f"docs/{name}.md" for name in expected)}
    assert len(every_command()) > 40


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # a module that other tests import too
@pytest.mark.parametrize(("document", "command"), every_command(), ids=lambda value: str(getattr(value, "path", value)))
def test_each_command_is_run_here_or_by_the_tutorial_or_its_parts_are_real(document: Document, command: str) -> None:
    run_by_a_test = is_run_by_the_tutorial(command) or command in TEAM.commands()
    assert command in HERE or run_by_a_test or is_long(command), f"{command}: nothing runs it"
    if document.path not in (TUTORIAL.path, TEAM.path):
        named = {program for program, *_ in programs(command)} & (ONLY_IN_THE_TUTORIAL | ONLY_FOR_A_TEAM)
        assert not named or run_by_a_test, f"{command}: its parts are not checked"
    check_parts(command)


def test_the_tutorials_commands_are_in_its_chapters() -> None:
    """The tutorial's tests follow its numbered chapters."""
    before, *chapters = re.split(r"^## ", TUTORIAL.text, flags=re.MULTILINE)
    assert [chapter.partition(".")[0] for chapter in chapters] == [str(n + 1) for n in range(len(chapters))]
    assert "```sh" not in before


@pytest.mark.parametrize(
    "wrong",
    [
        "dvc exp run -S finetune_target.lables=500",
        "dvc exp run -S finetune_target.worth=500",
        "dvc exp run -S distill.layers=none",
        "dvc exp run -S distill.layers=2,3",
        "dvc exp run -S corpus=nowhere",
        "dvc exp run -S download.languages.target=de",
        "dvc exp run --quickly",
        "dvc exq run",
        "make repo",
        "make repro PORTS=1",
        "python -m benchmarks.muse --must FOLDER",
        "python -m benchmarks.music",
        "python -m tests.closure --fast",
        "crosswiki predict --fil texts",
        "crosswiki guess",
        "git clown there",
        "rm everything",
    ],
)
def test_what_is_not_there_is_noticed(wrong: str) -> None:
    with pytest.raises((AssertionError, UserError)):
        check_parts(wrong)


@pytest.fixture(scope="module")
def finished(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished clone, in which commands may change what they like."""
    folder = Path(shutil.copytree(finished, tmp_path_factory.mktemp("documents") / "project"))
    (folder / "texts.jsonl").write_text(
        '{"text": "长江是中国最长的河流。"}\n{"text": "狗是一种动物。"}\n', encoding="utf-8"
    )
    return folder


@pytest.fixture(scope="module")
def answers(finished: Path) -> dict[str, str]:
    """What each command that is run here prints, in the documents' order."""
    lines = dict.fromkeys(command for _, command in every_command() if command in HERE)
    return {line: run(finished, "bash", "-ec", HERE[line] or line).stdout for line in lines}


@pytest.mark.timeout(1200)
def test_commands_do_what_the_documents_say(finished: Path, answers: dict[str, str]) -> None:
    assert set(answers) == set(HERE), "what no document has need not be run"
    topics = [json.loads(line) for line in (finished / "topics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["language"] for row in topics] == ["zh", "zh"]
    assert all(
        row["topic"] in json.loads((finished / "models/source/config.json").read_text())["label2id"] for row in topics
    )
    assert [line[:2] for line in answers["crosswiki neighbours water"].splitlines()] == ["en", "zh", "ru"]
    queued = run(finished, "dvc", "queue", "status").stdout
    assert queued.count("Queued") == 5  # three students, and two rows of the ablation
    assert {"ablation-as-it-is-seed-1", "ablation-without-distillation-seed-1"} <= set(queued.split())
    assert (finished / "dvc_plots/index.html").is_file()
    assert run(finished, "git", "diff", "--name-only").stdout.split() == ["README.md"]  # by make readme


@pytest.mark.timeout(1200)
def test_files_that_are_named_exist_when_all_has_run(finished: Path) -> None:
    outputs = re.compile(r"(data|models|metrics|docs|tests|stages|crosswiki|benchmarks|\.ci|\.dvc)/[\w./-]*")
    for document in DOCUMENTS:
        for path in document.code():
            if outputs.fullmatch(path) and path != "data/corpora/mine.yaml" and document.path != CHANGELOG.path:
                assert (finished / path).exists() or (ROOT / path).exists(), f"{document.path}: {path}"


# --- What stands in lines of text


def test_inline_commands_are_real() -> None:
    found = [
        (document, code)
        for document in DOCUMENTS
        if document.path != CHANGELOG.path  # which has what was there before
        for code in document.code()
        if code.partition(" ")[0] in CHECKS and " " in code
    ]
    assert len(found) > 20
    for _, code in found:
        check_parts(code)


def test_inline_parameters_exist_and_their_values_are_valid() -> None:
    pattern = re.compile(r"(?:-S )?([a-z_]+(?:\.[a-z_]+)+)(?:(?:: |=)(\S+))?")
    seen = 0
    for document in DOCUMENTS:
        text = document.prose
        if document.path == CHANGELOG.path:
            text = re.sub(r"^\| `[^`]+` \|", "|", text, flags=re.MULTILINE)  # the old names
        for code in re.findall(r"`([^`\n]+)`", text):
            match = pattern.fullmatch(code)
            if match and match[1].partition(".")[0] in Parameters.model_fields:
                seen += 1
                place: Any = parameters()
                for key in match[1].split("."):
                    assert key in place, f"{document.path}: {code}"
                    place = place[key]
                if match[2]:
                    check_settings([f"{match[1]}={match[2]}"])
    assert seen > 40


def test_yaml_blocks_are_presets_or_parameters() -> None:
    """Some are whole presets, others a preset's `labels` or `dictionaries`, or sections of params.yaml."""
    blocks = [(document, block) for document in DOCUMENTS for block in document.blocks("yaml")]
    assert blocks
    for document, block in blocks:
        content = yaml.safe_load(block)
        if "kind" in content:
            TypeAdapter(Preset).validate_python(content, strict=True)
        elif set(content) == {"labels"}:
            Labels.model_validate(content["labels"])
        elif set(content) == {"dictionaries"}:
            TypeAdapter(dict[str, list[WordList]]).validate_python(content["dictionaries"])
        else:
            assert set(content) <= set(Parameters.model_fields), f"{document.path}: {sorted(content)}"
            settings = [f"{key}={json.dumps(value)}" for key, value in flat(content).items()]
            check_settings(settings)


@pytest.mark.parametrize("name", ["wikipedia", "dump"])
def test_presets_and_documents_say_what_crosswiki_new_proposes_for_a_wikipedia(name: str) -> None:
    preset = (ROOT / f"data/corpora/{name}.yaml").read_text(encoding="utf-8")
    comment = "\n".join(line.removeprefix("#") for line in preset.splitlines() if line.startswith("#"))
    [shipped] = re.findall(r"dvc exp run((?: (?:\\\s+)?-S \S+)+)", comment)
    settings = shipped.replace("\\\n", " ").split()[1::2]
    check_settings(settings)
    assert settings == [f"corpus={name}", *LARGE, "finetune_source.labels=8000"]
    if name == "wikipedia":
        document = Document(Path("docs/corpora.md"))
        assert " ".join(["dvc exp run", *(f"-S {setting}" for setting in settings)]) in document.commands()


def flat(values: dict[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return found


def test_the_kinds_and_their_keys_are_those_of_the_presets() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| .* \| ((?:`\w+`(?:, )?)+) \|$", Document(Path("docs/corpora.md")).text, re.MULTILINE
    )
    described = {kind: set(re.findall(r"`(\w+)`", keys)) for kind, keys in rows}
    models: tuple[type[BaseModel], ...] = Preset.__args__  # type: ignore[attr-defined]
    assert described == {
        model.model_fields["kind"].annotation.__args__[0]: set(model.model_fields)
        - {"kind", "languages", "dictionaries", "similarities", "labelled", "unlabelled"}  # type: ignore[union-attr]
        for model in models
    }


def test_the_method_has_every_stage_and_every_initialisation() -> None:
    first_cells = re.findall(r"^\| \[?`([\w@,]+)`", Document(Path("docs/method.md")).text, re.MULTILINE)
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert {cell.partition("@")[0] for cell in first_cells} == {*stages, *INITIALISATIONS}


def test_the_changelog_has_every_renamed_parameter() -> None:
    rows = dict(re.findall(r"^\| `([\w.]+)` \| `([\w.]+)` \|$", CHANGELOG.text, re.MULTILINE))
    assert rows == RENAMED


def test_messages_in_troubleshooting_are_those_of_the_program() -> None:
    """Those of the shell aside."""
    literals = [MAKEFILE]
    for path in [*(ROOT / "crosswiki").rglob("*.py"), *(ROOT / "stages").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                literals.append("".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                literals.append(node.value)
    rows = re.findall(r"^\| `([^`]+)` \|", Document(Path("docs/troubleshooting.md")).text, re.MULTILINE)
    messages = [message for message in rows if not message.startswith("dvc: ")]
    assert len(messages) > 20
    for message in messages:
        assert any(message in literal for literal in literals), message


def test_figures_in_the_text_are_those_of_the_committed_run() -> None:
    def measured(name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((ROOT / "metrics" / name).read_text(encoding="utf-8"))
        return found

    labels = {role: measured(f"finetune_{role}.json")["labels"] for role in ("source", "target")}
    teacher = measured("sizes.json")["teacher"]
    said = {
        "README.md": (
            f"fine-tuned on {labels['source']:,} English labels",
            f"learn from the same {labels['target']:,} French labels",
            f"a BERT of {teacher['layers']} layers and {teacher['parameters'] / 1e6:.1f} M parameters",
        ),
        "docs/honesty.md": (
            f"{measured('corpus/target.json')['linked']:,} between English and French",
            f"{measured('finetune_source.json')['topics']} topics in English",
            f"{len(measured('corpus/test.json')['labels']['test'])} in Spanish",
        ),
    }
    for name, sentences in said.items():
        for sentence in sentences:
            assert sentence in Document(Path(name)).text, f"{name}: {sentence}"


# --- The documents as such


def test_links_and_anchors_lead_somewhere() -> None:
    by_path = {document.path: document for document in DOCUMENTS}
    seen = 0
    for document in DOCUMENTS:
        for link in document.links():
            if link.startswith("https://"):
                continue
            seen += 1
            file, _, anchor = link.partition("#")
            target = (ROOT / document.path.parent / file).resolve() if file else ROOT / document.path
            assert target.exists(), f"{document.path}: {link}"
            assert target.is_relative_to(ROOT), f"{document.path}: {link}"
            if anchor:
                assert anchor in by_path[target.relative_to(ROOT)].anchors(), f"{document.path}: {link}"
    assert seen > 40


def test_every_document_is_linked_from_the_readme() -> None:
    linked = {Path(link.partition("#")[0]) for link in README.links()}
    assert {document.path for document in DOCUMENTS} - {README.path} <= linked


def test_the_readme_is_short() -> None:
    assert len(README.text.splitlines()) <= 120


def test_pictures_are_small() -> None:
    pictures = [*(ROOT / "docs").glob("*.png"), *(ROOT / "docs").glob("*.svg")]
    assert ROOT / "docs/systems.png" in pictures
    assert all(picture.stat().st_size < 150_000 for picture in pictures)


def test_no_document_names_a_path_of_a_machine() -> None:
    pattern = re.compile(
        r"(?<![\w.:/<>~-])/(?:home|root|work|tmp|Users|usr|opt|mnt|srv|var|etc|data)\b|\b[A-Z]:\\|file://"
    )
    assert pattern.search("see /tmp/x") and pattern.search("(/home/me)")  # it finds what it is for
    for document in DOCUMENTS:
        found = pattern.search(document.text)
        assert not found, f"{document.path}: {found[0] if found else ''}"
