"""align@role: map a language's word vectors into the source's space, and score the map on held-out translations."""

from pathlib import Path

from crosswiki.corpora.text import Spelling
from crosswiki.corpora.word_pairs import save_dictionary
from crosswiki.embeddings.alignment import align, standardise, translate
from crosswiki.embeddings.dictionary import entries_of_pairs, translation_weights
from crosswiki.embeddings.glossary import glossary
from crosswiki.embeddings.seed_dictionary import held_out_precision, load_seed_dictionary
from crosswiki.embeddings.spelling import compare_spelling
from crosswiki.embeddings.vectors import WordVectors, load_vectors, save_vectors
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import replacing, write_json
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.stage import run_stage, stage


def main(role: Role) -> None:
    """Write models/aligned/{role}/ (vectors in the source's space, dictionaries) and metrics/alignment/{role}.json."""
    params = load_parameters()
    settings = params.align
    if role == "source":
        raise UserError("role: found 'source'; target or test is needed, as they are mapped onto the source")
    with stage("align", params, settings, role) as run:
        source_words = load_vectors(Path("models/skipgram/source"))
        other_words = load_vectors(Path("models/skipgram") / role)
        vocabularies = source_words.vocabulary, other_words.vocabulary
        seeds = load_seed_dictionary(role, *vocabularies, settings, Spelling(params.prepare.fold_yo))

        source, other = standardise(source_words.vectors), standardise(other_words.vectors)
        spelling = compare_spelling(vocabularies[0].words, vocabularies[1].words, settings.spelling_weight)
        fit = align(
            source,
            other,
            seeds.train,
            translation_weights(seeds.train, *vocabularies),
            settings.refinement_rounds,
            settings.refinement_words,
            settings.csls_neighbours,
            spelling,
        )
        mapped = other @ fit.mapping
        translations = translate(source, mapped, settings.csls_neighbours, spelling)
        induced = entries_of_pairs(translations.mutual(), *vocabularies)
        glosses = glossary(*vocabularies, translations.of_source, seeds.train, source, mapped)

        with replacing(Path("models/aligned") / role, directory=True) as folder:
            save_vectors(WordVectors(other_words.vocabulary, mapped), folder)
            save_dictionary(dict.fromkeys(seeds.entries), folder / "known.tsv")
            save_dictionary(dict.fromkeys([*seeds.entries, *induced]), folder / "dictionary.tsv")
            save_dictionary(glosses, folder / "glossary.tsv")
        scores = held_out_precision(seeds, source, mapped, settings.csls_neighbours)
        scores |= {"dictionary_size": len(seeds.train), "induced": len(induced)}
        scores |= {"rounds": fit.rounds, "mean_cosine": round(fit.mean_cosine, 6)}
        write_json(Path("metrics/alignment") / f"{role}.json", scores)
        run.metrics(scores)


if __name__ == "__main__":
    run_stage(main)
