"""The labelled articles that are named for a text, against planted readings and the formula of their votes."""

import argparse
import math
from pathlib import Path

import pandas
import pytest
import torch

from crosswiki.commands import predict
from crosswiki.corpora.text import Spelling
from crosswiki.evaluation import voters
from crosswiki.evaluation.nearest_articles import Neighbourhood, Reading, Voting, gather, save_neighbourhood
from crosswiki.evaluation.voters import Voters, load_voters
from crosswiki.pipeline.errors import UserError
from tests.test_nearest_articles import TOPICS, planted
from tests.tiny import ROOT

VOTING = Voting(vectors_weight=2.0, neighbours=7, temperature=0.1, encoder_share=0.25)


def neighbourhood() -> tuple[Neighbourhood, Reading, torch.Tensor]:
    source, labels = planted(60, seed=1)
    texts, actual = planted(90, seed=2)
    return gather(source, labels, texts, TOPICS, "fr", VOTING), texts, actual


def test_the_nearest_articles_are_named_with_their_topics_and_votes(monkeypatch: pytest.MonkeyPatch) -> None:
    place, reading, actual = neighbourhood()
    seen: list[list[str]] = []

    def read(_encoder: object, _words: object, language: str, texts: list[str], *_: object) -> Reading:
        seen.append([language, *texts])
        return Reading(*(part[: len(texts)] for part in (reading.logits, reading.states, reading.words)))

    monkeypatch.setattr(voters, "read", read)
    titles = [f"Title {row}" for row in range(60)]
    asked = Voters(place, titles, None, None, Spelling(), torch.device("cpu"))  # type: ignore[arg-type]
    named = asked.nearest(["L’e\N{COMBINING ACUTE ACCENT}té", "b", None, "\udc80"])
    assert seen == [["fr", "L’été", "b", "", ""]], "as `prepare` normalises; a gap is an empty text"
    found = place.nearest(reading)
    for text, nearest in enumerate(named):
        strengths = [math.exp(similarity / VOTING.temperature) for similarity in found.similarity[text].tolist()]
        expected = [strength / sum(strengths) for strength in strengths]
        rows = found.rows[text].tolist()
        assert [voter.title for voter in nearest] == [titles[row] for row in rows[:5]]
        assert [voter.vote for voter in nearest] == pytest.approx(expected[:5], abs=1e-5)
        assert [voter.topic for voter in nearest] == [TOPICS[row % 3] for row in rows[:5]]
        assert nearest[0].topic == TOPICS[int(actual[text])]


def test_a_run_without_a_neighbourhood_and_one_with_other_labels_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    with pytest.raises(UserError, match="models/neighbourhood/target: no neighbourhood there: run the stage"):
        load_voters("target")
    folder = tmp_path / "models/neighbourhood/target"
    folder.mkdir(parents=True)
    save_neighbourhood(neighbourhood()[0], folder)
    (tmp_path / "data/prepared/source").mkdir(parents=True)
    other = {"id": ["1"], "title": [None], "text": ["a"], "topic": ["art"], "concept": ["1"], "split": ["train"]}
    pandas.DataFrame(other).to_parquet(tmp_path / "data/prepared/source/articles.parquet")
    with pytest.raises(UserError, match="made of other labelled articles than there are now: run dvc repro"):
        load_voters("target")


@pytest.mark.parametrize("option", ["--model", "--out"])
def test_why_goes_with_no_other_model_and_no_table(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    predict.add_arguments(parser)
    arguments = parser.parse_args(["--why", "--file", "texts.jsonl", option, "other.csv"])
    with pytest.raises(SystemExit):
        predict.run(argparse.Namespace(**vars(arguments), parser=parser))
    assert f"{option} does not go with it" in capsys.readouterr().err
