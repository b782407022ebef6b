"""baselines: what a transfer must beat: linear classifiers that learn from the labels that the models learn from."""

from functools import partial
from pathlib import Path

import numpy
import pandas
from numpy.typing import NDArray

from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.pairs import texts_of
from crosswiki.corpora.splits import labelled
from crosswiki.corpora.text import segment
from crosswiki.embeddings.lookup import load_aligned
from crosswiki.evaluation.comparison import split_for_testing
from crosswiki.evaluation.label_curve import label_curve
from crosswiki.evaluation.linear import can_be_learnt, linear_classifier, text_vectors, tfidf, topic_scores
from crosswiki.evaluation.predictions import Predictions, fewer_topics
from crosswiki.pipeline.outputs import replacing
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.presets import load_preset
from crosswiki.pipeline.stage import run_stage, stage


def main() -> None:
    """Write metrics/baselines/, predictions on the test splits, and metrics/plots/labels.csv."""
    params = load_parameters()
    settings = params.baselines
    with stage("baselines", params, settings):
        articles = {role: load_articles(Path("data/prepared") / role / "articles.parquet") for role in params.roles}
        words_of = {role: partial(segment, language=str(table["language"].iloc[0])) for role, table in articles.items()}
        tests = {role: split_for_testing(table, params.seed).texts for role, table in articles.items()}
        named = fewer_topics(articles, load_preset(params.corpus))
        predictions = {role: Predictions(table["id"].tolist(), named[role]) for role, table in tests.items()}
        limits: dict[Role, int] = {
            "source": params.finetune_source.labels,
            "target": params.finetune_target.labels,
        }
        train = {role: labelled(articles[role], "train", limit, params.seed) for role, limit in limits.items()}
        for role, table in train.items():
            if can_be_learnt(table["topic"].tolist()):
                topics = table["topic"].tolist()
                machine = tfidf(texts_of(table), topics, settings.c_values, words_of[role], params.class_weights)
                predictions[role].add("tfidf", *topic_scores(machine, texts_of(tests[role])))

        vectors = load_aligned(params.roles)

        def averages(role: Role, table: pandas.DataFrame) -> NDArray[numpy.float32]:
            return text_vectors(table, words_of[role], vectors[role])

        source = train["source"]
        topics, features = source["topic"].tolist(), averages("source", source)
        linear = linear_classifier(features, topics, settings.c_values, params.class_weights)
        for role in params.roles[1:]:
            predictions[role].add("word_vectors", *topic_scores(linear, averages(role, tests[role])))

        with replacing(Path("metrics/baselines"), directory=True) as folder:
            for role in params.roles:
                predictions[role].save(folder, role)
        options = (settings.c_values, params.evaluate, params.seed, words_of["target"], params.class_weights)
        curve = label_curve(articles["target"], *options)
        with replacing(Path("metrics/plots/labels.csv")) as partial_file:
            curve.to_csv(partial_file, index=False, lineterminator="\n")


if __name__ == "__main__":
    run_stage(main)
