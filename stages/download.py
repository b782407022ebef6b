"""download@role: fetch a language's articles, whatever the corpus kind, into one table."""

from pathlib import Path

from crosswiki.corpora.collect import Corpus, collect
from crosswiki.corpora.readers.files import read_similarities
from crosswiki.corpora.readers.word_lists import Dictionary, count_words, read_dictionaries
from crosswiki.corpora.word_pairs import save_dictionary
from crosswiki.pipeline.languages import language_of
from crosswiki.pipeline.outputs import replacing, write_json
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.presets import load_preset
from crosswiki.pipeline.stage import run_stage, stage


def main(role: Role) -> None:
    """Write data/articles/{role}.parquet, data/dictionaries/, data/similarities/ and metrics/download/{role}.json."""
    params = load_parameters()
    preset = load_preset(params.corpus)
    language = language_of(role, preset, params)
    source = language_of("source", preset, params)
    with stage("download", params, params.download, role) as run:
        from crosswiki.embeddings.similarity import save_judgements  # with torch, which no worker should wait for

        articles = Path("data/articles") / f"{role}.parquet"
        with replacing(articles) as partial:
            counts = collect(Corpus(preset, language, source), params.download, params.seed, partial, params.workers)
        dictionary = Dictionary([], 0, 0.0)
        # The preset's dictionaries start from its own source language.
        if preset.dictionaries.get(language) and source == preset.languages.source and role != "source":
            dictionary = read_dictionaries(preset, language, count_words(articles, language))
        with replacing(Path("data/dictionaries") / f"{role}.tsv") as partial:
            save_dictionary(dictionary.entries, partial)
        with replacing(Path("data/similarities") / f"{role}.tsv") as partial:
            save_judgements(read_similarities(preset, language), partial)
        counts |= dictionary.counts()
        write_json(Path("metrics/download") / f"{role}.json", counts)
        run.tags({"language": language})
        run.metrics(counts)


if __name__ == "__main__":
    run_stage(main)
