"""prepare@role: normalise and segment the text, split by concept, and write the words as one array of ids.

The test split's articles are in no array: nothing but `evaluate` reads them, with or without labels.
"""

from collections import Counter
from pathlib import Path

import numpy

from stages.command import command, stage
from stages.corpora.articles import load_articles
from stages.corpora.splits import split_of
from stages.corpora.text import normalise, segment
from stages.corpora.vocabulary import build_vocabulary, save_vocabulary
from stages.errors import UserError
from stages.outputs import replacing, write_json
from stages.parameters import Role, load_parameters
from stages.progress import progress


def main(role: Role) -> None:
    """Write data/prepared/{role}/ and metrics/corpus/{role}.json."""
    params = load_parameters()
    with stage("prepare", params, params.prepare, role) as run:
        articles = load_articles(Path("data/articles") / f"{role}.parquet")
        language = str(articles["language"].iloc[0])
        for column in ("title", "text"):
            present = articles[column].notna()
            articles.loc[present, column] = articles.loc[present, column].map(lambda text: normalise(text, language))
        share = params.prepare
        articles["split"] = articles["concept"].map(lambda name: split_of(name, share.validation, share.test))
        read = articles.loc[articles["split"] != "test", "text"]
        documents = [segment(text, language) for text in progress(read.tolist(), "segmenting")]

        counts = Counter(word for document in documents for word in document)
        vocabulary = build_vocabulary(counts, params.prepare.min_count, params.prepare.max_vocabulary)
        ids = vocabulary.ids
        tokens = [[ids[word] for word in document if word in ids] for document in documents]
        offsets = numpy.cumsum([0, *map(len, tokens)], dtype=numpy.int64)
        flat = numpy.fromiter((token for document in tokens for token in document), numpy.int32, offsets[-1])
        labels: dict[str, dict[str, int]] = {}
        for split, topics in articles.groupby("split")["topic"]:
            if topics.notna().any():
                labels[str(split)] = {str(topic): int(n) for topic, n in topics.value_counts().sort_index().items()}
        for split in ("train", "validation", "test") if role == "source" else ("test",):
            if split not in labels:
                raise UserError(f"{role}: no labelled article in the {split} split: label more of its articles")

        with replacing(Path("data/prepared") / role, directory=True) as folder:
            articles.to_parquet(folder / "articles.parquet", index=False)
            numpy.save(folder / "tokens.npy", flat)
            numpy.save(folder / "offsets.npy", offsets)
            save_vocabulary(vocabulary, folder / "vocabulary.tsv")
        words = sum(counts.values())
        summary = {
            "articles": len(articles),
            "labelled": int(articles["topic"].notna().sum()),
            "words": words,
            "vocabulary": len(vocabulary),
            "out_of_vocabulary": round(1 - len(flat) / words, 6),
        }
        write_json(Path("metrics/corpus") / f"{role}.json", {**summary, "labels": labels})
        run.tags({"language": language})
        run.metrics(summary)


if __name__ == "__main__":
    command(main)
