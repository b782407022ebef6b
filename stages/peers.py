"""peers: what people take in place of a transfer: frozen multilingual encoders and a logistic regression."""

import time
from functools import partial
from pathlib import Path

from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.comparison import check_peers, split_for_testing
from crosswiki.evaluation.encoders import load_encoder
from crosswiki.evaluation.linear import encoded_texts, linear_classifier, topic_scores
from crosswiki.evaluation.predictions import Predictions, fewer_topics
from crosswiki.evaluation.sizes import PeerSize
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import replacing, write_json
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.presets import load_preset
from crosswiki.pipeline.stage import run_stage, stage


def main() -> None:
    """Write metrics/peers/: predictions on the test splits, and sizes."""
    params = load_parameters()
    settings = params.peers
    check_peers(settings.encoders)
    with stage("peers", params, settings) as run:
        device = choose_device(params.device)
        articles = {role: load_articles(Path("data/prepared") / role / "articles.parquet") for role in params.roles}
        tests = {role: split_for_testing(table, params.seed).texts for role, table in articles.items()}
        named = fewer_topics(articles, load_preset(params.corpus))
        predictions = {role: Predictions(table["id"].tolist(), named[role]) for role, table in tests.items()}
        train = labelled(articles["source"], "train", params.finetune_source.labels, params.seed)
        sizes: dict[str, PeerSize] = {}
        for name, chosen in settings.encoders.items():
            encoder = load_encoder(chosen, name, settings.max_length, device)
            features = encoded_texts(train, partial(encoder.encode, what=f"{name}: source labels"))
            linear = linear_classifier(features, train["topic"].tolist(), settings.c_values, params.class_weights)
            for role, table in tests.items():
                started = time.perf_counter()
                features = encoded_texts(table, partial(encoder.encode, what=f"{name}: {role}"))
                predictions[role].add(name, *topic_scores(linear, features))
                # Speed differs from run to run, so it is recorded in MLflow and in no output.
                speed = len(table) / (time.perf_counter() - started)
                run.metrics({f"{role}_{name}_texts_per_second": speed})
            sizes[name] = PeerSize(parameters=encoder.parameters, megabytes=round(encoder.megabytes, 6))
        with replacing(Path("metrics/peers"), directory=True) as folder:
            for role in params.roles:
                predictions[role].save(folder, role)
            write_json(folder / "sizes.json", sizes)


if __name__ == "__main__":
    run_stage(main)
