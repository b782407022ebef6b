"""The settings that `crosswiki new` proposes for somebody's own texts; docs/results.md has the figures behind them."""

from collections import Counter
from typing import Any

from crosswiki.pipeline.parameter_values import ROLES, Role

LARGE = (  # what one would set for a Wikipedia, as the presets and docs/corpora.md say
    *("download.max_articles=200000", "prepare.min_count=5", "skipgram.dim=300", "skipgram.ensemble=1"),
    *("skipgram.window=5", "skipgram.subsample=0.0001", "skipgram.max_words=500000000"),
)
OWN, OWN_EPOCHS = 500, 4  # from so many texts of the target on, the student reads these alone, and so often
# Where there is a word list:
CARRIED = 4  # copies of each labelled source text in the target's words
LEXICON_PRIOR = 300  # a word that the text has so often is half its vector's and half its translation's
ROUND_TRIPS, FEW_KNOWN = 2, 0.65  # copies that the teacher reads, if no more of the running words are on the list
# The target's validation labels judge the student. Where there are fewer, English texts in the list's words do, and
# they favour the model before it, which has its words from the list: so the student may lose more accuracy there.
LABELS_THAT_JUDGE, MAX_LOSS = 50, 0.2
# Without Wikipedia, too: there is too little text to find neighbours to mix, and time to read more of each text.
LITTLE_TEXT = ("finetune_source.mixture_noise.probability=0", "finetune_source.max_length=128")
ENOUGH, APART = 50, 0.1  # labels of the target that show its topics' shares; how far from the source's these may be


def shares_agree(surveys: dict[Role, list[Any]]) -> bool:
    """Whether the target's labels are divided among the topics as the source's are, or too few to say otherwise."""
    source, target = (sum((found.labels for found in surveys[role]), Counter[str]()) for role in ROLES[:2])
    apart = sum(abs(source[label] / source.total() - count / target.total()) for label, count in target.items())
    apart += sum(count / source.total() for label, count in source.items() if label not in target)
    return target.total() < ENOUGH or apart / 2 <= APART


def next_command(
    name: str, languages: dict[Role, str], wikipedia: str, own: int, known: float | None, shares: bool, judging: int
) -> str:
    """What to type to train on the new corpus.

    Where the target's files hold enough texts, the student reads no articles beside them: their topics are others.

    With a word list the new language's words are read as their translations, and the student learns from the gloss and
    from labelled texts in the list's words; with one that lacks many words, the teacher learns to read glosses. Without
    Wikipedia there is too little text for neighbours to vote, and for tokens to have neighbours that are mixed.

    Args:
        name: of the corpus.
        languages: of the roles.
        wikipedia: where more text comes from.
        own: texts of the target's files in the train split.
        known: the share of the target's running words that its word list has; None: there is no list.
        shares: whether each topic may be as frequent in the target's texts as in the source's.
        judging: labelled texts of the target in the validation split.
    """
    settings = [f"corpus={name}"]
    if wikipedia in ("hub", "dump"):
        settings += LARGE
    if "test" not in languages:
        settings.append("'roles=[source,target]'")
    if wikipedia != "none" and own >= OWN:
        settings += [f"distill.max_texts={own}", f"distill.epochs={OWN_EPOCHS}"]
    if known is not None:
        teachers = "adapted,glossed" if wikipedia == "none" else "neighbours,adapted,glossed"
        settings += [
            f"'distill.teachers=[{teachers}]'",
            f"distill.carried_labels={CARRIED}",
            f"transplant.lexicon_prior={LEXICON_PRIOR}",
        ]
        if judging < LABELS_THAT_JUDGE:
            settings.append(f"distill.max_loss={MAX_LOSS}")
        if shares:
            settings.append("source_shares=true")
        if known < FEW_KNOWN:
            settings.append(f"finetune_source.round_trips={ROUND_TRIPS}")
        if wikipedia == "none":
            settings += LITTLE_TEXT
    return " ".join(["dvc exp run", *(f"-S {setting}" for setting in settings)])
