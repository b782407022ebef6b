"""finetune_source: fine-tune the pretrained source model on source topics. It becomes the teacher."""

from pathlib import Path

from crosswiki.bert.finetuning import finetune
from crosswiki.bert.memory import memory_of
from crosswiki.bert.mixtures import reading_mixtures, token_vectors
from crosswiki.bert.models import read_pairs, save_classifier
from crosswiki.bert.pretrained import load_pretrained
from crosswiki.bert.schedules import schedule_of
from crosswiki.bert.training import curve
from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.labels import check_source
from crosswiki.corpora.pairs import PAIR
from crosswiki.corpora.splits import labelled
from crosswiki.embeddings.alignment import standardise
from crosswiki.embeddings.round_trip import with_round_trips
from crosswiki.embeddings.vectors import load_vectors
from crosswiki.evaluation.confidence import calibrate_on
from crosswiki.evaluation.sizes import rehearse
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import replacing, save_curve, write_json
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.stage import run_stage, stage


def main() -> None:
    """Write models/source/, metrics/finetune_source.json and its loss curve."""
    params = load_parameters()
    settings = params.finetune_source
    with stage("finetune_source", params, settings) as run:
        articles = load_articles(Path("data/prepared/source/articles.parquet"))
        texts = labelled(articles, "train", settings.labels, params.seed)
        check_source(texts["topic"])
        validation = labelled(articles, "validation")
        topics = sorted(texts["topic"].unique())
        teacher = load_pretrained(settings.model, topics, params.seed)
        teacher.tokenizer.model_max_length = settings.max_length
        if PAIR in texts:
            read_pairs(teacher)
        rehearse(teacher, params.distill.layers, settings.model)
        device, schedule = choose_device(params.device), schedule_of(settings)
        lexicons = [Path("models/gloss") / role for role in params.roles if role != "source"]
        words = load_vectors(Path("models/skipgram/source"))
        vectors = token_vectors(teacher.tokenizer, words, standardise(words.vectors))
        with reading_mixtures(teacher, vectors, **settings.mixture_noise.model_dump()):
            history = finetune(
                teacher,
                with_round_trips(texts, lexicons, settings.round_trips, params.seed),
                schedule,
                seed=params.seed,
                device=device,
                what="finetune_source",
                report=run.metrics,
                class_weights=params.class_weights,
                memory=memory_of(params),
                depends=[settings.model_dump_json(), vectors],
            )
        summary: dict[str, float] = {"labels": len(texts), "topics": len(topics)}
        scores = calibrate_on(teacher, validation, device)
        scores.pop("validation_macro_f1", None)  # the target's alone, so that `dvc exp show` can sort by that name
        summary |= scores
        with replacing(Path("models/source"), directory=True) as folder:
            save_classifier(teacher, folder)
        save_curve(curve(history), Path("metrics/plots/loss/finetune_source.csv"))
        write_json(Path("metrics/finetune_source.json"), summary)
        run.metrics(summary)


if __name__ == "__main__":
    run_stage(main, ranks=True)
