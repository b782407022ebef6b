"""download@role: fetch a language's articles, whatever the corpus kind, into one table."""

from pathlib import Path

from stages.command import command, stage
from stages.corpora.articles import pick, read_articles, read_dictionary
from stages.corpora.presets import language_of, load_preset
from stages.embeddings.dictionary import save_dictionary
from stages.outputs import replacing
from stages.parameters import Role, load_parameters


def main(role: Role) -> None:
    """Write data/articles/{role}.parquet, and data/dictionaries/{role}.tsv with what the preset offers for it."""
    params = load_parameters()
    preset = load_preset(params.corpus)
    language = language_of(role, preset, params.download)
    with stage("download", params, params.download, role) as run:
        articles = pick(read_articles(preset, language), params.download.articles, params.seed)
        # The preset's dictionaries start from its own source language.
        fits = language_of("source", preset, params.download) == preset.languages.source and role != "source"
        entries = read_dictionary(preset, language) if fits else []
        with replacing(Path("data/articles") / f"{role}.parquet") as partial:
            articles.to_parquet(partial, index=False)
        with replacing(Path("data/dictionaries") / f"{role}.tsv") as partial:
            save_dictionary(entries, partial)
        run.tags({"language": language})
        run.metrics({"articles": len(articles), "labelled": int(articles["topic"].notna().sum())})


if __name__ == "__main__":
    command(main)
