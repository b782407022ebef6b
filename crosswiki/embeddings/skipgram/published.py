"""Published word vectors as a start of skip-gram: which words have one, and where the file's other words go."""

from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from torch import Tensor

from crosswiki.corpora.text import Spelling, normalise, segment
from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.alignment import orthogonal_map
from crosswiki.embeddings.subwords import shrink_towards_subwords
from crosswiki.embeddings.vector_files import read_vector_file
from crosswiki.embeddings.vectors import WordVectors, unit
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters_of_words import SkipGram

LENGTH = 3.0  # of centres at the start; the lengths of published vectors differ widely
SURE = 10**9  # a count that `shrink_towards_subwords` leaves alone: a published vector rests on far more text


@dataclass(frozen=True)
class Start:
    """What a file of word vectors gives a text.

    Attributes:
        centres: of the text's words, of length `LENGTH`, zeros for words that the file has not, [vocabulary, dim].
        others: words of the file that the text has not.
        other_centres: of the same length, [others, dim].
        summary: one line on what was found in the file.
    """

    centres: Tensor
    others: tuple[str, ...]
    other_centres: Tensor
    summary: str


def read_start(path: Path, vocabulary: Vocabulary, maximum: int, language: str, spelling: Spelling) -> Start:
    """Read a file of word vectors for the words of a text and, up to `maximum` words in all, further ones.

    Args:
        path: see `read_vector_file`.
        vocabulary: the text's words.
        maximum: of words, those of the text among them.
        language: of the words.
        spelling: how the text's words were normalised.

    Raises:
        UserError: the file is not whole (see `read_vector_file`), or has no word of the text.
    """

    def word_of(name: str) -> str | None:
        text = normalise(name, language, spelling)
        return text.lower() if segment(text, language) == [text.lower()] else None

    found = read_vector_file(path, word_of, vocabulary.ids, maximum)
    vectors = unit(found.vectors) * LENGTH
    centres = torch.zeros(len(vocabulary), vectors.shape[1])
    of_text = torch.tensor([word in vocabulary.ids for word in found.words], dtype=torch.bool)
    places = [vocabulary.ids[word] for word in found.words if word in vocabulary.ids]
    centres[places] = vectors[of_text]
    if not places:
        raise UserError(f"{path}: has no word of the text in {language!r}: is it of another language or script?")
    others = tuple(word for word in found.words if word not in vocabulary.ids)
    share = vocabulary.counts[places].sum() / vocabulary.counts.sum()
    left_out = ", ".join(
        f"{number:,} {what}"
        for number, what in (
            (found.odd, "that are not one word"),
            (found.repeated, "that repeat a word"),
            (found.undecoded, "that are not UTF-8"),
        )
        if number
    )
    summary = (
        f"{path}: {found.rows:,} rows; {len(places):,} of the text's {len(vocabulary):,} words "
        f"({share:.1%} of its running words) and {len(others):,} others"
        + (f"; left out: {left_out}" if left_out else "")
    )
    return Start(centres, others, vectors[~of_text], summary)


def finish(vocabulary: Vocabulary, trained: Tensor, settings: SkipGram, start: Start | None = None) -> WordVectors:
    """The vectors after training: a rare word's shrunk towards its n-grams, a published word's towards its start.

    What a short text says of a word is little beside what a published vector knows. Let x be the word's direction after
    training, turned back into the published space by the orthogonal map of all words that have both, p the published
    one, n the word's count and m `pretrained_prior`; the new direction is that of (n·x + m·p) / (n+m), as in
    `shrink_towards_subwords`. The file's other words stay as they are.

    Args:
        vocabulary: the text's words.
        trained: their vectors, [vocabulary, dim].
        settings: both priors.
        start: of the training, if it had one.

    Returns:
        The text's words with their counts, then the others with a count of 0, in the file's order.
    """
    if start is None:
        plain = WordVectors(vocabulary, trained)
        return WordVectors(vocabulary, shrink_towards_subwords(plain, settings.subword_prior))
    directions, published, known = unit(trained), unit(start.centres), start.centres.any(1)
    directions = directions @ orthogonal_map(published[known], directions[known], torch.ones(int(known.sum())).double())
    count = torch.from_numpy(vocabulary.counts).float()[:, None]
    prior = settings.pretrained_prior * known[:, None]
    mixed = unit((count * directions + prior * published) / (count + prior))
    words = vocabulary.words + start.others
    counts = numpy.concatenate([vocabulary.counts, numpy.zeros(len(start.others), numpy.int64)])
    rests_on = numpy.where(numpy.arange(len(words)) < len(known), counts, SURE)
    rests_on[: len(known)][known.numpy()] = SURE
    found = WordVectors(Vocabulary(words, rests_on), torch.cat([mixed, unit(start.other_centres)]))
    return WordVectors(Vocabulary(words, counts), shrink_towards_subwords(found, settings.subword_prior))
