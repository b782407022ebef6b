"""finetune_source: fine-tune the pretrained source model on source topics. It becomes the teacher."""

from pathlib import Path

from stages.bert.classification import encode, label_loss, padding, predict_topics
from stages.bert.mixtures import reading_mixtures, token_vectors
from stages.bert.models import load_pretrained, save_classifier
from stages.bert.training import curve, schedule_of, train
from stages.command import command, stage
from stages.corpora.articles import load_articles
from stages.corpora.splits import labelled
from stages.devices import choose_device
from stages.embeddings.alignment import standardise
from stages.embeddings.vectors import load_vectors
from stages.evaluation.curves import save_curve
from stages.evaluation.scores import accuracy
from stages.outputs import replacing, write_json
from stages.parameters import load_parameters


def main() -> None:
    """Write models/source/, metrics/finetune_source.json and its loss curve."""
    params = load_parameters()
    own = params.finetune_source
    with stage("finetune_source", params, own) as run:
        articles = load_articles(Path("data/prepared/source/articles.parquet"))
        texts = labelled(articles, "train", own.labels, params.seed)
        validation = labelled(articles, "validation")
        topics = sorted(texts["topic"].unique())
        teacher = load_pretrained(own.model, topics, params.seed)
        device = choose_device(params.device)
        teacher.tokenizer.model_max_length = own.tokens
        labels = texts["topic"].map(topics.index).tolist()
        words = load_vectors(Path("models/skipgram/source"))
        vectors = token_vectors(teacher.tokenizer, words, standardise(words.vectors))
        with reading_mixtures(teacher, vectors, **own.mixtures.model_dump()):
            history = train(
                teacher.model,
                encode(texts["text"].tolist(), teacher.tokenizer, own.tokens, labels=labels),
                label_loss,
                padding(teacher.tokenizer),
                schedule_of(own),
                seed=params.seed,
                device=device,
                what="finetune_source",
                report=run.metrics,
            )
        summary: dict[str, float] = {"labels": len(texts), "topics": len(topics)}
        if not validation.empty:
            said = predict_topics(teacher, validation["text"].tolist(), device, "validation")
            summary["validation_accuracy"] = round(accuracy(validation["topic"].tolist(), said), 6)
        with replacing(Path("models/source"), directory=True) as folder:
            save_classifier(teacher, folder)
        save_curve(curve(history), Path("metrics/plots/loss/finetune_source.csv"))
        write_json(Path("metrics/finetune_source.json"), summary)
        run.metrics(summary)


if __name__ == "__main__":
    command(main)
