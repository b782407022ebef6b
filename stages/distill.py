"""distill: a smaller student learns from the teacher, without one target label. The output layer stays frozen.

Where source and target have an article on the same concept, the source's teacher reads the source's and the student
the target's; elsewhere the adapted teacher reads what the student reads.
"""

from pathlib import Path

from crosswiki.bert.classification import encode, padding, read_texts
from crosswiki.bert.distillation import UNKNOWN, batch_loss, merge, pair_articles
from crosswiki.bert.models import Classifier, fewer_layers, freeze_output_layer, load_classifier, save_classifier
from crosswiki.bert.training import curve, schedule_of, train
from crosswiki.corpora.articles import load_articles, pick
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import replacing, save_curve, write_json
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.stage import run_stage, stage


def main() -> None:
    """Write models/distilled/, metrics/distill.json and its loss curve."""
    params = load_parameters()
    own = params.distill
    with stage("distill", params, own) as run:
        teacher, adapted = load_classifier(Path("models/source")), load_classifier(Path("models/adapted"))
        device, tokens = choose_device(params.device), teacher.tokenizer.model_max_length
        source, target = (
            load_articles(Path(f"data/prepared/{role}/articles.parquet")) for role in ("source", "target")
        )
        target = target[target["split"] == "train"].reset_index(drop=True)
        target = pick(target, own.max_texts, params.seed, first=source.loc[source["split"] == "train", "concept"])
        lessons = pair_articles(target, source)
        texts = target["text"].tolist()
        linked = [text for text in lessons.source_texts if text is not None]
        others = [text for text, source in zip(texts, lessons.source_texts, strict=True) if source is None]
        by_source = read_texts(teacher, linked, tokens, device, "teacher reads source", hidden=own.hidden_weight > 0)
        by_target = read_texts(adapted, others, tokens, device, "teacher reads target", hidden=own.hidden_weight > 0)
        has_source = [source is not None for source in lessons.source_texts]
        logits, states = (merge(has_source, *pair) for pair in zip(by_source, by_target, strict=True))
        taught = {
            "teacher_logits": logits.tolist(),
            **({"teacher_states": states.tolist()} if own.hidden_weight else {}),
        }
        student = Classifier(
            fewer_layers(adapted.model, own.layers or max(1, adapted.model.config.num_hidden_layers // 2)),
            adapted.tokenizer,
        )
        freeze_output_layer(student.model)
        labels = [teacher.topics.index(topic) if topic in teacher.topics else UNKNOWN for topic in lessons.topics]
        history = train(
            student.model,
            encode(texts, student.tokenizer, tokens, labels=labels, **taught),
            batch_loss(own.temperature, own.soft_weight, own.hidden_weight),
            padding(student.tokenizer),
            schedule_of(own),
            seed=params.seed,
            device=device,
            what="distill",
            report=run.metrics,
        )
        with replacing(Path("models/distilled"), directory=True) as folder:
            save_classifier(student, folder)
        save_curve(curve(history), Path("metrics/plots/loss/distill.csv"))
        summary = {
            "texts": len(texts),
            "linked": len(linked),
            "layers": student.model.config.num_hidden_layers,
            "parameters": student.model.num_parameters(),
            "teacher_parameters": teacher.model.num_parameters(),
        }
        write_json(Path("metrics/distill.json"), summary)
        run.metrics(summary)


if __name__ == "__main__":
    run_stage(main)
