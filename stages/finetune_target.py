"""finetune_target: fine-tune the student on target labels; and, as a control, the same model from random weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from crosswiki.bert.finetuning import finetune, interpolate
from crosswiki.bert.memory import memory_of
from crosswiki.bert.models import freeze_output_layer, from_random_weights, load_classifier, save_classifier
from crosswiki.bert.schedules import schedule_of
from crosswiki.bert.training import History, curve, gradually
from crosswiki.bert.truncation import cut_long_texts
from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.confidence import calibrate_on
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.outputs import replacing, save_curve, write_json
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.stage import run_stage, stage
from crosswiki.serving.card import model_card
from crosswiki.serving.facts import facts_of


def main() -> None:
    """Write models/target/, models/scratch/, metrics/finetune_target.json and the loss curves."""
    params = load_parameters()
    settings = params.finetune_target
    with stage("finetune_target", params, settings) as run:
        student = load_classifier(Path("models/distilled"))
        scratch = from_random_weights(student, params.seed)
        if settings.freeze_output:
            freeze_output_layer(student.model)
        articles = load_articles(Path("data/prepared/target/articles.parquet"))
        texts, validation = labelled(articles, "train", settings.labels, params.seed), labelled(articles, "validation")
        distilled = {name: value.clone() for name, value in student.model.state_dict().items()}
        options: dict[str, Any] = {"seed": params.seed, "device": choose_device(params.device)}
        options |= {"class_weights": params.class_weights, "memory": memory_of(params)}
        histories: dict[str, History] = {"finetune_target": [], "scratch": []}
        if not texts.empty:
            schedule, waiting = schedule_of(settings), gradually(student.model, settings.gradual_unfreezing)
            histories["finetune_target"] = finetune(
                student, texts, schedule, what="finetune_target", report=run.metrics, waiting=waiting, **options
            )
            interpolate(student.model, distilled, settings.prior_labels / (settings.prior_labels + len(texts)))
            schedule = replace(schedule, **settings.scratch.model_dump())
            histories["scratch"] = finetune(
                scratch,
                texts,
                schedule,
                what="scratch",
                report=lambda values, step: run.metrics({f"scratch_{key}": values[key] for key in values}, step),
                **options,
            )
        summary: dict[str, float] = {"labels": len(texts)}
        summary |= {f"{name}_loss": history[-1]["loss"] for name, history in histories.items() if history}
        summary |= calibrate_on(student, validation, options["device"])
        if not texts.empty:  # else nothing reads the control
            calibrate_on(scratch, validation, options["device"])
        facts = facts_of(params, student, summary)
        for name, classifier in (("target", student), ("scratch", scratch)):
            classifier.model.config.language = facts.target  # whoever reads texts with it must normalise them
            if params.prepare.fold_yo:
                classifier.model.config.fold_yo = True
            with replacing(Path("models") / name, directory=True) as folder:
                save_classifier(classifier, folder)
                if classifier is student:
                    cut_long_texts(folder)
                    (folder / "README.md").write_text(model_card(facts), encoding="utf-8")
        for name, history in histories.items():
            save_curve(curve(history), Path("metrics/plots/loss") / f"{name}.csv")
        write_json(Path("metrics/finetune_target.json"), summary)
        run.metrics(summary)


if __name__ == "__main__":
    run_stage(main, ranks=True)
