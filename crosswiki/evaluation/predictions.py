"""What systems answer to a test split: over all topics, and among those alone that the corpus names for its language.

A preset may name fewer topics for a language than for the source's. What a system answers beyond them can never be
right, so both are reported. Which topics are named is a fact of the task and no label.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas
from numpy.typing import NDArray

from crosswiki.pipeline.outputs import replacing
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.presets import Preset


@dataclass(frozen=True)
class Predictions:
    """The answers to one role's test split.

    Attributes:
        ids: of the articles, in order.
        named: the topics that the preset names for the language; None: those of the source, or none at all.
        topics: of each system, the likeliest topic of each article.
        among_named: the same, where the topics that are not named are left out; empty if `named` is None.
    """

    ids: Sequence[str]
    named: frozenset[str] | None
    topics: dict[str, list[str]] = field(default_factory=dict)
    among_named: dict[str, list[str]] = field(default_factory=dict)

    def add(self, system: str, known: Sequence[str], scores: NDArray[Any]) -> None:
        """Add a system's answers.

        Args:
            system: which.
            known: the topics that it knows.
            scores: the higher, the likelier, [articles, topics]: logits, probabilities or distances.
        """
        self.topics[system] = [known[place] for place in scores.argmax(1)]
        named = [place for place, topic in enumerate(known) if self.named and topic in self.named]
        if named:
            self.among_named[system] = [known[named[place]] for place in scores[:, named].argmax(1)]

    def load(self, folder: Path, role: Role) -> list[str]:
        """Add the answers that another stage has saved; the systems' names."""
        found = _read(folder / f"{role}.csv")
        self.topics.update(found)
        if self.named:
            self.among_named.update(_read(folder / f"named-{role}.csv"))
        return list(found)

    def save(self, folder: Path, role: Role, **columns: Sequence[str]) -> None:
        """Write {role}.csv: id, further columns, each system's answers; named-{role}.csv too, if topics are named.

        Args:
            folder: of both.
            role: whose test split it is.
            columns: by name, each [articles].
        """
        for name, answers in ((role, self.topics), (f"named-{role}", self.among_named)):
            if name == role or self.named:
                with replacing(folder / f"{name}.csv") as partial:
                    table = pandas.DataFrame({"id": self.ids, **columns, **answers})
                    table.to_csv(partial, index=False, lineterminator="\n")


def fewer_topics(articles: Mapping[Role, pandas.DataFrame], preset: Preset) -> dict[Role, frozenset[str] | None]:
    """The topics that a preset names for each role's language; None where it names none, or all of the source's.

    Args:
        articles: of each role; they tell its language.
        preset: of the corpus.
    """
    named = {role: preset.named_topics(str(table["language"].iloc[0])) for role, table in articles.items()}
    return {
        role: topics if topics and not topics >= (named["source"] or topics) else None for role, topics in named.items()
    }


def _read(path: Path) -> dict[str, list[str]]:
    table = pandas.read_csv(path, dtype=str, keep_default_na=False)
    return {str(system): answers for system, answers in table.drop(columns="id").to_dict("list").items()}
