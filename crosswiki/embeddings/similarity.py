"""Evaluation of word vectors on human judgements of word similarity."""

from collections.abc import Callable
from pathlib import Path

import pandas
import torch

from crosswiki.embeddings.vectors import WordVectors, unit

COLUMNS = ("set", "word", "other", "score")


def spearman(words: WordVectors, judgements: pandas.DataFrame) -> dict[str, dict[str, float | int]]:
    """Spearman's rank correlation of cosines with human scores, for each set of judgements.

    Args:
        words: the vectors.
        judgements: the columns `COLUMNS`, a row for each pair of words.

    Returns:
        For each set: `spearman` over the pairs of which both words have a vector (left out below three pairs), the
        number of these `pairs`, and the number `of` all pairs.
    """
    ids, vectors, found = words.vocabulary.ids, unit(words.vectors), {}
    for name, rows in judgements.groupby("set", sort=True):
        known = rows[rows["word"].isin(ids) & rows["other"].isin(ids)]
        pairs = [torch.tensor([ids[word] for word in known[column]], dtype=torch.int64) for column in ("word", "other")]
        cosines = pandas.Series((vectors[pairs[0]] * vectors[pairs[1]]).sum(1).numpy(), index=known.index)
        scores: dict[str, float | int] = {"pairs": len(known), "of": len(rows)}
        if len(known) > 2:
            scores = {"spearman": round(float(cosines.corr(known["score"], method="spearman")), 6), **scores}
        found[str(name)] = scores
    return found


def save_judgements(rows: list[tuple[str, str, str, float]], path: Path) -> None:
    """Write judgements as a table with a header."""
    pandas.DataFrame(rows, columns=list(COLUMNS)).to_csv(path, sep="\t", index=False)


def load_judgements(path: Path, normalised: Callable[[str], str] = str) -> pandas.DataFrame:
    """Read what `save_judgements` wrote; all words are text, `nan` and `null` too.

    Args:
        path: the table.
        normalised: from a word to its spelling in the vocabulary.
    """
    types = {"set": str, "word": str, "other": str}
    judgements = pandas.read_csv(path, sep="\t", keep_default_na=False, dtype=types)
    return judgements.assign(**{column: judgements[column].map(normalised) for column in ("word", "other")})
