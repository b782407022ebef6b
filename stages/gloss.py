"""gloss@role: the lexicon through which a language's texts are read word for word in the source's language."""

from pathlib import Path

from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.splits import labelled
from crosswiki.corpora.text import Spelling
from crosswiki.corpora.vocabulary import load_vocabulary
from crosswiki.embeddings.affixes import find_affixes
from crosswiki.embeddings.alignment import standardise
from crosswiki.embeddings.dictionary import entries_of_titles, hold_out, known_pairs, load_dictionary
from crosswiki.embeddings.glossing import count_units
from crosswiki.embeddings.induction import beside, induce
from crosswiki.embeddings.lexicon import (
    ORIGINS,
    Lexicon,
    count_words,
    dictionary_entries,
    relative_counts,
    save_counts,
    save_lexicon,
)
from crosswiki.embeddings.spelling import compare_spelling
from crosswiki.embeddings.vectors import WordVectors, load_vectors
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import replacing, write_json
from crosswiki.pipeline.parameters import Role, load_parameters
from crosswiki.pipeline.stage import run_stage, stage


def main(role: Role) -> None:
    """Write models/gloss/{role}/ and metrics/gloss/{role}.json."""
    params = load_parameters()
    own = params.align
    if role == "source":
        raise UserError("role: found 'source'; target or test is needed, as the source's texts need no gloss")
    with stage("gloss", params, params.gloss, role) as run:
        articles = {name: load_articles(Path("data/prepared") / name / "articles.parquet") for name in ("source", role)}
        languages = {name: str(table["language"].iloc[0]) for name, table in articles.items()}
        read = {name: table[table["split"] != "test"] for name, table in articles.items()}
        texts = read[role]["text"].tolist()
        spelling = Spelling(params.prepare.fold_yo)
        source, other = load_vectors(Path("models/skipgram/source")), load_vectors(Path("models/aligned") / role)
        everything = load_vocabulary(Path("data/prepared/source/vocabulary.tsv"))
        source_counts = relative_counts(
            count_words(labelled(articles["source"], "train")["text"].tolist(), languages["source"]),
            dict(zip(everything.words, everything.counts.tolist(), strict=True)),
        )
        told = [
            *load_dictionary(Path("data/dictionaries") / f"{role}.tsv"),
            *entries_of_titles(articles["source"], articles[role]),
        ]
        entries = dictionary_entries(told, (languages["source"], languages[role]), spelling, source_counts)
        known = known_pairs(
            load_dictionary(Path("models/aligned") / role / "known.tsv"), source.vocabulary, other.vocabulary
        )
        induced = induce(
            WordVectors(source.vocabulary, standardise(source.vectors)),
            other,
            hold_out(known, other.vocabulary, own.held_out)[1],
            own.csls_neighbours,
            compare_spelling(source.vocabulary.words, other.vocabulary.words, own.spelling_weight),
        )
        counts = count_words(texts, languages[role])
        lexicon = Lexicon(
            languages[role],
            languages["source"],
            beside(entries, induced.entries),
            find_affixes([*(word for word in entries if " " not in word), *counts]),
            frozenset(source_counts),
            params.prepare.fold_yo,
        )
        origins, unknown = count_units(lexicon, texts)
        with replacing(Path("models/gloss") / role, directory=True) as folder:
            save_lexicon(lexicon, folder)
            save_counts(counts, folder / "words.tsv")
            save_counts(unknown, folder / "unknown.tsv")
        total = max(origins.total(), 1)
        summary = {
            "dictionary_entries": len(entries),
            "induced_entries": len(induced.entries),
            "induced_threshold": induced.threshold,
            "induced_right": round(induced.right, 6),
            "held_out": induced.held_out,
            "words": origins.total(),
            **{f"by_{origin}": round(origins[origin] / total, 6) for origin in ORIGINS},
        }
        write_json(Path("metrics/gloss") / f"{role}.json", summary)
        run.metrics({name: value for name, value in summary.items() if value is not None})


if __name__ == "__main__":
    run_stage(main)
