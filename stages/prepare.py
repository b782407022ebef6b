"""prepare@role: normalise and segment the text, split by concept, and write the words as one array of ids.

The test split's articles are in no array: nothing learns from them or chooses by them, with or without labels. Words of
all other articles are in the array, which is what skip-gram reads, memory-mapped; the table that all later stages load
whole holds the articles with a topic, and as many others as `prepare.max_unlabelled` says.
"""

import csv
from pathlib import Path

from crosswiki.corpora.groups import open_table
from crosswiki.corpora.labels import check_role, read_labels
from crosswiki.corpora.linked import linked_articles, linked_concepts
from crosswiki.corpora.vocabulary import build_vocabulary, save_vocabulary
from crosswiki.corpora.word_ids import write_articles, write_ids
from crosswiki.corpora.words import Reading, check_splits, read_all, topics_by_split, unlabelled_threshold, workplace
from crosswiki.pipeline.outputs import alone, remove, replacing, write_json
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.stage import run_stage, say, stage


def main(role: Role) -> None:
    """Write data/prepared/{role}/, metrics/corpus/{role}.json and a plot of its topics."""
    params = load_parameters()
    own = params.prepare
    beside: Role = "target" if role == "source" else "source"
    with (
        stage("prepare", params, own, role) as run,
        linked_articles(Path("data"), role, own) as table,
        linked_articles(Path("data"), beside, own) as other,
    ):
        language = str(open_table(table).read_row_group(0, ["language"])["language"][0])
        given = read_labels(table, own, params.seed)
        source = read_labels(table if role == "source" else other, own, params.seed)
        for line in check_role(role, given, source, params):
            say(line)
        threshold = unlabelled_threshold(table, own.max_unlabelled, params.seed)
        reading = Reading(table, language, own, params.seed, threshold)
        folder = workplace(reading)
        with alone(folder):
            groups, counts = read_all(reading, folder, params.workers)
            check_splits(groups, role)
            labels = topics_by_split(groups)
            vocabulary = build_vocabulary(counts, own.min_count, own.max_vocabulary)
            total = {key: sum(group[key] for group in groups) for key in ("articles", "labelled", "words", "documents")}
            names = [f"{group:06d}" for group in range(len(groups))]
            with replacing(Path("data/prepared") / role, directory=True) as place:
                write_articles([folder / f"{name}.parquet" for name in names], place / "articles.parquet")
                arrays = [folder / f"{name}.npz" for name in names]
                tokens = write_ids(arrays, vocabulary, total["documents"], place / "tokens.npy", place / "offsets.npy")
                save_vocabulary(vocabulary, place / "vocabulary.tsv")
            remove(folder)
        summary = {
            "articles": total["articles"],
            "labelled": total["labelled"],
            "linked": linked_concepts(table, other),
            "words": total["words"],
            "vocabulary": len(vocabulary),
            "out_of_vocabulary": round(1 - tokens / total["words"], 6),
        }
        write_json(Path("metrics/corpus") / f"{role}.json", {**summary, "labels": labels})
        plot = Path("metrics/plots/corpus") / f"{role}.csv"
        with replacing(plot) as partial_file, partial_file.open("w", encoding="utf-8", newline="") as file:
            rows = [(f"{topic}, {split}", n) for split, topics in labels.items() for topic, n in topics.items()]
            csv.writer(file, lineterminator="\n").writerows([("topic", "articles"), *sorted(rows)])
        run.tags({"language": language})
        run.metrics(summary)


if __name__ == "__main__":
    run_stage(main)
