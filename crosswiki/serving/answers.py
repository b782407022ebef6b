"""Classification of texts, for the command line and for MLflow's server."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from crosswiki.bert.classification import predict_logits
from crosswiki.bert.models import Classifier, load_classifier
from crosswiki.corpora.text import Spelling, is_unicode, normalise

LANGUAGE, FOLD_YO = (
    "language",
    "fold_yo",
)  # keys of config.json: the language that the model reads, and how ё is normalised
READABLE = 0.5  # share of known tokens, below which a text is in a script that the model cannot read


@dataclass(frozen=True)
class Answer:
    """The topic of one text; None for a text without readable words."""

    topic: str | None
    probability: float | None
    probabilities: dict[str, float]  # of all topics, the most probable first


@dataclass(frozen=True)
class Reader:
    """A classifier, with the language and the spelling for the normalisation of its texts."""

    classifier: Classifier
    language: str
    spelling: Spelling

    def answer(self, texts: Sequence[str | None], device: torch.device) -> list[Answer]:
        """Classify texts, in their order.

        Args:
            texts: as written; they are normalised here as in `prepare`. None (a gap in a table) and text with half a
                surrogate pair have no topic.
            device: where.
        """
        clean = [
            normalise(text, self.language, self.spelling) if isinstance(text, str) and is_unicode(text) else ""
            for text in texts
        ]
        readable = [place for place, text in enumerate(clean) if self._reads(text)]
        tokens = self.classifier.tokenizer.model_max_length
        logits = predict_logits(self.classifier, [clean[place] for place in readable], tokens, device, "classifying")
        answers = [Answer(None, None, {})] * len(clean)
        for place, row in zip(
            readable, (logits.double() / self.classifier.temperature).softmax(-1).tolist(), strict=True
        ):
            ranked = sorted(zip(self.classifier.topics, row, strict=True), key=lambda pair: -pair[1])
            rounded = {topic: round(probability, 6) for topic, probability in ranked}
            answers[place] = Answer(*next(iter(rounded.items())), rounded)
        return answers

    def _reads(self, text: str) -> bool:
        tokenizer = self.classifier.tokenizer
        ids = tokenizer(text, add_special_tokens=False, truncation=True)["input_ids"]
        return bool(ids) and sum(token != tokenizer.unk_token_id for token in ids) >= READABLE * len(ids)


def load_reader(folder: Path, language: str | None = None, *, fold_yo: bool = False) -> Reader:
    """Load a classifier with the language that it reads.

    Args:
        folder: a classifier, as `save_classifier` wrote it.
        language: used if config.json has no language.
        fold_yo: used if config.json has no language.

    Raises:
        UserError: there is no model in that folder.
    """
    classifier = load_classifier(folder)
    recorded_language = getattr(classifier.model.config, LANGUAGE, None)
    folded = getattr(classifier.model.config, FOLD_YO, False) if recorded_language else fold_yo
    return Reader(classifier, recorded_language or language or "", Spelling(folded))
