"""Time of a distillation step with the whole embedding table, and with only the rows that the texts read.

`python -m benchmarks.rows` after the pipeline has run (`--runs 5`). It alternates between the two, on the target's
train split and an untrained student, and prints the median milliseconds of a step and their ratio.
"""

import argparse
import copy
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch
from torch import Tensor
from transformers import PreTrainedModel

from crosswiki.bert.classification import encode, padding
from crosswiki.bert.distillation import UNKNOWN, batch_loss
from crosswiki.bert.models import Classifier, fewer_layers, freeze_output_layer, load_classifier
from crosswiki.bert.schedules import Schedule
from crosswiki.bert.training import train
from crosswiki.corpora.articles import load_articles
from crosswiki.pipeline.parameters import load_parameters

STEPS = 50


def seconds_a_step(student: Classifier, texts: list[str], batch: int, whole_table: bool) -> float:
    """The median time from one batch to the next, without the start of the Trainer."""
    starts: list[float] = []
    distil = batch_loss(temperature=2.0, soft=1.0, hidden=0.0)

    def loss(model: PreTrainedModel, inputs: dict[str, Tensor]) -> Tensor:
        starts.append(time.perf_counter())
        return distil(model, inputs)

    columns = {"labels": [UNKNOWN] * len(texts), "teacher_logits": [[0.0] * len(student.topics)] * len(texts)}
    train(
        copy.deepcopy(student.model),
        encode(texts, student.tokenizer, student.tokenizer.model_max_length, **columns),
        loss,
        padding(student.tokenizer),
        Schedule(STEPS * batch / len(texts), batch, 1e-5, 0.1, 0.01, 0.0),
        seed=1,
        device=torch.device("cpu"),
        what="benchmark",
        report=lambda values, step: None,
        whole_table=whole_table,
    )
    return median(after - before for before, after in pairwise(starts))


def main() -> None:
    """Compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    params = load_parameters()
    adapted = load_classifier(Path("models/adapted"))
    layers = params.distill.layers or max(1, adapted.model.config.num_hidden_layers // 2)
    student = Classifier(fewer_layers(adapted.model, layers), adapted.tokenizer)
    freeze_output_layer(student.model)
    articles = load_articles(Path("data/prepared/target/articles.parquet"))
    texts = articles.loc[articles["split"] == "train", "text"].tolist()
    pairs = [
        [1000 * seconds_a_step(student, texts, params.distill.batch_size, whole) for whole in (True, False)]
        for _ in range(runs)
    ]
    whole, read = (median(column) for column in zip(*pairs, strict=True))
    ratios = sorted(with_whole / with_read for with_whole, with_read in pairs)
    print(f"whole table of {len(student.tokenizer):,} tokens: {whole:.0f} ms a step")
    print(f"rows that are read: {read:.0f} ms a step")
    print(f"ratio {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}, {runs} pairs)")


if __name__ == "__main__":
    main()
