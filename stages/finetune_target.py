"""finetune_target: fine-tune the student on target labels; and, as a control, the same model from random weights."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas
import torch

from stages.bert.classification import encode, label_loss, padding, predict_logits
from stages.bert.models import (
    Classifier,
    freeze_output_layer,
    from_random_weights,
    interpolate,
    load_classifier,
    save_classifier,
)
from stages.bert.training import History, curve, gradually, schedule_of, train
from stages.command import command, stage
from stages.corpora.articles import load_articles
from stages.corpora.splits import labelled
from stages.devices import choose_device
from stages.errors import UserError
from stages.evaluation.curves import save_curve
from stages.evaluation.scores import accuracy_and_macro_f1
from stages.outputs import replacing, write_json
from stages.parameters import load_parameters
from stages.serving.card import model_card
from stages.serving.facts import facts_of
from stages.tracking import Run


def report(run: Run, name: str, values: dict[str, float], step: int) -> None:
    """Log a point of the student's curve, or of the control's under names of its own."""
    run.metrics(
        values if name == "finetune_target" else {f"{name}_{key}": value for key, value in values.items()}, step
    )


def validate(classifier: Classifier, articles: pandas.DataFrame, device: torch.device) -> dict[str, float]:
    """Accuracy and macro-F1 on the validation split: what chooses between models. Empty where it has no labels."""
    texts = labelled(articles, "validation")
    if texts.empty:
        return {}
    logits = predict_logits(
        classifier, texts["text"].tolist(), classifier.tokenizer.model_max_length, device, "validation"
    )
    said = [classifier.topics[int(place)] for place in logits.argmax(1)]
    accuracy, macro_f1 = accuracy_and_macro_f1(texts["topic"].tolist(), said)
    return {
        "validation_accuracy": round(accuracy, 6),
        "validation_macro_f1": round(macro_f1, 6),
        "validation_n": len(texts),
    }


def main() -> None:
    """Write models/target/, models/scratch/, metrics/finetune_target.json and the loss curves."""
    params = load_parameters()
    own = params.finetune_target
    with stage("finetune_target", params, own) as run:
        student = load_classifier(Path("models/distilled"))
        scratch = from_random_weights(student, params.seed)
        if own.freeze_output:
            freeze_output_layer(student.model)
        articles = load_articles(Path("data/prepared/target/articles.parquet"))
        texts = labelled(articles, "train", own.labels, params.seed)
        unknown = sorted(set(texts["topic"]) - set(student.topics))
        if unknown:
            raise UserError(
                f"finetune_target: the target's topic {unknown[0]!r} is not the source's: map it in the preset"
            )
        slow = replace(schedule_of(own), **own.scratch.model_dump())
        waiting = gradually(student.model, own.gradual)
        distilled = {name: value.clone() for name, value in student.model.state_dict().items()}
        histories: dict[str, History] = {"finetune_target": [], "scratch": []}
        for name, classifier, how in (("finetune_target", student, schedule_of(own)), ("scratch", scratch, slow)):
            if texts.empty:
                continue
            labels = texts["topic"].map(classifier.topics.index).tolist()
            tokens = classifier.tokenizer.model_max_length
            histories[name] = train(
                classifier.model,
                encode(texts["text"].tolist(), classifier.tokenizer, tokens, labels=labels),
                label_loss,
                padding(classifier.tokenizer),
                how,
                seed=params.seed,
                device=choose_device(params.device),
                what=name,
                report=partial(report, run, name),
                waiting=waiting if classifier is student else (),
            )
        interpolate(student.model, distilled, own.keep)
        losses = {f"{name}_loss": history[-1]["loss"] for name, history in histories.items() if history}
        scores = validate(student, articles, choose_device(params.device))
        summary = {"labels": len(texts), **losses, **scores}
        facts = facts_of(params, student, summary)
        student.model.config.language = facts.target  # whoever reads texts with it must normalise them
        if params.prepare.fold_yo:
            student.model.config.fold_yo = True
        for folder, classifier in ((Path("models/target"), student), (Path("models/scratch"), scratch)):
            with replacing(folder, directory=True) as place:
                save_classifier(classifier, place)
                if classifier is student:
                    (place / "README.md").write_text(model_card(facts), encoding="utf-8")
        for name, history in histories.items():
            save_curve(curve(history), Path("metrics/plots/loss") / f"{name}.csv")
        write_json(Path("metrics/finetune_target.json"), summary)
        run.metrics(summary)


if __name__ == "__main__":
    command(main)
