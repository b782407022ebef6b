"""Splits by concept: an article and its translations always fall on the same side."""

from typing import TYPE_CHECKING, Literal, get_args

from crosswiki.corpora.articles import in_task, task_concept, unit_hash

if TYPE_CHECKING:
    import pandas

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


def split_of(concept: str, validation: float, test: float, fold: int = 0) -> Split:
    """The split that a concept belongs to, by a hash of its name alone: the same in every language and every run.

    Args:
        concept: what the article is about, the same string in every language.
        validation: share of the concepts that choose hyperparameters.
        test: share of the concepts that only the evaluation reads.
        fold: which share that is: the folds 0 to 1 / test − 1 test every concept once (cross-validation).
    """
    if in_task(concept):
        for split in SPLITS:
            if concept.startswith(task_concept("", split)):
                return split
    place = (unit_hash(concept) - fold * test) % 1
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"


def label_rank(name: str, seed: int) -> float:
    """A number in [0, 1) by which a limit picks labelled articles, the lowest first; `name` is concept, NUL and id."""
    return unit_hash(f"{seed}:labels:{name}")


def labelled(articles: "pandas.DataFrame", split: Split, limit: int | None = None, seed: int = 0) -> "pandas.DataFrame":
    """The labelled articles of a split; with a limit, that many of them, and fewer are always a part of more.

    Args:
        articles: what `prepare` made, with the columns concept, split and topic.
        split: which split.
        limit: at most so many articles; None for all.
        seed: which articles a limit picks.
    """
    chosen = articles[(articles["split"] == split) & articles["topic"].notna()]
    if limit is None or limit >= len(chosen):
        return chosen.reset_index(drop=True)
    rank = (chosen["concept"] + "\0" + chosen["id"]).map(lambda name: label_rank(name, seed))
    return chosen.loc[rank.sort_values(kind="stable").index[:limit]].sort_index().reset_index(drop=True)
