"""distill: a smaller student learns from the teacher, without one target label. The output layer stays frozen.

Of a linked article the source's teacher reads the source's text; of others, `distill.teachers` read the student's.
"""

from pathlib import Path

from crosswiki.bert.classification import encode, label_weights, padding
from crosswiki.bert.distillation import UNKNOWN, batch_loss, carry_labels, pair_articles
from crosswiki.bert.memory import memory_of
from crosswiki.bert.models import Classifier, fewer_layers, freeze_output_layer, load_classifier, save_classifier
from crosswiki.bert.schedules import schedule_of
from crosswiki.bert.training import curve, train
from crosswiki.corpora.articles import load_articles, pick
from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.confidence import calibrate_on
from crosswiki.evaluation.selection import Judge
from crosswiki.evaluation.teachers import Panel, prepare_lessons
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import replacing, save_curve, write_json
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.stage import run_stage, say, stage


def main() -> None:
    """Write models/distilled/, metrics/distill.json and its loss curve."""
    params = load_parameters()
    settings = params.distill
    with stage("distill", params, settings) as run:
        teacher, adapted = load_classifier(Path("models/source")), load_classifier(Path("models/adapted"))
        student = Classifier(fewer_layers(adapted.model, settings.layers), adapted.tokenizer)
        device, tokens = choose_device(params.device), teacher.tokenizer.model_max_length
        source, articles = (load_articles(Path(f"data/prepared/{role}/articles.parquet")) for role in params.roles[:2])
        target = articles[articles["split"] == "train"].reset_index(drop=True)
        target = pick(target, settings.max_texts, params.seed, first=source.loc[source["split"] == "train", "concept"])
        known = labelled(source, "train", params.finetune_source.labels, params.seed)
        lexicon = Path("models/gloss/target") if "glossed" in settings.teachers or settings.carried_labels else None
        paired = pair_articles(target, source) + carry_labels(known, lexicon, settings.carried_labels, params.seed)
        panel = Panel(settings.teachers, teacher, adapted, params.gloss.context_weight, device)
        lessons = prepare_lessons(panel, paired, articles, known["topic"] if params.source_shares else ())
        labels = [teacher.topics.index(topic) if topic in teacher.topics else UNKNOWN for topic in paired.topics]
        freeze_output_layer(student.model)
        weights = label_weights(labels, len(teacher.topics), params.class_weights)
        history = train(
            student.model,
            encode(
                paired.texts, student.tokenizer, tokens, labels=labels, **lessons.columns(settings.hidden_weight > 0)
            ),
            batch_loss(settings.temperature, settings.soft_weight, settings.hidden_weight, weights),
            padding(student.tokenizer),
            schedule_of(settings),
            seed=params.seed,
            device=device,
            what="distill",
            report=run.metrics,
            memory=memory_of(params),
            depends=[settings.model_dump_json(), params.class_weights],
        )
        judge = Judge(articles, source, teacher, device, params.seed, lexicon)
        choice = judge.choose(adapted, student, settings.max_loss)
        if choice.classifier is adapted:
            say(f"distill: the student lost more than distill.max_loss, so the teacher is kept: {choice.metrics}")
        calibration = calibrate_on(choice.classifier, labelled(articles, "validation"), device)
        with replacing(Path("models/distilled"), directory=True) as folder:
            save_classifier(choice.classifier, folder)
        save_curve(curve(history), Path("metrics/plots/loss/distill.csv"))
        summary: dict[str, float] = {
            "texts": len(paired.texts),
            "linked": sum(paired.linked),
            "layers": choice.classifier.model.config.num_hidden_layers,
            "parameters": choice.classifier.model.num_parameters(),
            "teacher_parameters": teacher.model.num_parameters(),
            **(lessons.metrics | choice.metrics),
            **{name: value for name, value in calibration.items() if "calibration" in name},
        }
        write_json(Path("metrics/distill.json"), summary)
        run.metrics(summary)


if __name__ == "__main__":
    run_stage(main, ranks=True)
