"""register: the target classifier, with its card, into MLflow's registry; the best one there is the champion."""

import hashlib
import os
from pathlib import Path

import pandas

from crosswiki.bert.models import load_classifier
from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.pairs import PAIR, each_side, texts_of
from crosswiki.corpora.splits import labelled
from crosswiki.pipeline.outputs import read_json, replacing
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.stage import run_stage, say, stage
from crosswiki.reporting.wording import language_name
from crosswiki.serving.card import model_card
from crosswiki.serving.facts import facts_of
from crosswiki.serving.registry import Candidate, publish

CARD = Path("metrics/model_card.md")
EXAMPLE = 200  # characters of the text that shows what the model reads


def digest_of(articles: pandas.DataFrame) -> str:
    """A digest of labelled articles: scores that were taken on the same ones can be compared."""
    columns = [name for name in ("id", "topic", "text", PAIR) if name in articles]
    rows = articles[columns].sort_values("id").to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(rows.encode()).hexdigest()[:16]


def shortened(texts: list[str]) -> list[str]:
    """The beginnings of texts."""
    return [text[:EXAMPLE] for text in texts]


def main() -> None:
    """Write metrics/model_card.md, and register models/target."""
    params = load_parameters()
    with stage("register", params, None) as run:
        folder, summary = Path("models/target"), read_json(Path("metrics/finetune_target.json"))
        articles = load_articles(Path("data/prepared/target/articles.parquet"))
        facts = facts_of(params, load_classifier(folder), summary)
        evaluation = read_json(Path("metrics/evaluation.json"))
        estimate = evaluation.get("estimated_accuracy", {}).get("target", {}).get("finetuned")
        card = model_card(facts, evaluation["target"], estimate)
        with replacing(CARD) as partial:
            partial.write_text(card, encoding="utf-8")
        run.picture(CARD, whole=True)
        tags = {"corpus": facts.corpus, "languages": f"{facts.source}-{facts.target}", "labels": str(facts.labels)}
        if name := os.environ.get("DVC_EXP_NAME"):
            tags["dvc_experiment"] = name
        candidate = Candidate(
            name=facts.name,
            folder=folder,
            about=f"Topics of texts in {language_name(facts.target)}, transferred from {language_name(facts.source)}",
            card=card,
            example=each_side(texts_of(articles[articles["split"] == "train"].head(1)), shortened)[0],
            corpus=digest_of(labelled(articles, "validation")),
            score=facts.validation.get("macro_f1"),
            tags=tags,
        )
        run.register(lambda client, parent, lock: say(f"register: {publish(candidate, client, parent, lock)}"))


if __name__ == "__main__":
    run_stage(main)
