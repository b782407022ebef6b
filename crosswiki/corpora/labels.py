"""Whether labels are such that a classifier can learn them and be carried over: said before anything is trained."""

from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from operator import itemgetter
from pathlib import Path

from crosswiki.corpora.articles import concept_of
from crosswiki.corpora.groups import read_groups
from crosswiki.corpora.splits import Split, label_rank, split_of
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameter_values import FOLDS, Role
from crosswiki.pipeline.parameters import Parameters
from crosswiki.pipeline.parameters_of_words import Prepare

Labels = list[tuple[str, Split, float]]  # of each labelled text: topic, split, and the rank that a limit picks by


def read_labels(articles: Path, settings: Prepare, seed: int) -> Labels:
    """The labels of a table of articles that `download` has made.

    Args:
        articles: the table.
        settings: the section `prepare` of params.yaml, which says the splits.
        seed: of the ranks.
    """
    found: Labels = []
    for group in read_groups(articles, ["id", "topic", "concept"]):
        for row in group.filter(group["topic"].is_valid()).to_pylist():
            split = split_of(row["concept"], settings.validation, settings.test, settings.fold)
            found.append((row["topic"], split, label_rank(f"{row['concept']}\0{row['id']}", seed)))
    return found


def topics_of(labels: Labels, split: Split, limit: int | None = None) -> Counter[str]:
    """How many texts of a split have each topic; with a limit, of those that `splits.labelled` picks."""
    chosen = sorted((row for row in labels if row[1] == split), key=itemgetter(2))
    return Counter(topic for topic, _, _ in chosen[:limit])


def check_source(topics: Iterable[str]) -> None:
    """Refuse labels that no classifier can learn.

    Args:
        topics: of the texts that the teacher learns from.

    Raises:
        UserError: there are none, or they are of one topic, or fewer than the baselines' cross-validation has folds.
    """
    counts = Counter(topics)
    if not counts:
        raise UserError("source: no labelled article in the train split: label more of its articles")
    if len(counts) == 1:
        raise UserError(f"source: {next(iter(counts))!r} is the only topic in the train split; two or more are needed")
    if counts.total() < FOLDS:
        raise UserError(
            f"source: {counts.total()} labelled articles in the train split; {FOLDS} or more are needed, for the "
            "baselines' cross-validation: label more of its articles"
        )


def check_role(role: Role, labels: Labels, source: Labels, params: Parameters) -> Iterator[str]:
    """Compare a role's topics with those that the teacher learns.

    Args:
        role: whose labels they are.
        labels: of that role.
        source: the source's.
        params: how many labels the trainings read.

    Yields:
        A line for each topic whose texts count as wrong, as no model can answer it.

    Raises:
        UserError: see `check_source`; or a text that the target is trained on has a topic that the source lacks.
    """
    known = topics_of(source, "train", params.finetune_source.labels)
    if role == "source":
        check_source(known.elements())
    if role == "target":
        unknown = sorted(topics_of(labels, "train", params.finetune_target.labels).keys() - known.keys())
        if unknown:
            near = nearest(unknown[0], known)
            hint = f", to {near!r} perhaps" if near else ""
            raise UserError(f"target: topic {unknown[0]!r} is not the source's: map it in the preset{hint}")
    splits: tuple[Split, ...] = ("test",) if role == "test" else ("validation", "test")
    for split in splits:
        for topic, n in sorted(topics_of(labels, split).items()):
            if topic not in known:
                near = nearest(topic, known)
                hint = f"; it has {near!r}: map it in the preset" if near else ""
                yield f"{role}: the source has no topic {topic!r}; its texts count as wrong ({n:,} of {split}){hint}"


def nearest(topic: str, known: Iterable[str]) -> str | None:
    """The topic that another one seems to mean: the same without case and accents, or else one spelt nearly so."""
    names: dict[str, str] = {}
    for name in sorted(known):
        names.setdefault(concept_of(name), name)
    found = get_close_matches(concept_of(topic), names, n=1, cutoff=0.8)
    return names[found[0]] if found else None
