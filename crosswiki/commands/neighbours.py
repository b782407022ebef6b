"""List the words nearest to a word, in its own language and in the others."""

import argparse

from crosswiki.corpora.text import Spelling, words_of
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.languages import languages_of
from crosswiki.pipeline.parameters import load_parameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("word", help="in any of the languages")
    parser.add_argument("--language", help="of the word; otherwise the first that knows it: source, target, test")
    parser.add_argument("--best", type=int, default=8, help="how many words of each language")


def run(arguments: argparse.Namespace) -> None:
    """Print a line for each language: the nearest words with their cosines."""
    from crosswiki.embeddings.lookup import FOLDERS, load_aligned, nearest_words  # with PyTorch

    # Roles that `align` has not aligned yet are left out.
    params = load_parameters()
    loaded = [role for role in params.roles if role == "source" or FOLDERS[role].is_dir()]
    languages, vectors = languages_of(params), load_aligned(loaded)
    codes = {role: languages[role] or role for role in vectors}
    if arguments.language and arguments.language not in codes.values():
        raise UserError(f"--language: found {arguments.language!r}; there are vectors of {', '.join(codes.values())}")
    if arguments.best < 1:
        raise UserError(f"--best: found {arguments.best}; 1 or more is needed")
    roles = [role for role in params.roles if role in codes and arguments.language in (None, codes[role])]
    spelling = Spelling(params.prepare.fold_yo)
    # As `prepare` writes the word; otherwise as it stands, since vectors of one's own may have any words.
    spellings = {role: (" ".join(words_of(arguments.word, codes[role], spelling)), arguments.word) for role in roles}
    found = next(
        ((role, word) for role in roles for word in spellings[role] if word in vectors[role].vocabulary.ids), None
    )
    if found is None:
        raise UserError(
            f"{arguments.word}: no such word in the vocabulary of {', '.join(codes[role] for role in roles)}"
        )
    role_of_word, word = found
    for role, others in vectors.items():
        nearest = nearest_words(word, vectors[role_of_word], others, arguments.best)
        print(f"{codes[role]:4}", "  ".join(f"{other} {cosine:.2f}" for other, cosine in nearest))
