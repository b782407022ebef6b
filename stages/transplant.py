"""transplant@role: copy the teacher's parameters, and give it a tokenizer and embeddings of the new language."""

from pathlib import Path

from stages.bert.mixtures import piece_vectors, token_vectors
from stages.bert.models import load_classifier, save_classifier
from stages.bert.tokenization import new_tokenizer
from stages.bert.transplant import transplant
from stages.command import command, stage
from stages.corpora.articles import load_articles
from stages.embeddings.alignment import standardise
from stages.embeddings.dictionary import load_dictionary, words_beyond
from stages.embeddings.vectors import load_vectors
from stages.errors import UserError
from stages.outputs import replacing, write_json
from stages.parameters import Role, load_parameters


def main(role: Role) -> None:
    """Write models/transplanted/{role}/ and metrics/transplant/{role}.json."""
    params = load_parameters()
    own = params.transplant
    if role == "source":
        raise UserError("role: found 'source'; target or test is needed, as the source's model needs no transplant")
    with stage("transplant", params, own, role) as run:
        teacher = load_classifier(Path("models/source"))
        source = load_vectors(Path("models/skipgram/source"))
        other = load_vectors(Path("models/aligned") / role)
        articles = load_articles(Path("data/prepared") / role / "articles.parquet")
        texts = articles.loc[articles["split"] != "test", "text"].tolist()
        told, words = load_dictionary(Path("models/aligned") / role / "known.tsv"), list(other.vocabulary.words)
        if own.method == "csls_mixtures" and own.dictionary:
            language, room = str(articles["language"].iloc[0]), own.tokens - len(words)
            words += words_beyond(told, other.vocabulary, source.vocabulary, texts, language, room)
        tokenizer, pieces = new_tokenizer(teacher.tokenizer, texts, words, own)
        transplanted, counts = transplant(
            teacher,
            tokenizer,
            token_vectors(teacher.tokenizer, source, standardise(source.vectors)),
            piece_vectors(tokenizer, pieces, other, other.vectors),
            told,
            own,
            params.seed,
        )
        with replacing(Path("models/transplanted") / role, directory=True) as folder:
            save_classifier(transplanted, folder)
        write_json(Path("metrics/transplant") / f"{role}.json", {"tokens": len(tokenizer), **counts})
        run.metrics({"tokens": len(tokenizer), **counts})


if __name__ == "__main__":
    command(main)
