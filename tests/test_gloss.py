"""Texts read word for word."""

import numpy
import torch

from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.alignment import Pairs, translate
from crosswiki.embeddings.glossary import close_up, gloss, glossary


def test_words_are_replaced_and_what_has_no_translation_stays() -> None:
    words = {"the": "la", "river": "rivière", "long": "longue"}
    assert gloss("The river, 1,006 km long, is Loire.", words, "en") == "la rivière, 1,006 km longue, is Loire."


def test_chinese_words_have_no_spaces_between_them() -> None:
    words = {"the": "的", "longest": "最长", "river": "河流"}
    assert gloss("the longest river, NBA river", words, "en") == "的最长河流, NBA 河流"
    assert close_up("河流 longest 河流") == "河流 longest 河流"


def test_a_told_translation_comes_before_the_nearest_word_and_the_nearest_told_one_before_another() -> None:
    source = Vocabulary(("a", "b", "c"), numpy.array([3, 2, 1]))
    other = Vocabulary(("x", "y", "z"), numpy.array([3, 2, 1]))
    theirs, ours = torch.eye(3), torch.nn.functional.normalize(torch.eye(3) + torch.tensor([0.0, 0.2, 0.1]), dim=1)
    told = Pairs(torch.tensor([0, 0]), torch.tensor([1, 2]))
    nearest = translate(ours, theirs, 2).of_source
    assert nearest.tolist() == [0, 1, 2]
    assert glossary(source, other, nearest, told, ours, theirs) == [("a", "y"), ("b", "y"), ("c", "z")]


def test_a_source_without_spaces_is_read_by_its_words() -> None:
    words = {"长江": "янцзы", "河流": "река"}
    assert gloss("长江, NBA 河流。长江河流", words, "zh") == "янцзы, NBA река。янцзы река"
