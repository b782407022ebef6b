"""adapt@target: fit the transplanted encoder to the target without labels. The output layer is not touched."""

import copy
from functools import partial
from pathlib import Path
from typing import Any

from crosswiki.bert import adaptation
from crosswiki.bert.masked_language import train_masked_language_model
from crosswiki.bert.memory import memory_of
from crosswiki.bert.models import freeze_output_layer, load_classifier, save_classifier
from crosswiki.bert.training import History, curve
from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.pairs import sides_of, texts_of
from crosswiki.corpora.word_pairs import load_dictionary
from crosswiki.embeddings.glossing import load_glosser
from crosswiki.evaluation.selection import Judge
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import replacing, save_curve, write_json
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.stage import run_stage, say, stage

ROLE: Role = "target"
DRIFT_TEXTS = 200  # texts of the source's validation split that the drift is measured on


def main() -> None:
    """Write models/adapted/, metrics/adapt.json and its curves."""
    params = load_parameters()
    settings = params.adapt
    distillation, masking = settings.representation_distillation, settings.masked_language_model
    with stage("adapt", params, settings, ROLE) as run:
        teacher = load_classifier(Path("models/source"))
        adapted = load_classifier(Path("models/transplanted") / ROLE)
        freeze_output_layer(adapted.model)
        articles = load_articles(Path("data/prepared") / ROLE / "articles.parquet")
        source = load_articles(Path("data/prepared/source/articles.parquet"))
        source_train = source[source["split"] == "train"]
        drift_texts = texts_of(source[source["split"] == "validation"])[:DRIFT_TEXTS]
        embeddings = copy.deepcopy(teacher.model.get_input_embeddings())
        device = choose_device(params.device)
        drift = adaptation.drift_from(teacher, adapted, embeddings, drift_texts, device) if drift_texts else None
        options: dict[str, Any] = {"seed": params.seed, "device": device, "memory": memory_of(params)}
        options |= {"report": run.metrics, "measure": drift}
        histories: dict[str, History] = {"masked_language_model": [], "representation": []}
        if masking.steps:
            texts = sides_of(articles[articles["split"] != "test"])
            histories["masked_language_model"] = train_masked_language_model(
                adapted, texts, teacher, embeddings, sides_of(source_train), masking, **options
            )
        if distillation.steps:
            entries = load_dictionary(Path("models/aligned") / ROLE / "dictionary.tsv")
            glosses = dict(load_dictionary(Path("models/aligned") / ROLE / "glossary.tsv"))
            words = Path("models/skipgram/source")  # the context that a gloss is chosen in
            load = partial(load_glosser, Path("models/gloss") / ROLE, words, params.gloss.context_weight)
            given = adaptation.linked_articles(source, articles), texts_of(source_train), glosses, entries, distillation
            language, task = str(source["language"].iloc[0]), adaptation.texts_of_the_task(articles, load)
            pairs = adaptation.parallel_texts(*given, params.seed, language, task)
            history = adaptation.distil_representations(teacher, adapted, pairs, distillation, **options)
            histories["representation"] = history

        before = load_classifier(Path("models/transplanted") / ROLE)
        lexicon = Path("models/gloss") / ROLE if params.transplant.lexicon_prior else None  # it is relied on
        choice = Judge(articles, source, teacher, device, params.seed, lexicon).choose(before, adapted)
        if choice.classifier is before:
            say(f"adapt: the step made the model worse, so the transplanted one is kept: {choice.metrics}")
        with replacing(Path("models/adapted"), directory=True) as folder:
            save_classifier(choice.classifier, folder)
        save_curve(curve(histories["representation"]), Path("metrics/plots/loss/adapt.csv"))
        save_curve(curve(histories["masked_language_model"]), Path("metrics/plots/loss/adapt_masked.csv"))
        drifts = curve(histories["masked_language_model"], "drift")
        drifts += [(step + masking.steps, value) for step, value in curve(histories["representation"], "drift")]
        save_curve(drifts, Path("metrics/plots/drift.csv"), y="drift")
        summary = {f"{name}_loss": round(history[-1]["loss"], 6) for name, history in histories.items() if history}
        summary |= ({"drift": drifts[-1][1]} if drifts else {}) | choice.metrics
        write_json(Path("metrics/adapt.json"), summary)
        run.metrics(summary)


if __name__ == "__main__":
    run_stage(main, ranks=True)
