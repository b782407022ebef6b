"""The facts for the model card, collected from a run's parameters and results."""

from collections.abc import Mapping
from pathlib import Path

from crosswiki.bert.models import PAIRS, Classifier
from crosswiki.corpora.articles import language_in
from crosswiki.pipeline.parameters import Parameters
from crosswiki.pipeline.presets import FilesPreset, load_preset
from crosswiki.serving.card import Facts

VALIDATION = "validation_"


def facts_of(params: Parameters, classifier: Classifier, summary: Mapping[str, float]) -> Facts:
    """Collect the facts for the card.

    Args:
        params: all parameters.
        classifier: the target classifier.
        summary: metrics/finetune_target.json: labels, and scores on the validation split.
    """
    preset = load_preset(params.corpus)
    source, target = (language_in(Path("data/prepared") / role / "articles.parquet") for role in ("source", "target"))
    return Facts(
        corpus=params.corpus,
        source=source,
        target=target,
        model=params.finetune_source.model,
        seed=params.seed,
        topics=classifier.topics,
        labels=int(summary["labels"]),
        layers=classifier.model.config.num_hidden_layers,
        parameters=classifier.model.num_parameters(),
        tokens=classifier.tokenizer.model_max_length,
        pairs=bool(getattr(classifier.model.config, PAIRS, False)),
        validation={key.removeprefix(VALIDATION): n for key, n in summary.items() if key.startswith(VALIDATION)},
        own_texts=preset.has_task or isinstance(preset, FilesPreset),
        word_lists={one.name: one.licence for one in preset.dictionaries.get(target, [])},
    )
