"""No model reads the same texts twice in `evaluate`, and each system answers as it does by itself."""

from pathlib import Path

import pytest
import torch

from crosswiki.bert.models import Classifier, load_classifier, save_classifier
from crosswiki.bert.pretrained import load_pretrained
from crosswiki.corpora.vocabulary import build_vocabulary
from crosswiki.embeddings.vectors import WordVectors, save_vectors
from crosswiki.evaluation.confidence import answer
from crosswiki.evaluation.nearest_articles import Voting, gather, read, save_neighbourhood
from crosswiki.evaluation.readings import Readings, answers_of
from tests.tiny import make_tiny_model, trio_texts

CPU = torch.device("cpu")
TEXTS = trio_texts("en")[:12]


@pytest.fixture
def classifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classifier:
    """A classifier in models/any, and beside it word vectors and a neighbourhood of its language."""
    monkeypatch.chdir(tmp_path)
    make_tiny_model(Path("models/tiny"), deviation=0.5)
    pretrained = load_pretrained("models/tiny", ["art", "sports"], 1)
    pretrained.tokenizer.model_max_length = 32
    save_classifier(pretrained, Path("models/any"))
    vocabulary = build_vocabulary(((word, 5) for word in sorted({*" ".join(TEXTS).lower().split()})), 1, 100)
    words = WordVectors(vocabulary, torch.randn(len(vocabulary), 6, generator=torch.Generator().manual_seed(1)))
    Path("models/aligned/target").mkdir(parents=True)
    save_vectors(words, Path("models/aligned/target"))
    reading = read(pretrained, words, "en", TEXTS, CPU, "test")
    labels = torch.arange(len(TEXTS)) % 2
    place = Path("models/neighbourhood/target")
    place.mkdir(parents=True)
    save_neighbourhood(gather(reading, labels, reading, ["art", "sports"], "en", Voting(2.0, 3, 0.1, 0.3)), place)
    return load_classifier(Path("models/any"))


def test_what_a_model_has_read_is_read_no_more_and_answers_are_the_same(classifier: Classifier) -> None:
    readings = Readings()
    alone = answer(classifier, TEXTS, CPU, "test")
    adapted, seconds = answers_of("adapted", "target", classifier, TEXTS, CPU, readings)
    assert (adapted.topics, adapted.temperature) == (alone.topics, alone.temperature)
    assert (adapted.logits == alone.logits).all()
    fresh, _ = answers_of("neighbours", "target", classifier, TEXTS, CPU, Readings())
    with torch.no_grad():
        classifier.model.classifier.bias[0] += 100  # a reading from now on would say "art" of all texts
    known, longer = answers_of("neighbours", "target", classifier, TEXTS, CPU, readings)
    assert (known.logits == fresh.logits).all()
    assert len(set(known.topics)) == 2
    assert longer > seconds > 0
    others, _ = answers_of("adapted", "target", classifier, TEXTS[:5], CPU, readings)
    assert others.topics == ["art"] * 5  # other texts are other readings
    assert len(readings) == 2


def test_two_models_with_the_same_texts_are_two_readings(classifier: Classifier) -> None:
    save_classifier(classifier, Path("models/other"))
    readings = Readings()
    for place in ("models/any", "models/other", "models/any"):
        answers_of("any", "target", load_classifier(Path(place)), TEXTS, CPU, readings)
    assert [place for place, _ in readings] == ["models/any", "models/other"]
