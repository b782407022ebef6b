"""A multilingual source without the tokens that a language's text does not have."""

from pathlib import Path

import pytest
import torch

from crosswiki.bert.classification import predict_logits
from crosswiki.bert.kept_vocabulary import keep_vocabulary
from crosswiki.bert.models import Classifier, load_classifier, save_classifier
from crosswiki.bert.pretrained import load_pretrained
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.parameters_of_models import Transplant
from tests.tiny import MULTILINGUAL, ROOT, make_tiny_model, trio_texts

CPU = torch.device("cpu")
KINDS = ["bert", "roberta", "albert", "xlnet", *MULTILINGUAL]


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Classifier:
    make_tiny_model(tmp_path, request.param, deviation=0.3)
    classifier = load_pretrained(str(tmp_path), ["a", "b", "c"], seed=1)
    classifier.tokenizer.model_max_length = 48
    return classifier


def tokens(classifier: Classifier, text: str) -> list[str]:
    return classifier.tokenizer.convert_ids_to_tokens(classifier.tokenizer(text).input_ids)


def test_texts_are_read_as_before_by_fewer_tokens(source: Classifier, tmp_path: Path) -> None:
    language = "ru" if source.model.config.model_type in MULTILINGUAL else "en"
    texts = trio_texts(language)[:5]
    kept, counts = keep_vocabulary(source, texts, 10_000)
    assert counts == {"copied": len(kept.tokenizer), "mixed": 0, "drawn": 0}
    assert len(kept.tokenizer) == len(kept.model.get_input_embeddings().weight) == kept.model.config.vocab_size
    assert len(kept.tokenizer) < len(source.tokenizer) - 20
    save_classifier(kept, tmp_path / "kept")
    for classifier in (kept, load_classifier(tmp_path / "kept")):
        for text in texts:
            assert tokens(classifier, text) == tokens(source, text)
        logits = [predict_logits(one, texts, 48, CPU, "test") for one in (source, classifier)]
        assert torch.equal(*logits)
        assert classifier.tokenizer.special_tokens_map == source.tokenizer.special_tokens_map
    rows = [one.model.get_input_embeddings().weight for one in (source, kept)]
    for token, place in kept.tokenizer.get_vocab().items():
        assert torch.equal(rows[1][place], rows[0][source.tokenizer.convert_tokens_to_ids(token)]), token
    assert kept.tokenizer.pad_token_id == kept.model.config.pad_token_id


def test_other_words_of_known_letters_are_still_read(source: Classifier) -> None:
    """A word that no text has falls into tokens that are there, and not into the unknown one."""
    kept, _ = keep_vocabulary(source, ["the river and the sea, a harbour"], 10_000)
    read = tokens(kept, "the heart")
    assert kept.tokenizer.unk_token not in read
    assert "".join(read).count("t") == 2


def test_the_most_frequent_tokens_are_kept(source: Classifier) -> None:
    texts = trio_texts("en")[:12]
    sizes = [len(keep_vocabulary(source, texts, most)[0].tokenizer) for most in (10, 60, 10_000)]
    assert sizes[0] < sizes[1] < sizes[2]
    few = keep_vocabulary(source, texts, 10)[0]
    assert predict_logits(few, texts, 48, CPU, "test").isfinite().all()


def test_keep_has_no_other_tokenizer() -> None:
    settings = load_parameters(ROOT / "params.yaml").transplant.model_dump()
    assert Transplant(**{**settings, "method": "keep"}).tokenizer is None
    with pytest.raises(ValueError, match="keep has the source's own: null is needed"):
        Transplant(**{**settings, "method": "keep", "tokenizer": "trained"})
