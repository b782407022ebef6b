"""finetune_target: fine-tune the student on target labels; and, as a control, the same model from random weights."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from crosswiki.bert.classification import encode, label_loss, padding, predict_topics
from crosswiki.bert.models import (
    freeze_output_layer,
    from_random_weights,
    interpolate,
    load_classifier,
    save_classifier,
)
from crosswiki.bert.training import History, curve, gradually, schedule_of, train
from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.scores import accuracy_and_macro_f1
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import replacing, save_curve, write_json
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.stage import run_stage, stage
from crosswiki.serving.card import model_card
from crosswiki.serving.facts import facts_of


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
        texts, validation = labelled(articles, "train", own.labels, params.seed), labelled(articles, "validation")
        unknown = sorted(set(texts["topic"]) - set(student.topics))
        if unknown:
            raise UserError(
                f"finetune_target: the target's topic {unknown[0]!r} is not the source's: map it in the preset"
            )
        tokenizer, device = student.tokenizer, choose_device(params.device)
        distilled = {name: value.clone() for name, value in student.model.state_dict().items()}
        histories: dict[str, History] = {"finetune_target": [], "scratch": []}
        if not texts.empty:
            labels = texts["topic"].map(student.topics.index).tolist()
            rows = encode(texts["text"].tolist(), tokenizer, tokenizer.model_max_length, labels=labels)
            learn = partial(train, loss=label_loss, collate=padding(tokenizer), seed=params.seed, device=device)
            histories["finetune_target"] = learn(
                student.model,
                rows,
                schedule=schedule_of(own),
                what="finetune_target",
                report=run.metrics,
                waiting=gradually(student.model, own.gradual_unfreezing),
            )
            interpolate(student.model, distilled, own.prior_labels / (own.prior_labels + len(texts)))
            histories["scratch"] = learn(
                scratch.model,
                rows,
                schedule=replace(schedule_of(own), **own.scratch.model_dump()),
                what="scratch",
                report=lambda values, step: run.metrics({f"scratch_{key}": values[key] for key in values}, step),
            )
        summary: dict[str, float] = {"labels": len(texts)}
        summary |= {f"{name}_loss": history[-1]["loss"] for name, history in histories.items() if history}
        if not validation.empty:
            said = predict_topics(student, validation["text"].tolist(), device, "validation")
            accuracy, macro_f1 = accuracy_and_macro_f1(validation["topic"].tolist(), said)
            summary |= {"validation_accuracy": round(accuracy, 6), "validation_macro_f1": round(macro_f1, 6)}
            summary |= {"validation_n": len(validation)}
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
    run_stage(main)
