"""neighbourhood: the labelled source articles whose topics vote on the nearest texts of the other languages.

The target's validation labels choose how they vote. For the test language they choose it on the target's texts as an
encoder reads them that is made in the same way as the test language's; nothing is trained.
"""

from dataclasses import asdict
from pathlib import Path

import pandas

from crosswiki.bert.models import load_classifier
from crosswiki.corpora.articles import load_articles, pick
from crosswiki.corpora.pairs import texts_of
from crosswiki.corpora.splits import labelled
from crosswiki.embeddings.lookup import load_aligned
from crosswiki.evaluation.comparison import MODELS
from crosswiki.evaluation.confidence import LEAST_LABELS
from crosswiki.evaluation.nearest_articles import REFERENCE, Reading, gather, places, read, save_neighbourhood
from crosswiki.evaluation.voting import choose_voting, first_voting
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import replacing, write_json
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.stage import run_stage, stage

JUDGED = {"target": MODELS["target"]["neighbours"], "test": MODELS["target"]["transplanted"]}  # encoders of the target


def main() -> None:
    """Write models/neighbourhood/ and metrics/neighbourhood.json."""
    params = load_parameters()
    settings = params.neighbourhood
    with stage("neighbourhood", params, settings) as run, replacing(Path("models/neighbourhood"), True) as folder:
        articles = {role: load_articles(Path("data/prepared") / role / "articles.parquet") for role in params.roles}
        languages = {role: str(table["language"].iloc[0]) for role, table in articles.items()}
        vectors, device = load_aligned(params.roles), choose_device(params.device)

        def reading(role: Role, place: str, texts: pandas.DataFrame, what: str) -> Reading:
            encoder = load_classifier(Path(place))
            return read(encoder, vectors[role], languages[role], texts_of(texts), device, f"{role} {what}")

        known = labelled(articles["source"], "train", params.finetune_source.labels, params.seed)
        topics = load_classifier(Path(MODELS["source"]["teacher"])).topics
        source, labels = reading("source", MODELS["source"]["teacher"], known, "train"), places(known["topic"], topics)
        train = {role: table[table["split"] == "train"].reset_index(drop=True) for role, table in articles.items()}
        references = {role: pick(table, REFERENCE, params.seed) for role, table in train.items()}
        validation = labelled(articles["target"], "validation")
        actual, summary = places(validation["topic"], topics), dict[str, float]()
        for role in params.roles[1:]:
            voting, reference = (
                first_voting(settings),
                reading(role, MODELS[role]["neighbours"], references[role], "train"),
            )
            if len(validation) >= LEAST_LABELS:
                texts = reading("target", JUDGED[role], validation, "validation")
                like = reference if role == "target" else reading("target", JUDGED[role], references["target"], "train")
                voting, right = choose_voting(source, labels, like, texts, actual, topics, settings)
                summary[f"{role}_validation_accuracy"] = round(right, 6)
            (folder / role).mkdir()
            save_neighbourhood(gather(source, labels, reference, topics, languages[role], voting), folder / role)
            summary |= {f"{role}_{name}": value for name, value in asdict(voting).items()}
        write_json(Path("metrics/neighbourhood.json"), {"articles": len(known), **summary})
        run.metrics(summary)


if __name__ == "__main__":
    run_stage(main)
