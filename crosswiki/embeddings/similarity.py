"""How well word vectors agree with people on which words are alike."""

from collections.abc import Callable
from pathlib import Path

import pandas
import torch

from crosswiki.embeddings.vectors import WordVectors, unit

COLUMNS = ("set", "word", "other", "score")


def spearman(words: WordVectors, judged: pandas.DataFrame) -> dict[str, dict[str, float | int]]:
    """Correlate cosines with people's scores, by rank (Spearman), for each set of judgements.

    Args:
        words: the vectors.
        judged: the columns `COLUMNS`, a row for each pair of words.

    Returns:
        For each set: the correlation over the pairs of which both words have a vector, how many those are, and how
        many there are at all. There is no correlation for fewer than three.
    """
    ids, vectors, found = words.vocabulary.ids, unit(words.vectors), {}
    for name, rows in judged.groupby("set", sort=True):
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


def load_judgements(path: Path, spelled: Callable[[str], str] = str) -> pandas.DataFrame:
    """Read what `save_judgements` wrote; every word is text, `nan` and `null` too.

    Args:
        path: the table.
        spelled: from a word to how the vocabulary spells it.
    """
    types = {"set": str, "word": str, "other": str}
    judged = pandas.read_csv(path, sep="\t", keep_default_na=False, dtype=types)
    return judged.assign(**{column: judged[column].map(spelled) for column in ("word", "other")})
