"""The system `pooled`, for texts as people write them: what `crosswiki predict --pool` answers with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy

from crosswiki.corpora.pairs import Text, each_side
from crosswiki.embeddings.glossing import load_glosser
from crosswiki.evaluation.comparison import MEMBERS, MODELS
from crosswiki.evaluation.pooling import pool
from crosswiki.evaluation.topic_shares import load_log_odds
from crosswiki.evaluation.voters import Voters, load_voters
from crosswiki.pipeline.languages import languages_of
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.serving.answers import Answer, Reader, answer_of, load_reader


@dataclass(frozen=True)
class Glossing:
    """The teacher, which reads the gloss of each text.

    Attributes:
        reader: the teacher's, adjusted to the topics' shares.
        gloss: texts to their glosses.
    """

    reader: Reader
    gloss: Callable[[list[str]], list[str]]

    def probabilities(self, texts: Sequence[Text | None]) -> list[list[float]]:
        """Of each topic, for any text: as `evaluate` does, the teacher reads a gloss of which it knows nothing too."""
        glosses = each_side(["" if text is None else text for text in texts], self.gloss)
        return [given or [] for given in self.reader.probabilities(glosses, readable=0.0)]  # it reads all of them


@dataclass(frozen=True)
class PooledReader:
    """The members of a pool. It answers as a `Reader` does.

    Attributes:
        own: reads the language itself, and says what is readable.
        glossing: the teacher, and what it reads.
        voters: the labelled articles that are nearest.
    """

    own: Reader
    glossing: Glossing
    voters: Voters

    @property
    def topics(self) -> list[str]:
        """In the order of the probabilities."""
        return self.own.topics

    @property
    def language(self) -> str:
        """The texts'."""
        return self.own.language

    def answer(self, texts: Sequence[Text | None], abstain: float = 0.0) -> list[Answer]:
        """Classify texts, in their order; see `Reader.answer`."""
        members = (self.own.probabilities(texts), self.glossing.probabilities(texts), self.voters.probabilities(texts))
        return [
            answer_of(self.topics, numpy.exp(pool([own, *others])).tolist() if own else None, abstain)
            for own, *others in zip(*members, strict=True)
        ]


def load_glossing(role: Role) -> Glossing:
    """Load the teacher, and the lexicon of a role.

    Raises:
        UserError: a stage that makes one of them has not run.
    """
    params = load_parameters()
    reader = _load(Path(MODELS[role]["glossed"]), "source")
    gloss = load_glosser(Path("models/gloss") / role, Path("models/skipgram/source"), params.gloss.context_weight)
    return Glossing(reader.shifted(load_log_odds(role, reader.topics).numpy()), gloss)


def load_pool(role: Role) -> PooledReader:
    """Load the members of a role's pool.

    Raises:
        UserError: a stage that makes one of them has not run.
    """
    return PooledReader(_load(folder_of(role), role), load_glossing(role), load_voters(role))


def folder_of(role: Role) -> Path:
    """Of the member that reads the language itself."""
    return Path(MODELS[role][MEMBERS[role][-1]])


def _load(folder: Path, reads: Role) -> Reader:
    params = load_parameters()
    language, fold_yo = languages_of(params)[reads], params.prepare.fold_yo
    return load_reader(folder, language, fold_yo=fold_yo, device="auto")
