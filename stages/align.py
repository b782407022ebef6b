"""align@role: map a language's word vectors into the source's space, and score the map on held-out translations."""

from pathlib import Path

from stages.command import command, stage
from stages.corpora.articles import load_articles
from stages.corpora.text import normalise, segment
from stages.embeddings.alignment import align, mutual_neighbours, precision, standardise
from stages.embeddings.dictionary import (
    entries_of_titles,
    from_source,
    hold_out,
    known_pairs,
    load_dictionary,
    save_dictionary,
    translation_weights,
    words_spelled_alike,
)
from stages.embeddings.spelling import compare_spelling
from stages.embeddings.vectors import WordVectors, load_vectors, save_vectors
from stages.errors import UserError
from stages.outputs import replacing, write_json
from stages.parameters import Role, load_parameters


def main(role: Role) -> None:
    """Write models/aligned/{role}/ (vectors, the source's in the same space, a dictionary) and metrics/alignment/."""
    params = load_parameters()
    if role == "source":
        raise UserError("role: found 'source'; target or test is needed, as they are mapped onto the source")
    with stage("align", params, params.align, role) as run:
        source = load_vectors(Path("models/skipgram/source"))
        other = load_vectors(Path("models/skipgram") / role)
        articles = {name: load_articles(Path("data/prepared") / name / "articles.parquet") for name in ("source", role)}
        language = {name: str(table["language"].iloc[0]) for name, table in articles.items()}
        given = [
            (normalise(s, language["source"]).lower(), normalise(o, language[role]).lower())
            for s, o in load_dictionary(Path("data/dictionaries") / f"{role}.tsv")
        ]
        titles = entries_of_titles(articles["source"], articles[role])
        words = [(segment(s, language["source"]), segment(o, language[role])) for s, o in [*given, *titles]]
        alike = words_spelled_alike(source.vocabulary, other.vocabulary, params.align.min_length)
        entries = [(s[0], o[0]) for s, o in words if len(s) == len(o) == 1] + alike
        pairs = known_pairs(entries, source.vocabulary, other.vocabulary)
        learnt, held = hold_out(pairs, other.vocabulary, params.align.held_out)
        if len(learnt) < 10 or len(held) == 0:
            raise UserError(
                f"align@{role}: only {len(pairs)} known translations: name a dictionary in the corpus preset"
            )

        fixed, moving = standardise(source.vectors), standardise(other.vectors)
        csls = params.align.csls_neighbours
        weights = translation_weights(learnt, source.vocabulary, other.vocabulary)
        spelling = compare_spelling(source.vocabulary.words, other.vocabulary.words, params.align.spelling)
        fit = align(fixed, moving, learnt, weights, params.align.rounds, params.align.refine_words, csls, spelling)
        mapped = moving @ fit.mapping
        found = mutual_neighbours(fixed, mapped, csls, spelling)
        induced = [
            (source.vocabulary.words[int(s)], other.vocabulary.words[int(o)])
            for s, o in zip(found.source, found.other, strict=True)
        ]
        with replacing(Path("models/aligned") / role, directory=True) as folder:
            save_vectors(WordVectors(other.vocabulary, mapped), folder, mapping=fit.mapping)
            save_dictionary(dict.fromkeys([*given, *titles, *alike, *induced]), folder / "dictionary.tsv")
        scores: dict[str, float] = {}
        gold = {"": (fixed, mapped, held), "_from_source": (mapped, fixed, from_source(learnt, held))}
        for direction, (keys, queries, wanted) in gold.items():
            at = precision(keys, queries, wanted, csls, (1, 5))
            scores |= {f"precision_at_{k}{direction}": round(share, 6) for k, share in at.items()}
            scores[f"n{direction}"] = len(wanted.other.unique())
        scores |= {"dictionary_size": len(learnt), "induced": len(induced)}
        scores |= {"rounds": fit.rounds, "mean_cosine": round(fit.mean_cosine, 6)}
        write_json(Path("metrics/alignment") / f"{role}.json", scores)
        run.metrics(scores)


if __name__ == "__main__":
    command(main)
