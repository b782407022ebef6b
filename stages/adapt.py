"""adapt@target: fit the transplanted encoder to the target without labels. The output layer is not touched."""

from functools import partial
from pathlib import Path

from stages.bert.adaptation import (
    MaskedLanguageHead,
    encode_parallel,
    linked_articles,
    mask_tokens,
    masked_loss,
    masked_padding,
    parallel_padding,
    parallel_texts,
    representation_loss,
)
from stages.bert.models import freeze_output_layer, load_classifier, save_classifier, seeded
from stages.bert.training import Schedule, train
from stages.command import command, stage
from stages.corpora.articles import load_articles
from stages.devices import choose_device
from stages.embeddings.dictionary import load_dictionary
from stages.evaluation.curves import save_curve
from stages.outputs import replacing, write_json
from stages.parameters import MaskedLanguageModel, Representation, Role, load_parameters

ROLE: Role = "target"


def schedule(own: Representation | MaskedLanguageModel) -> Schedule:
    """One pass over as many batches as there are steps."""
    return Schedule(1, own.batch, own.learning_rate, warmup=0.1, weight_decay=0.0, dropout=own.dropout)


def main() -> None:
    """Write models/adapted/, metrics/adapt.json and its loss curves."""
    params = load_parameters()
    parallel, masked = params.adapt.representation, params.adapt.masked_language_model
    with stage("adapt", params, params.adapt, ROLE) as run:
        teacher = load_classifier(Path("models/source"))
        adapted = load_classifier(Path("models/transplanted") / ROLE)
        freeze_output_layer(adapted.model)
        tokens = teacher.tokenizer.model_max_length
        fit = partial(train, adapted.model, seed=params.seed, device=choose_device(params.device), report=run.metrics)
        curves: dict[str, list[tuple[int, float]]] = {}
        articles = load_articles(Path("data/prepared") / ROLE / "articles.parquet")
        if masked.steps:
            read = articles[articles["split"] != "test"].sample(
                n=masked.steps * masked.batch, replace=True, random_state=params.seed
            )
            texts = mask_tokens(read["text"].tolist(), adapted.tokenizer, tokens, masked.masked, params.seed)
            with seeded(params.seed):
                adapted.model.masked_language_head = MaskedLanguageHead(
                    adapted.model.config.hidden_size,
                    adapted.model.get_input_embeddings().embedding_dim,
                    len(adapted.tokenizer),
                )
            collate = masked_padding(adapted.tokenizer)
            curves["masked_language_model"] = fit(texts, masked_loss, collate, schedule(masked), what="adapt masked")
            del adapted.model.masked_language_head
        if parallel.steps:
            entries = load_dictionary(Path("models/aligned") / ROLE / "dictionary.tsv")
            words = dict(load_dictionary(Path("models/aligned") / ROLE / "glossary.tsv"))
            source = load_articles(Path("data/prepared/source/articles.parquet"))
            originals = source.loc[source["split"] == "train", "text"].tolist()
            linked = linked_articles(source, articles)
            pairs = parallel_texts(linked, originals, words, entries, parallel, params.seed)
            texts = encode_parallel(pairs, teacher.tokenizer, adapted.tokenizer, tokens)
            loss = representation_loss(teacher.model)
            collate = parallel_padding(teacher.tokenizer, adapted.tokenizer)
            curves["representation"] = fit(texts, loss, collate, schedule(parallel), what="adapt")
        with replacing(Path("models/adapted"), directory=True) as folder:
            save_classifier(adapted, folder)
        save_curve(curves.get("representation", []), Path("metrics/plots/loss/adapt.csv"))
        save_curve(curves.get("masked_language_model", []), Path("metrics/plots/loss/adapt_masked.csv"))
        summary = {f"{name}_loss": round(curve[-1][1], 6) for name, curve in curves.items()}
        write_json(Path("metrics/adapt.json"), summary)
        run.metrics(summary)


if __name__ == "__main__":
    command(main)
