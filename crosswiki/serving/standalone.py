"""A folder with a classifier that stands alone: for transformers, for ONNX Runtime, for a hub, without crosswiki."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from crosswiki.corpora.pairs import Text
from crosswiki.pipeline.outputs import write_json
from crosswiki.serving.answers import load_reader
from crosswiki.serving.conversion import Agreement, can_convert, compare, convert

LIBRARY = Path(__file__).parents[1]
# The modules of crosswiki that answer texts; the folder gets them as they are.
MODULES = (
    *("__init__", "bert/__init__", "bert/precision", "bert/truncation", "corpora/__init__", "corpora/pairs"),
    *("corpora/text", "pipeline/__init__", "pipeline/devices", "pipeline/errors", "pipeline/ranks"),
    *("serving/__init__", "serving/answers", "serving/encoding", "serving/onnx", "serving/pytorch"),
)
PREDICT = '''"""Say the topic of texts, as JSON Lines: python predict.py TEXT…, or lines from a pipe.

A model that has learnt from pairs reads them as JSON, {"text": …, "pair": …}, and in `answer`, which is for programs,
as tuples. It needs what requirements.txt names, and nothing else.
"""

import json
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path

from crosswiki.corpora.pairs import Text, in_pair
from crosswiki.serving.answers import Answer, Reader, load_reader

FOLDER = Path(__file__).parent


@cache
def reader() -> Reader:
    return load_reader(FOLDER, runtime="RUNTIME")


def answer(texts: list[Text], abstain: float = 0.0) -> list[Answer]:
    """Topic, probability and all probabilities of each text; no topic below the probability `abstain`."""
    return reader().answer(texts, abstain)


def row_of(line: str) -> dict[str, str]:
    return json.loads(line) if reader().pairs and line.startswith("{") else {"text": line}


if __name__ == "__main__":
    rows = [row_of(line) for line in sys.argv[1:] or [line.rstrip("\\n") for line in sys.stdin]]
    for row, found in zip(rows, answer([in_pair(row["text"], row.get("pair")) for row in rows]), strict=True):
        print(json.dumps({**row, **asdict(found)}, ensure_ascii=False))
'''


def write_standalone(folder: Path, licences: str, card: str, texts: Sequence[Text]) -> dict[str, Agreement]:
    """Add what makes a saved classifier's folder stand alone.

    Args:
        folder: a classifier, as `save_classifier` wrote it, with its language in config.json.
        licences: text on the licences of what the model was made of.
        card: the model card, to which the use of the folder is added.
        texts: on which ONNX is compared with PyTorch.

    Returns:
        How far the answers of each ONNX file are from PyTorch's in float32; empty without the packages of the extra,
        and for an architecture that cannot be converted.
    """
    agreements: dict[str, Agreement] = {}
    if can_convert() and convert(folder):
        exact = load_reader(folder, exact=True)
        agreements = {name: compare(exact, load_reader(folder, runtime=name), texts) for name in ("onnx", "int8")}
        write_json(folder / "onnx/agreement.json", {name: asdict(found) for name, found in agreements.items()})
    for module in MODULES:
        copy = folder / "crosswiki" / f"{module}.py"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(LIBRARY / f"{module}.py", copy)
    (folder / "predict.py").write_text(PREDICT.replace("RUNTIME", "onnx" if agreements else "torch"), encoding="utf-8")
    language = json.loads((folder / "config.json").read_text(encoding="utf-8"))["language"]
    packages = ["numpy", "regex", "tokenizers", *(["opencc"] if language == "zh" else [])]
    packages += ["onnxruntime"] if agreements else ["safetensors", "torch", "transformers"]
    pins = [f"{package}=={version(package).partition('+')[0]}" for package in sorted(packages)]
    (folder / "requirements.txt").write_text("\n".join(pins) + "\n", encoding="utf-8")
    licence = next(place for place in (LIBRARY.parent / "LICENSE", LIBRARY / "LICENSE") if place.is_file())
    shutil.copyfile(licence, folder / "LICENSE")
    (folder / "NOTICE").write_text(licences, encoding="utf-8")
    (folder / "README.md").write_text(card.rstrip() + "\n\n" + _use(agreements), encoding="utf-8")
    return agreements


def _use(agreements: Mapping[str, Agreement]) -> str:
    lines = [
        "## This folder",
        "",
        "It stands alone. `predict.py` normalises texts, applies the temperature of the calibration (which "
        "transformers' pipelines do not) and needs only what `requirements.txt` names:",
        "",
        "```",
        "pip install -r requirements.txt",
        'python predict.py "…"',
        "```",
    ]
    if any(found.texts for found in agreements.values()):
        lines += [
            "",
            "| ONNX | same topic as PyTorch in float32 | largest difference of a probability |",
            "|---|---|---|",
        ]
        lines += [
            f"| {name} | {found.same_topic} of {found.texts} texts | {found.largest_difference:.6f} |"
            for name, found in agreements.items()
        ]
    return "\n".join(lines) + "\n"
