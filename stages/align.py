"""align@role: map a language's word vectors into the source's space, and score the map on held-out translations."""

from dataclasses import dataclass
from pathlib import Path

from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.text import Spelling, normalise, segment
from crosswiki.corpora.vocabulary import Vocabulary
from crosswiki.embeddings.alignment import Pairs, align, precision, standardise, translate
from crosswiki.embeddings.dictionary import (
    Entries,
    entries_of_titles,
    from_source,
    hold_out,
    known_pairs,
    load_dictionary,
    save_dictionary,
    translation_weights,
    words_spelled_alike,
)
from crosswiki.embeddings.glossary import glossary
from crosswiki.embeddings.spelling import compare_spelling
from crosswiki.embeddings.vectors import WordVectors, load_vectors, save_vectors
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import replacing, write_json
from crosswiki.pipeline.parameters import Align, Role, load_parameters
from crosswiki.pipeline.stage import run_stage, stage


@dataclass(frozen=True)
class Known:
    """The translations that are known before anything is aligned."""

    entries: Entries  # of any number of words: given, of titles, and spelled alike
    learnt: Pairs  # rows of single words, to learn from
    held: Pairs  # the same, which only scores read


def known_translations(role: Role, source: Vocabulary, other: Vocabulary, own: Align, spelling: Spelling) -> Known:
    """Collect them from the preset's dictionary, linked titles, and words that are spelled alike.

    Raises:
        UserError: there are too few.
    """
    articles = {name: load_articles(Path("data/prepared") / name / "articles.parquet") for name in ("source", role)}
    language = {name: str(table["language"].iloc[0]) for name, table in articles.items()}
    given = [
        (normalise(s, language["source"], spelling).lower(), normalise(o, language[role], spelling).lower())
        for s, o in load_dictionary(Path("data/dictionaries") / f"{role}.tsv")
    ]
    told = [*given, *entries_of_titles(articles["source"], articles[role])]
    alike = words_spelled_alike(source, other, own.identical_min_length)
    words = [(segment(s, language["source"]), segment(o, language[role])) for s, o in told]
    pairs = known_pairs([*((s[0], o[0]) for s, o in words if len(s) == len(o) == 1), *alike], source, other)
    learnt, held = hold_out(pairs, other, own.held_out)
    if len(learnt) < 10 or len(held) == 0:
        raise UserError(f"align@{role}: only {len(pairs)} known translations: name a dictionary in the corpus preset")
    return Known([*told, *alike], learnt, held)


def main(role: Role) -> None:
    """Write models/aligned/{role}/ (vectors, the source's in the same space, a dictionary) and metrics/alignment/."""
    params = load_parameters()
    own = params.align
    if role == "source":
        raise UserError("role: found 'source'; target or test is needed, as they are mapped onto the source")
    with stage("align", params, own, role) as run:
        source = load_vectors(Path("models/skipgram/source"))
        other = load_vectors(Path("models/skipgram") / role)
        known = known_translations(role, source.vocabulary, other.vocabulary, own, Spelling(params.prepare.fold_yo))
        fixed, moving = standardise(source.vectors), standardise(other.vectors)
        weights = translation_weights(known.learnt, source.vocabulary, other.vocabulary)
        spelling = compare_spelling(source.vocabulary.words, other.vocabulary.words, own.spelling_weight)
        neighbours = own.csls_neighbours
        fit = align(
            fixed, moving, known.learnt, weights, own.refinement_rounds, own.refinement_words, neighbours, spelling
        )
        mapped = moving @ fit.mapping
        nearest = translate(fixed, mapped, neighbours, spelling)
        found = nearest.mutual()
        glosses = glossary(source.vocabulary, other.vocabulary, nearest.of_source, known.learnt, fixed, mapped)
        induced = [
            (source.vocabulary.words[int(s)], other.vocabulary.words[int(o)])
            for s, o in zip(found.source, found.other, strict=True)
        ]
        with replacing(Path("models/aligned") / role, directory=True) as folder:
            save_vectors(WordVectors(other.vocabulary, mapped), folder, mapping=fit.mapping)
            save_dictionary(dict.fromkeys(known.entries), folder / "known.tsv")
            save_dictionary(dict.fromkeys([*known.entries, *induced]), folder / "dictionary.tsv")
            save_dictionary(glosses, folder / "glossary.tsv")
        scores: dict[str, float] = {}
        back = from_source(known.learnt, known.held)
        for direction, keys, queries, gold in (("", fixed, mapped, known.held), ("_from_source", mapped, fixed, back)):
            at = precision(keys, queries, gold, neighbours, (1, 5))
            scores |= {f"precision_at_{k}{direction}": round(share, 6) for k, share in at.items()}
            scores[f"n{direction}"] = len(gold.other.unique())
        scores |= {"dictionary_size": len(known.learnt), "induced": len(induced)}
        scores |= {"rounds": fit.rounds, "mean_cosine": round(fit.mean_cosine, 6)}
        write_json(Path("metrics/alignment") / f"{role}.json", scores)
        run.metrics(scores)


if __name__ == "__main__":
    run_stage(main)
