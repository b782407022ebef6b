"""The ways in which `crosswiki predict` reads texts: by a model, by the teacher on glosses, or by a pool of systems."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crosswiki.commands.choice import choose, choose_lexicon, choose_role, with_model
from crosswiki.pipeline.languages import languages_of
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.serving.answering import Reads
from crosswiki.serving.answers import load_reader

PARAMETERS = Path("params.yaml")  # says how glosses are made
Gloss = Callable[[list[str]], list[str]]  # texts to what the teacher reads of them


@dataclass(frozen=True)
class Way:
    """One of them, chosen and not loaded yet.

    Attributes:
        name: what the answers call it.
        folder: of a model that has learnt from texts in pairs, if they do.
        inputs: files and folders that the answers depend on.
        load: what reads, and the gloss if it is shown.
    """

    name: str
    folder: Path
    inputs: list[Path]
    load: Callable[[], tuple[Reads, Gloss | None]]


def by_model(language: str | None, model: str | None, runtime: str) -> Way:
    """The model of a language, or the one that is named.

    Raises:
        UserError: see `choose`.
    """
    folder, reads, fold_yo = choose(language, model)
    load = partial(load_reader, folder, reads, fold_yo=fold_yo, runtime=runtime, device="auto")
    return Way(model or str(folder), folder, [folder], lambda: (load(), None))


def by_gloss(language: str | None) -> Way:
    """The teacher, on glosses.

    Raises:
        UserError: no lexicon here is of that language, or there is no teacher.
    """
    lexicon, role = choose_lexicon(language), choose_role(language, "lexicons")
    folder, _, _ = choose(languages_of(load_parameters())["source"], None)

    def load() -> tuple[Reads, Gloss]:
        from crosswiki.serving.pooled import load_glossing

        glossing = load_glossing(role)
        return glossing.reader, glossing.gloss

    inputs = [folder, lexicon, Path("models/shares") / f"{role}.json", Path("models/skipgram/source"), PARAMETERS]
    return Way(str(folder), folder, inputs, load)


def by_pool(language: str | None) -> Way:
    """The gloss, the neighbours and the language's own model.

    Raises:
        UserError: no lexicon here is of that language, or there is no teacher.
    """
    from crosswiki.embeddings.lookup import FOLDERS
    from crosswiki.evaluation.comparison import MODELS, POOLED
    from crosswiki.serving.pooled import folder_of, load_pool

    glossed, role = by_gloss(language), choose_role(language, "lexicons")
    own, voters = with_model(folder_of(role)), Path(MODELS[role]["neighbours"])
    inputs = [*glossed.inputs, own, voters, Path("models/neighbourhood") / role, FOLDERS[role]]
    return Way(POOLED, own, inputs, lambda: (load_pool(role), None))
