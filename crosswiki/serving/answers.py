"""Answers to texts, the same ones from the command line and from a server."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from crosswiki.bert.classification import predict_logits
from crosswiki.bert.models import Classifier, load_classifier
from crosswiki.corpora.text import Spelling, normalise

LANGUAGE, FOLD_YO = "language", "fold_yo"  # the keys of config.json that say what the model reads
READABLE = 0.5  # a text of which the tokenizer knows less is in letters that the model cannot read


@dataclass(frozen=True)
class Answer:
    """What a classifier says of one text; no topic where there is nothing that it can read."""

    topic: str | None
    probability: float | None
    probabilities: dict[str, float]  # of every topic, the likeliest first


@dataclass(frozen=True)
class Reader:
    """A classifier, and the language and spelling that its texts are normalised to."""

    classifier: Classifier
    language: str
    spelling: Spelling

    def answer(self, texts: Sequence[str], device: torch.device) -> list[Answer]:
        """Classify texts, in their order.

        Args:
            texts: as people write them; normalised here as `prepare` does it.
            device: where.
        """
        clean = [normalise(text, self.language, self.spelling) for text in texts]
        readable = [place for place, text in enumerate(clean) if self._reads(text)]
        tokens = self.classifier.tokenizer.model_max_length
        logits = predict_logits(self.classifier, [clean[place] for place in readable], tokens, device, "classifying")
        answers = [Answer(None, None, {})] * len(clean)
        for place, row in zip(readable, logits.double().softmax(-1).tolist(), strict=True):
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
        language: where config.json does not say it.
        fold_yo: where it does not say the language.

    Raises:
        UserError: there is no model in that folder.
    """
    classifier = load_classifier(folder)
    recorded_language = getattr(classifier.model.config, LANGUAGE, None)
    folded = getattr(classifier.model.config, FOLD_YO, False) if recorded_language else fold_yo
    return Reader(classifier, recorded_language or language or "", Spelling(folded))
