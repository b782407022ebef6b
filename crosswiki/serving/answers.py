"""Classification of texts, for the command line and for MLflow's server."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from crosswiki.corpora.pairs import Text, each_side
from crosswiki.corpora.text import Spelling, is_unicode, normalise
from crosswiki.pipeline.errors import UserError
from crosswiki.serving.encoding import Batch, Encoder

# Keys of config.json: the language that the model reads, how ё is normalised, and the temperature of its calibration.
LANGUAGE, FOLD_YO, TEMPERATURE = "language", "fold_yo", "calibration_temperature"
PAIRS = "pairs"  # and whether it has learnt from texts in pairs
READABLE = 0.5  # share of known tokens, below which a text is in a script that the model cannot read
BATCH = 64  # texts that the model reads at a time
RUNTIMES = ("torch", "onnx", "int8")

Logits = Callable[[Batch], NDArray[Any]]  # a model: a batch to logits, [texts, topics]


@dataclass(frozen=True)
class Answer:
    """The topic of one text; None for a text without readable words, and below the probability that was asked for."""

    topic: str | None
    probability: float | None  # of the most probable topic; None for a text without readable words
    probabilities: dict[str, float]  # of all topics, the most probable first


@dataclass(frozen=True)
class Reader:
    """A classifier, with all that turns texts as people write them into answers.

    Nothing in it changes after it is loaded, so threads may share it.
    """

    logits: Logits
    encoder: Encoder
    topics: list[str]  # in the order of the logits
    temperature: float
    language: str
    spelling: Spelling
    pairs: bool = False  # whether it has learnt from texts in pairs

    def answer(self, texts: Sequence[Text | None], abstain: float = 0.0) -> list[Answer]:
        """Classify texts, in their order.

        Args:
            texts: as written, single or in pairs; they are normalised here as in `prepare`. None (a gap in a table) and
                text with half a surrogate pair have no topic.
            abstain: the topic is None where its probability is lower.
        """
        return [answer_of(self.topics, given, abstain) for given in self.probabilities(texts)]

    def probabilities(self, texts: Sequence[Text | None], readable: float = READABLE) -> list[list[float] | None]:
        """Of each topic, in the order of `topics`; None for a text of which fewer tokens than this share are known."""
        clean = each_side(["" if text is None else text for text in texts], self._normalised)
        rows = self.encoder.encode(clean)
        read = [place for place, row in enumerate(rows) if self.encoder.known(row) >= readable]
        order = sorted(read, key=lambda place: (len(rows[place]), place))
        found: list[list[float] | None] = [None] * len(clean)
        for start in range(0, len(order), BATCH):
            group = order[start : start + BATCH]
            logits = self.logits(self.encoder.pad([rows[place] for place in group]))
            for place, probabilities in zip(group, softmax(logits / self.temperature).tolist(), strict=True):
                found[place] = probabilities
        return found

    def shifted(self, change: NDArray[Any]) -> "Reader":
        """This reader, with a number added to each topic's logit, [topics]."""
        return replace(self, logits=lambda batch: self.logits(batch) + change)

    def _normalised(self, texts: list[str]) -> list[str]:
        return [normalise(text, self.language, self.spelling) if is_unicode(text) else "" for text in texts]


def answer_of(topics: Sequence[str], probabilities: Sequence[float] | None, abstain: float) -> Answer:
    """The answer to a text with these probabilities; None: it has no readable words."""
    if probabilities is None:
        return Answer(None, None, {})
    ranked = sorted(zip(topics, probabilities, strict=True), key=lambda pair: -pair[1])
    rounded = {topic: round(probability, 6) for topic, probability in ranked}
    topic, probability = next(iter(rounded.items()))
    return Answer(topic if probability >= abstain else None, probability, rounded)


def softmax(logits: NDArray[Any]) -> NDArray[numpy.float64]:
    """Logits to probabilities, over the last axis."""
    powers = numpy.exp(logits.astype(numpy.float64) - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def load_reader(
    folder: Path,
    language: str | None = None,
    *,
    fold_yo: bool = False,
    runtime: str = "torch",
    device: str = "cpu",
    exact: bool = False,
) -> Reader:
    """Load a classifier with the language that it reads.

    Args:
        folder: a classifier, as `save_classifier` or `crosswiki export` wrote it.
        language: used if config.json has no language.
        fold_yo: used if config.json has no language.
        runtime: torch, onnx (float32) or int8 (ONNX with weights of 8 bits).
        device: for torch: cpu, cuda, mps or auto.
        exact: for torch: compute in float32 even where bf16 is faster.

    Raises:
        UserError: there is no model in that folder, or the runtime is not installed.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{folder}: no model there: run the stage that makes it first (dvc repro)") from error
    logits: Logits
    if runtime == "torch":
        from crosswiki.pipeline.devices import choose_device
        from crosswiki.serving.pytorch import load_torch

        logits, encoder = load_torch(folder, choose_device(device), exact)
    else:
        from crosswiki.serving.onnx import load_onnx

        logits, encoder = load_onnx(folder, runtime)
    recorded = config.get(LANGUAGE)
    return Reader(
        logits=logits,
        encoder=encoder,
        topics=[config["id2label"][str(place)] for place in range(len(config["id2label"]))],
        temperature=float(config.get(TEMPERATURE, 1.0)),
        language=recorded or language or "",
        spelling=Spelling(config.get(FOLD_YO, False) if recorded else fold_yo),
        pairs=bool(config.get(PAIRS)),
    )
