"""transplant@role: copy the teacher's parameters, and give it a tokenizer and embeddings of the new language."""

from pathlib import Path

from crosswiki.bert.mixtures import piece_vectors, token_vectors
from crosswiki.bert.models import load_classifier, save_classifier
from crosswiki.bert.tokenization import new_tokenizer
from crosswiki.bert.transplantation import transplant
from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.pairs import sides_of
from crosswiki.embeddings.alignment import standardise
from crosswiki.embeddings.dictionary import load_dictionary, words_beyond
from crosswiki.embeddings.vectors import load_vectors
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import replacing, write_json
from crosswiki.pipeline.parameters import Role, load_parameters
from crosswiki.pipeline.stage import run_stage, stage


def main(role: Role) -> None:
    """Write models/transplanted/{role}/ and metrics/transplant/{role}.json."""
    params = load_parameters()
    settings = params.transplant
    if role == "source":
        raise UserError("role: found 'source'; target or test is needed, as the source's model needs no transplant")
    with stage("transplant", params, settings, role) as run:
        teacher = load_classifier(Path("models/source"))
        source = load_vectors(Path("models/skipgram/source"))
        other = load_vectors(Path("models/aligned") / role)
        articles = load_articles(Path("data/prepared") / role / "articles.parquet")
        texts = sides_of(articles[articles["split"] != "test"])
        dictionary, words = load_dictionary(Path("models/aligned") / role / "known.tsv"), list(other.vocabulary.words)
        if settings.method == "csls_mixtures" and settings.dictionary_weight:
            language, remaining = str(articles["language"].iloc[0]), settings.vocabulary_size - len(words)
            words += words_beyond(dictionary, other.vocabulary, source.vocabulary, texts, language, remaining)
        tokenizer, pieces = new_tokenizer(teacher.tokenizer, texts, words, settings)
        transplanted, counts = transplant(
            teacher,
            tokenizer,
            token_vectors(teacher.tokenizer, source, standardise(source.vectors)),
            piece_vectors(tokenizer, pieces, other, other.vectors),
            dictionary,
            settings,
            params.seed,
        )
        with replacing(Path("models/transplanted") / role, directory=True) as folder:
            save_classifier(transplanted, folder)
        write_json(Path("metrics/transplant") / f"{role}.json", {"tokens": len(tokenizer), **counts})
        run.metrics({"tokens": len(tokenizer), **counts})


if __name__ == "__main__":
    run_stage(main)
