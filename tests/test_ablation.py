"""The ablation's table: from what DVC shows to means, intervals and what a label is worth."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from scipy.stats import ttest_1samp

from benchmarks.ablation import COLUMNS, ROWS, evaluations, experiment, gather, markdown, mean_of, worth
from crosswiki.pipeline.checked_yaml import check
from crosswiki.pipeline.parameters import Parameters, load_parameters


def shown(name: str, finetuned: float, **others: float) -> dict[str, Any]:
    target = {"finetuned": {"accuracy": finetuned}, "scratch": None}
    target |= {system: {"accuracy": value} for system, value in others.items()}
    scores = {"target": target, "test": {"transplanted": {"accuracy": 0.5}}}
    return {"name": name, "revs": [{"data": {"metrics": {"metrics/evaluation.json": {"data": scores}}}}]}


def test_rows_are_averaged_over_their_seeds_and_no_others() -> None:
    experiments = [
        shown(experiment("as it is", 1), 0.8),
        shown(experiment("as it is", 2), 0.9),
        shown(experiment("labels: 100", 1), 0.6, tfidf=0.4),
        shown("mine", 0.1),
        {**shown(experiment("as it is", 3), 0.95), "executor": {"state": "running"}},
        {**shown(experiment("as it is", 4), 0.95), "executor": {"state": "failed"}},
        {**shown(experiment("labels: 0", 1), 0.7), "executor": {"state": "success"}},
        {"name": experiment("labels: 500", 1), "revs": None},
        {"name": experiment("labels: 500", 2), "revs": [{"data": {"metrics": {}}}]},
    ]
    table = gather(evaluations(experiments))
    assert list(table) == ["as it is", "labels: 0", "labels: 100"]
    assert table["as it is"]["fine-tuned"].mean == pytest.approx(0.85)
    assert table["as it is"]["fine-tuned"].seeds == 2
    assert "from scratch" not in table["as it is"]
    assert table["labels: 100"]["TF-IDF"].half is None
    lines = markdown(table).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[4].startswith("| labels: 100 | 1 |")
    assert "| 60.0 |" in lines[4]


def test_intervals_are_those_of_a_t_test() -> None:
    values = [0.81, 0.84, 0.8]
    low, high = ttest_1samp(values, 0).confidence_interval(0.95)
    found = mean_of(values)
    assert (found.mean - (found.half or 0), found.mean + (found.half or 0)) == pytest.approx((low, high))


@pytest.mark.parametrize(("accuracy", "needed"), [(0.5, 100.0), (0.65, 100 * 10**0.5), (0.8, 1000.0), (0.81, None)])
def test_a_label_is_worth_what_the_baseline_needs_for_it(accuracy: float, needed: float | None) -> None:
    curve = [(10, 0.2), (100, 0.5), (1000, 0.8), (2000, 0.79)]
    found = worth({"fine-tuned": mean_of([accuracy])}, curve)
    assert found == (needed if needed is None else pytest.approx(needed))


def test_every_row_changes_parameters_that_there_are_and_has_a_name_of_its_own() -> None:
    names = {experiment(row, seed) for row in ROWS for seed in (1, 2)}
    assert len(names) == 2 * len(ROWS)
    default = load_parameters(Path("params.yaml"))
    for changes in ROWS.values():
        content = default.model_dump(mode="json")
        for change in changes:
            key, _, value = change.partition("=")
            *places, last = key.split(".")
            section = content
            for place in places:
                section = section[place]
            assert last in section
            section[last] = YAML(typ="safe", pure=True).load(value)
        changed = check(Parameters, content, Path("params.yaml"))
        assert (changed == default) == (changes == ())
    assert len(COLUMNS) == len(set(COLUMNS.values()))
