"""adapt@target: fit the transplanted encoder to the target without labels. The output layer is not touched."""

import copy
from functools import partial
from pathlib import Path

import pandas

from crosswiki.bert.adaptation import (
    drift_from,
    encode_parallel,
    linked_articles,
    parallel_padding,
    parallel_texts,
    representation_loss,
)
from crosswiki.bert.masked_language import (
    all_but_embeddings,
    both_sides,
    language_heads,
    mask_tokens,
    masked_loss,
    masked_padding,
)
from crosswiki.bert.models import freeze_output_layer, load_classifier, save_classifier
from crosswiki.bert.training import History, Schedule, curve, train
from crosswiki.corpora.articles import load_articles
from crosswiki.embeddings.dictionary import load_dictionary
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import replacing, save_curve, write_json
from crosswiki.pipeline.parameters import MaskedLanguageModel, RepresentationDistillation, Role, load_parameters
from crosswiki.pipeline.stage import run_stage, stage

ROLE: Role = "target"
WATCHED = 200  # the source's validation texts that the drift is measured on


def schedule(own: RepresentationDistillation | MaskedLanguageModel) -> Schedule:
    """One pass over as many batches as there are steps."""
    return Schedule(1, own.batch_size, own.learning_rate, warmup_ratio=0.1, weight_decay=0.0, dropout=own.dropout)


def main() -> None:
    """Write models/adapted/, metrics/adapt.json and its curves."""
    params = load_parameters()
    parallel, masked = params.adapt.representation_distillation, params.adapt.masked_language_model
    with stage("adapt", params, params.adapt, ROLE) as run:
        teacher = load_classifier(Path("models/source"))
        adapted = load_classifier(Path("models/transplanted") / ROLE)
        freeze_output_layer(adapted.model)
        tokens, device = teacher.tokenizer.model_max_length, choose_device(params.device)
        articles = load_articles(Path("data/prepared") / ROLE / "articles.parquet")
        source = load_articles(Path("data/prepared/source/articles.parquet"))
        originals = source.loc[source["split"] == "train", "text"].tolist()
        watched = source.loc[source["split"] == "validation", "text"].tolist()[:WATCHED]
        embeddings = copy.deepcopy(teacher.model.get_input_embeddings())
        drift = drift_from(teacher, adapted, embeddings, watched, device) if watched else None
        fit = partial(train, adapted.model, seed=params.seed, device=device, report=run.metrics, measure=drift)
        histories: dict[str, History] = {"masked_language_model": [], "representation": []}
        if masked.steps:
            draw = partial(
                pandas.Series.sample, n=masked.steps * masked.batch_size, replace=True, random_state=params.seed
            )
            hide = partial(mask_tokens, tokens=tokens, share=masked.mlm_probability, seed=params.seed)
            texts = hide(draw(articles.loc[articles["split"] != "test", "text"]).tolist(), adapted.tokenizer)
            if masked.joint:
                texts = both_sides(texts, hide(draw(pandas.Series(originals)).tolist(), teacher.tokenizer))
            collate = masked_padding(adapted.tokenizer, teacher.tokenizer if masked.joint else None)
            waiting = [(masked.embeddings_only, all_but_embeddings(adapted.model))]
            both = (embeddings, len(teacher.tokenizer)) if masked.joint else None
            with language_heads(adapted, both, params.seed):
                histories["masked_language_model"] = fit(
                    texts,
                    masked_loss,
                    collate,
                    schedule(masked),
                    what="adapt masked",
                    waiting=waiting,
                    whole_table=True,
                )
        if parallel.steps:
            entries = load_dictionary(Path("models/aligned") / ROLE / "dictionary.tsv")
            words = dict(load_dictionary(Path("models/aligned") / ROLE / "glossary.tsv"))
            linked = linked_articles(source, articles)
            pairs = parallel_texts(linked, originals, words, entries, parallel, params.seed)
            texts = encode_parallel(pairs, teacher.tokenizer, adapted.tokenizer, tokens)
            loss = representation_loss(teacher.model)
            collate = parallel_padding(teacher.tokenizer, adapted.tokenizer)
            histories["representation"] = fit(texts, loss, collate, schedule(parallel), what="adapt")
        with replacing(Path("models/adapted"), directory=True) as folder:
            save_classifier(adapted, folder)
        plots = Path("metrics/plots")
        save_curve(curve(histories["representation"]), plots / "loss/adapt.csv")
        save_curve(curve(histories["masked_language_model"]), plots / "loss/adapt_masked.csv")
        after = [(step + masked.steps, value) for step, value in curve(histories["representation"], "drift")]
        together = curve(histories["masked_language_model"], "drift") + after
        save_curve(together, plots / "drift.csv", y="drift")
        summary = {f"{name}_loss": round(history[-1]["loss"], 6) for name, history in histories.items() if history}
        summary |= {"drift": together[-1][1]} if together else {}
        write_json(Path("metrics/adapt.json"), summary)
        run.metrics(summary)


if __name__ == "__main__":
    run_stage(main)
