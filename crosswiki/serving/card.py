"""The model card in the hub's format, with the numbers of the run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from huggingface_hub import EvalResult, ModelCardData

from crosswiki.evaluation.scores import Scores
from crosswiki.reporting.wording import language_name

METRICS = {"accuracy": "accuracy", "macro_f1": "f1"}  # names in metrics/, names on the hub


@dataclass(frozen=True)
class Facts:
    """The facts on a model that a card states."""

    corpus: str
    source: str  # the language that it was transferred from, by its code
    target: str  # the language that it reads, by its code
    model: str  # the pretrained source model, as params.yaml names it
    seed: int
    topics: list[str]
    labels: int  # target labels that it was trained on
    layers: int
    parameters: int
    tokens: int  # maximum length of a text
    validation: Mapping[str, float]  # accuracy, macro_f1 and n on the target's validation split; may be empty
    own_texts: bool = False  # whether the task is that of somebody's files, and not Wikipedia's topics
    word_lists: Mapping[str, str | None] = field(default_factory=dict)  # their files' names, and licences if known
    pairs: bool = False  # whether it reads texts in pairs

    @property
    def name(self) -> str:
        """The name in the registry."""
        return f"crosswiki-{self.target}"


def model_card(
    facts: Facts, evaluation: Mapping[str, Scores | None] | None = None, estimate: float | None = None
) -> str:
    """Write the card.

    Args:
        facts: on the model.
        evaluation: scores of the target's systems on its test split; None before the stage `evaluate`.
        estimate: of the model's accuracy, where there are no labels to measure it.
    """
    source, target = language_name(facts.source), language_name(facts.target)
    data = ModelCardData(
        language=facts.target,
        library_name="transformers",
        pipeline_tag="text-classification",
        tags=["crosswiki", "cross-lingual-transfer"],
        base_model=None if ":" in facts.model else facts.model,  # a wheel has no page on the hub
        model_name=facts.name,
        eval_results=_results(facts, evaluation),
    )
    learnt = f"and then learnt from {facts.labels:,} {target} labels" if facts.labels else f"and saw no {target} label"
    lines = [
        "---",
        data.to_yaml().rstrip(),
        "---",
        "",
        f"# {facts.name}: topics of {target} texts",
        "",
        f"A text classifier for {target}, transferred from {source} by crosswiki: the {source} teacher's parameters "
        f"were copied, {target} token embeddings were built from aligned word vectors, a student with {facts.layers} "
        f"layers was distilled without {target} labels, {learnt}. Its output layer comes from the {source} teacher.",
        "",
        "| | |",
        "| --- | --- |",
        f"| pretrained source model | `{facts.model.partition('#')[0]}` |",
        f"| corpus | `{facts.corpus}`, seed {facts.seed} |",
        f"| parameters | {facts.parameters:,} in {facts.layers} layers |",
        f"| reads | the first {facts.tokens} tokens of a text{', or of a pair of texts' if facts.pairs else ''} |",
        f"| topics | {', '.join(facts.topics)} |",
        "",
        "## How right it is",
        "",
        *_scores(facts, evaluation, estimate),
        "",
        "## How to use it",
        "",
        "In the project it comes from:",
        "",
        "```",
        'crosswiki predict "…"',
        f'mlflow models serve -m "models:/{facts.name}@champion" --env-manager local',
        "```",
        "",
        "Anywhere else, with transformers alone (crosswiki normalises texts first: NFKC, simplified characters in "
        "Chinese, no stress marks in Russian):",
        "",
        "```python",
        "from transformers import pipeline",
        "",
        'classify = pipeline("text-classification", model="path/to/this/folder", truncation=True)',
        "```",
        "",
        "## What to keep in mind",
        "",
        f"It knows {len(facts.topics)} topics and gives every text one of them, even one that fits none. It has learnt "
        f"from {_learnt(facts)}; on other kinds of text it has not been measured. The licences of the corpus and of "
        "the pretrained model hold for what is made of them.",
        *(
            f"The word list {name} is part of it too: {licence or 'its licence was not named in the preset'}."
            for name, licence in facts.word_lists.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _learnt(facts: Facts) -> str:
    if facts.own_texts:
        return "texts such as its owner gave it"
    return "encyclopedia articles, where names and dates weigh much"


def _results(facts: Facts, evaluation: Mapping[str, Scores | None] | None) -> list[EvalResult] | None:
    """The scores in the hub's format: of the test split if there are any, else of the validation split."""
    tested = (evaluation or {}).get("finetuned")
    scores: Mapping[str, float] = {key: tested[key] for key in METRICS} if tested else facts.validation  # type: ignore[literal-required]
    return [
        EvalResult(
            task_type="text-classification",
            dataset_type=facts.corpus,
            dataset_name=f"{facts.corpus} ({facts.target})",
            dataset_split="test" if tested else "validation",
            metric_type=hub_name,
            metric_name=name,
            metric_value=scores[name],
        )
        for name, hub_name in METRICS.items()
        if name in scores
    ] or None


def _scores(facts: Facts, evaluation: Mapping[str, Scores | None] | None, estimate: float | None) -> list[str]:
    lines = ["| articles | system | accuracy | macro-F1 |", "| --- | --- | --- | --- |"]
    if facts.validation:
        accuracy, f1, n = (facts.validation[key] for key in ("accuracy", "macro_f1", "n"))
        lines.append(f"| validation, {n:,.0f} | this model | {100 * accuracy:.1f} % | {100 * f1:.1f} % |")
    for system, scores in (evaluation or {}).items():
        if scores:
            cells = [
                f"{100 * scores[key]:.1f} % ({100 * scores[low]:.1f}–{100 * scores[high]:.1f})"  # type: ignore[literal-required]
                for key, low, high in ((key, f"{key}_low", f"{key}_high") for key in METRICS)
            ]
            name = "this model" if system == "finetuned" else f"`{system}`"
            lines.append(f"| test, {scores['n']:,} | {name} | {' | '.join(cells)} |")
    if len(lines) == 2:
        reason = "It has not been measured: no labelled text of its language was held back."
        guess = (
            f" Its accuracy is estimated at {100 * estimate:.0f} %, from labels of the source language alone."
            if estimate is not None
            else ""
        )
        return [reason + guess]
    return lines if evaluation else [*lines, "", "On the test split: metrics/evaluation.json and metrics/report.html."]
