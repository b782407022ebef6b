"""gloss@role: the lexicon through which a language's texts are read word for word in the source's language."""

from pathlib import Path

from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.pairs import sides_of
from crosswiki.corpora.splits import labelled
from crosswiki.corpora.text import Spelling
from crosswiki.corpora.vocabulary import load_vocabulary
from crosswiki.corpora.word_pairs import load_dictionary
from crosswiki.embeddings.affixes import find_affixes
from crosswiki.embeddings.dictionary import entries_of_titles
from crosswiki.embeddings.entries import dictionary_entries, relative_counts
from crosswiki.embeddings.glossing import count_units
from crosswiki.embeddings.induction import beside, induce_beyond
from crosswiki.embeddings.lexicon import ORIGINS, Lexicon, count_words, save_counts, save_lexicon
from crosswiki.embeddings.vectors import load_vectors
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import replacing, write_json
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.stage import run_stage, stage


def main(role: Role) -> None:
    """Write models/gloss/{role}/ and metrics/gloss/{role}.json."""
    params = load_parameters()
    if role == "source":
        raise UserError("role: found 'source'; target or test is needed, as the source's texts need no gloss")
    with stage("gloss", params, params.gloss, role) as run:
        source, other = (load_articles(Path("data/prepared") / r / "articles.parquet") for r in ("source", role))
        languages = str(source["language"].iloc[0]), str(other["language"].iloc[0])
        texts = sides_of(other[other["split"] != "test"])
        words = load_vocabulary(Path("data/prepared/source/vocabulary.tsv"))
        source_counts = relative_counts(
            count_words(sides_of(labelled(source, "train")), languages[0]),
            dict(zip(words.words, words.counts.tolist(), strict=True)),
        )
        pairs = load_dictionary(Path("data/dictionaries") / f"{role}.tsv") + entries_of_titles(source, other)
        entries = dictionary_entries(pairs, languages, Spelling(params.prepare.fold_yo), source_counts)
        aligned = Path("models/aligned") / role
        known = load_dictionary(aligned / "known.tsv")
        induced = induce_beyond(
            known, load_vectors(Path("models/skipgram/source")), load_vectors(aligned), params.align
        )
        counts = count_words(texts, languages[1])
        lexicon = Lexicon(
            languages[1],
            languages[0],
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
        shares = {f"by_{origin}": round(origins[origin] / max(origins.total(), 1), 6) for origin in ORIGINS}
        summary = {"dictionary_entries": len(entries), **induced.metrics, "words": origins.total(), **shares}
        write_json(Path("metrics/gloss") / f"{role}.json", summary)
        run.metrics({name: value for name, value in summary.items() if value is not None})


if __name__ == "__main__":
    run_stage(main)
