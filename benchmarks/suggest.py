"""What suggested labels give against as many random ones: accuracy on the target's validation split.

`python -m benchmarks.suggest` after the pipeline has run on a corpus whose target is labelled. The train split's labels
are hidden, texts are chosen as `crosswiki suggest` chooses them and at random, and the distilled student is fine-tuned
on their labels as `finetune_target` does it. It prints a Markdown table; the test split is not read.
"""

import argparse
from pathlib import Path
from statistics import fmean

import pandas
import torch

from crosswiki.bert.classification import predict_topics
from crosswiki.bert.finetuning import finetune, interpolate
from crosswiki.bert.models import freeze_output_layer, load_classifier
from crosswiki.bert.schedules import schedule_of
from crosswiki.bert.training import gradually
from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.splits import labelled
from crosswiki.evaluation.scores import accuracy
from crosswiki.evaluation.suggestion import candidates, draw, opinions, suggest
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.parameters import Parameters, load_parameters


def finetuned_accuracy(
    texts: pandas.DataFrame, validation: pandas.DataFrame, params: Parameters, seed: int, device: torch.device
) -> float:
    """Fine-tune the distilled student on labelled texts, none or more, and score it."""
    student, settings = load_classifier(Path("models/distilled")), params.finetune_target
    if settings.freeze_output:
        freeze_output_layer(student.model)
    distilled = {name: value.clone() for name, value in student.model.state_dict().items()}
    if len(texts):
        finetune(
            student,
            texts,
            schedule_of(settings),
            seed=seed,
            device=device,
            what=f"{len(texts)} labels",
            report=lambda _values, _step: None,
            waiting=gradually(student.model, settings.gradual_unfreezing),
            class_weights=params.class_weights,
        )
        interpolate(student.model, distilled, settings.prior_labels / (settings.prior_labels + len(texts)))
    predicted = predict_topics(student, validation["text"].tolist(), device, "validation")
    return accuracy(validation["topic"].tolist(), predicted)


def main() -> None:
    """Choose, fine-tune, score, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 200, 500], help="of labels")
    parser.add_argument("--draws", type=int, default=3, help="how often each is drawn, with its own seed")
    parser.add_argument("--texts", type=int, help="of the train split, that are there to choose from; all")
    given = parser.parse_args()
    params = load_parameters()
    device = choose_device(params.device)
    articles = load_articles(Path("data/prepared/target/articles.parquet"))
    known, validation = labelled(articles, "train", given.texts, params.seed), labelled(articles, "validation")
    table = candidates(known.assign(topic=None), 0, params.seed)
    answers = table["id"].map(known.set_index("id")["topic"])
    said = opinions(table, params)
    before = finetuned_accuracy(known[:0], validation, params, params.seed, device)
    print(f"without labels {100 * before:.1f} %\n", flush=True)
    print("| labels | random | suggested | difference, draw by draw |\n| --- | --- | --- | --- |", flush=True)
    for count in given.counts:
        pairs = []
        for seed in range(params.seed, params.seed + given.draws):
            found = suggest(table, said.distributions, said.vectors, count, seed)
            chosen = (draw(table, count, seed), [*found.random, *found.disputed])
            with_topics = (table.assign(topic=answers).iloc[rows].reset_index(drop=True) for rows in chosen)
            pairs.append([100 * finetuned_accuracy(one, validation, params, seed, device) for one in with_topics])
        random, suggested = ([pair[place] for pair in pairs] for place in range(2))
        apart = ", ".join(f"{second - first:+.1f}" for first, second in pairs)
        print(f"| {count:,} | {fmean(random):.1f} | {fmean(suggested):.1f} | {apart} |", flush=True)


if __name__ == "__main__":
    main()
