"""Writes the evaluation table into README.md, from metrics/evaluation.json as it is committed: `make readme`."""

import json
import re
from pathlib import Path
from typing import Any

MARKS = "<!-- evaluation -->", "<!-- /evaluation -->"
LANGUAGE = {"source": "English (source)", "target": "French (target)", "test": "Spanish (test)"}


def table(evaluation: dict[str, Any]) -> str:
    """The evaluation as a Markdown table, in percent."""
    lines = ["| language | system | accuracy | macro-F1 | articles |", "| --- | --- | --- | --- | --- |"]
    for role in (role for role in LANGUAGE if role in evaluation):
        systems = evaluation[role]
        for system, scores in systems.items():
            if scores is None:
                continue
            cells = [
                f"{100 * scores[name]:.1f} ({100 * scores[name + '_low']:.1f}–{100 * scores[name + '_high']:.1f})"
                for name in ("accuracy", "macro_f1")
            ]
            lines.append(f"| {LANGUAGE[role]} | `{system}` | {cells[0]} | {cells[1]} | {scores['n']:,} |")
    for role, topics in evaluation.get("named_topics", {}).items():
        among = [
            f"`{system}` {100 * scores['among_named_topics']['accuracy']:.1f}"
            for system, scores in evaluation[role].items()
            if scores and "among_named_topics" in scores
        ]
        named = f"The corpus names {topics['named']} of the {topics['all']} topics for {LANGUAGE[role]}, and counts"
        lines += ["", f"{named} every other answer as wrong. Accuracy among those alone: {', '.join(among)}."]
    return "\n".join(lines)


def rewritten(readme: str, evaluation: dict[str, Any]) -> str:
    """The README with the table between its marks replaced."""
    pattern = re.compile(f"{MARKS[0]}.*?{MARKS[1]}", re.DOTALL)
    return pattern.sub(lambda _: f"{MARKS[0]}\n{table(evaluation)}\n{MARKS[1]}", readme)


if __name__ == "__main__":
    path = Path("README.md")
    evaluation = json.loads(Path("metrics/evaluation.json").read_text(encoding="utf-8"))
    path.write_text(rewritten(path.read_text(encoding="utf-8"), evaluation), encoding="utf-8")
