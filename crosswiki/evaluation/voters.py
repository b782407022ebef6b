"""The labelled source articles that are nearest to a text, by name: what `crosswiki predict --why` shows.

They vote in the system `neighbours`, which is a teacher of the student. The student's own answer is not computed from
them: they say what was near, not how the student came to its answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from crosswiki.bert.models import Classifier, load_classifier
from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.pairs import Text, each_side, in_one, texts_of
from crosswiki.corpora.splits import labelled
from crosswiki.corpora.text import Spelling, is_unicode, normalise
from crosswiki.embeddings.lookup import FOLDERS
from crosswiki.embeddings.vectors import WordVectors, load_vectors
from crosswiki.evaluation.comparison import MODELS
from crosswiki.evaluation.nearest_articles import (
    Neighbourhood,
    Reading,
    load_neighbourhood,
    places,
    read,
    weigh,
)
from crosswiki.pipeline.devices import choose_device
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import load_parameters

SHOWN = 5  # articles, of those that vote
LETTERS = 60  # of an article without a title


@dataclass(frozen=True)
class Voter:
    """An article that votes on a text.

    Attributes:
        title: the article's, or its first words.
        topic: that it votes for.
        vote: what its vote counts; those of all articles that vote are 1 together.
    """

    title: str
    topic: str
    vote: float


@dataclass(frozen=True)
class Voters:
    """The labelled source articles as the texts of one language see them.

    Attributes:
        neighbourhood: see there.
        titles: of its articles, or their first words.
        encoder: reads the language.
        words: the language's aligned vectors.
        spelling: how the language's texts are normalised.
        device: where the encoder reads.
    """

    neighbourhood: Neighbourhood
    titles: Sequence[str]
    encoder: Classifier
    words: WordVectors
    spelling: Spelling
    device: torch.device

    def nearest(self, texts: Sequence[Text | None]) -> list[list[Voter]]:
        """The articles nearest to each text as written, the nearest first; `SHOWN` at most. A gap is an empty text."""
        place = self.neighbourhood
        found = place.nearest(self._read(texts))
        weights = weigh(found, place.voting.temperature)
        return [
            [
                Voter(self.titles[row], place.topics[int(place.labels[row])], round(weight, 6))
                for row, weight in list(zip(rows, votes, strict=True))[:SHOWN]
            ]
            for rows, votes in zip(found.rows.tolist(), weights.tolist(), strict=True)
        ]

    def probabilities(self, texts: Sequence[Text | None]) -> list[list[float]]:
        """What the system `neighbours` answers to each text as written: its topics' probabilities."""
        found: list[list[float]] = self.neighbourhood.answer(self._read(texts)).tolist()
        return found

    def _read(self, texts: Sequence[Text | None]) -> Reading:
        language = self.neighbourhood.language
        clean = each_side(
            ["" if text is None else text for text in texts],
            lambda sides: [normalise(side, language, self.spelling) if is_unicode(side) else "" for side in sides],
        )
        return read(self.encoder, self.words, language, clean, self.device, "nearest articles")


def load_voters(role: Role) -> Voters:
    """Load what `neighbourhood` has made for a role, with the names of the articles.

    Raises:
        UserError: it has not run, or it has run on other labelled articles than there are now.
    """
    params, folder = load_parameters(), Path("models/neighbourhood") / role
    neighbourhood = load_neighbourhood(folder)
    source = load_articles(Path("data/prepared/source/articles.parquet"))
    known = labelled(source, "train", params.finetune_source.labels, params.seed)
    if not torch.equal(places(known["topic"], neighbourhood.topics), neighbourhood.labels):
        raise UserError(f"{folder}: made of other labelled articles than there are now: run dvc repro neighbourhood")
    titles = [
        title if isinstance(title, str) else in_one(text)[:LETTERS]
        for title, text in zip(known["title"], texts_of(known), strict=True)
    ]
    encoder = load_classifier(Path(MODELS[role]["neighbours"]))
    spelling, device = Spelling(params.prepare.fold_yo), choose_device(params.device)
    return Voters(neighbourhood, titles, encoder, load_vectors(FOLDERS[role]), spelling, device)
