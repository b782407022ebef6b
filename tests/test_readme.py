"""The README says what the committed run measured."""

import json
from pathlib import Path

from benchmarks.readme import rewritten

ROOT = Path(__file__).parent.parent


def test_the_readmes_table_is_the_committed_evaluation() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    evaluation = json.loads((ROOT / "metrics/evaluation.json").read_text(encoding="utf-8"))
    assert rewritten(readme, evaluation) == readme, "make readme"
    assert f"{100 * evaluation['target']['finetuned']['accuracy']:.1f} (" in readme


def test_every_make_target_in_the_readme_exists() -> None:
    import re

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    mentioned = set(re.findall(r"(?:^|`)make ([a-z]+)", readme, re.MULTILINE))
    assert {"repro", "ui", "test", "check"} <= mentioned <= targets
