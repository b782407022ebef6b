"""Texts in pairs: premise and hypothesis, question and answer, two sentences that may say the same.

A text is a string, and a pair a tuple of two, as tokenizers take them; a list may have both. In a table of articles the
second text is in the column `pair`, which is null for a single text and absent where no text has one.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the processes that read a corpus need none of it
    import pandas

PAIR = "pair"
Text = str | tuple[str, str]


def texts_of(articles: "pandas.DataFrame") -> list[Text]:
    """The texts of a table, each with its pair if it has one."""
    texts: list[Text] = articles["text"].tolist()
    if PAIR not in articles:
        return texts
    return [in_pair(text, pair) for text, pair in zip(articles["text"], articles[PAIR], strict=True)]


def with_texts(articles: "pandas.DataFrame", texts: Sequence[Text]) -> "pandas.DataFrame":
    """A table with other texts, one or a pair for each row as it had before."""
    columns: dict[str, Any] = {"text": [text[0] if isinstance(text, tuple) else text for text in texts]}
    if PAIR in articles:
        columns[PAIR] = [text[1] if isinstance(text, tuple) else None for text in texts]
    return articles.assign(**columns)


def in_pair(text: str, pair: object) -> Text:
    """A text with its pair; anything but a string with something in it is none."""
    return (text, pair) if isinstance(pair, str) and pair else text


def sides_of(articles: "pandas.DataFrame") -> list[str]:
    """All texts of a table one by one: first the column `text`, then the second texts of pairs."""
    second = articles[PAIR].dropna().tolist() if PAIR in articles else []
    return [*articles["text"].tolist(), *second]


def each_side(texts: Iterable[Text], change: Callable[[list[str]], Sequence[str]]) -> list[Text]:
    """Change texts, and both texts of a pair, by a function of many single texts, in one call."""
    rows = [text if isinstance(text, tuple) else (text,) for text in texts]
    changed = iter(change([side for row in rows for side in row]))
    return [(next(changed), next(changed)) if len(row) == 2 else next(changed) for row in rows]


def in_one(text: Text) -> str:
    """A text in one line for people: a pair's texts with a stroke between them."""
    return " / ".join(text) if isinstance(text, tuple) else text


def first_of_concepts(articles: "pandas.DataFrame") -> "pandas.DataFrame":
    """The article of each concept that stands for it in another language: the first.

    Of pairs, only one that is alone in its concept stands for it: a concept is what a pair's first text is about, so
    that two pairs of one concept need not mean the same.
    """
    if PAIR in articles:
        articles = articles[articles[PAIR].isna() | ~articles.duplicated("concept", keep=False)]
    return articles.drop_duplicates("concept")
