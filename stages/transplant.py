"""transplant@role: copy the teacher's parameters, and give it a tokenizer and embeddings of the new language."""

from pathlib import Path

import pandas

from crosswiki.bert.kept_vocabulary import keep_vocabulary
from crosswiki.bert.mixtures import piece_vectors, token_vectors
from crosswiki.bert.models import Classifier, load_classifier, save_classifier
from crosswiki.bert.tokenization import new_tokenizer
from crosswiki.bert.translations import Translations
from crosswiki.bert.transplantation import transplant
from crosswiki.corpora.articles import load_articles
from crosswiki.corpora.lemmas import entries_by_lemma
from crosswiki.corpora.pairs import sides_of
from crosswiki.corpora.word_pairs import load_dictionary
from crosswiki.embeddings.alignment import standardise
from crosswiki.embeddings.dictionary import words_beyond
from crosswiki.embeddings.lexicon import likeliest_translations, load_lexicon
from crosswiki.embeddings.vectors import load_vectors
from crosswiki.evaluation.topic_shares import GLOSSED, adjust_to_shares
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.outputs import replacing, write_json
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import Parameters, load_parameters
from crosswiki.pipeline.stage import run_stage, stage


def main(role: Role) -> None:
    """Write models/transplanted/{role}/ and metrics/transplant/{role}.json."""
    params = load_parameters()
    settings = params.transplant
    if role == "source":
        raise UserError("role: found 'source'; target or test is needed, as the source's model needs no transplant")
    with stage("transplant", params, settings, role) as run:
        teacher = load_classifier(Path("models/source"))
        articles = load_articles(Path("data/prepared") / role / "articles.parquet")
        texts = sides_of(articles[articles["split"] != "test"])
        if settings.method == "keep":
            transplanted, counts = keep_vocabulary(teacher, texts, settings.vocabulary_size)
        else:
            transplanted, counts = transplanted_by_vectors(teacher, role, articles, texts, params)
        shares = adjust_to_shares(teacher, transplanted, role, articles, params) if params.source_shares else {}
        with replacing(Path("models/transplanted") / role, directory=True) as folder:
            save_classifier(transplanted, folder)
        write_json(GLOSSED / f"{role}.json", shares)
        counts = {"tokens": len(transplanted.tokenizer), **counts}
        write_json(Path("metrics/transplant") / f"{role}.json", counts)
        run.metrics(counts)


def transplanted_by_vectors(
    teacher: Classifier, role: Role, articles: pandas.DataFrame, texts: list[str], params: Parameters
) -> tuple[Classifier, dict[str, int]]:
    """Make the tokenizer of the new language, and its embeddings from aligned word vectors."""
    settings = params.transplant
    source = load_vectors(Path("models/skipgram/source"))
    other = load_vectors(Path("models/aligned") / role)
    dictionary, words = load_dictionary(Path("models/aligned") / role / "known.tsv"), list(other.vocabulary.words)
    language = str(articles["language"].iloc[0])
    mixtures = settings.method == "csls_mixtures"
    if mixtures and settings.dictionary_weight:
        remaining = settings.vocabulary_size - len(words)
        words += words_beyond(dictionary, other.vocabulary, source.vocabulary, texts, language, remaining)
    lexicon = load_lexicon(Path("models/gloss") / role) if mixtures and settings.lexicon_prior else None
    tokenizer, pieces = new_tokenizer(teacher.tokenizer, texts, words, settings)
    return transplant(
        teacher,
        tokenizer,
        token_vectors(teacher.tokenizer, source, standardise(source.vectors)),
        piece_vectors(tokenizer, pieces, other, other.vectors),
        Translations(
            dictionary,
            entries_by_lemma(dictionary, words, language),
            likeliest_translations(lexicon, words) if lexicon else [],
            dict(zip(other.vocabulary.words, other.vocabulary.counts.tolist(), strict=True)),
        ),
        settings,
        params.seed,
    )


if __name__ == "__main__":
    run_stage(main)
