"""From articles to ids of words: the same whatever the groups, the limits, and however often it was interrupted."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy
import pandas
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from crosswiki.corpora import groups as groups_module
from crosswiki.corpora import word_counts, words
from crosswiki.corpora.collect import SCHEMA
from crosswiki.corpora.groups import GroupWriter
from crosswiki.corpora.linked import linked_concepts
from crosswiki.corpora.splits import split_of
from crosswiki.corpora.text import Spelling, normalise, segment
from crosswiki.corpora.vocabulary import build_vocabulary, load_vocabulary
from crosswiki.corpora.word_counts import WordCounts
from crosswiki.embeddings.seed_dictionary import load_seed_dictionary
from crosswiki.embeddings.similarity import save_judgements
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.parameters import load_parameters
from stages import prepare, skipgram
from tests.standin import trio
from tests.tiny import TRIO

PROJECT = Path(__file__).parents[1]
OUTPUTS = ("articles.parquet", "offsets.npy", "tokens.npy", "vocabulary.tsv")


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("CROSSWIKI_TRACKING", "off")
    monkeypatch.setattr(words, "over_workers", lambda work, tasks, *_: ((task, work(task)) for task in tasks))


def write_articles(**params: object) -> None:
    """The trio as `download` leaves it, and params.yaml with some changes."""
    for role, language in (("source", "en"), ("target", "zh"), ("test", "ru")):
        path = Path(f"data/articles/{role}.parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = GroupWriter(path, SCHEMA)
        for row in trio(language):
            writer.add(**{name: row[name] for name in ("id", "title", "text", "topic", "concept")}, language=language)
        writer.close()
    yaml = YAML()
    content = yaml.load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    content["prepare"].update({"validation": 0.2, "test": 0.3, "min_count": 1, **params})
    with Path("params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


def prepared(role: Any) -> dict[str, bytes]:
    prepare.main(role)
    return {name: (Path("data/prepared") / role / name).read_bytes() for name in OUTPUTS}


@pytest.mark.parametrize(("role", "language"), [("source", "en"), ("target", "zh"), ("test", "ru")])
def test_ids_documents_and_splits_are_as_a_plain_reading_has_them(role: str, language: str) -> None:
    write_articles(min_count=2)
    prepared(role)
    documents = [
        segment(normalise(row["text"], language), language)
        for row in trio(language)
        if split_of(row["concept"], 0.2, 0.3) != "test"
    ]
    counts = Counter(word for document in documents for word in document)
    vocabulary = load_vocabulary(Path(f"data/prepared/{role}/vocabulary.tsv"))
    assert dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)) == {
        w: n for w, n in counts.items() if n > 1
    }
    tokens, offsets = (numpy.load(f"data/prepared/{role}/{name}.npy") for name in ("tokens", "offsets"))
    assert (tokens.dtype, offsets.dtype) == (numpy.int32, numpy.int64)
    read = [[vocabulary.words[i] for i in tokens[a:b]] for a, b in pairwise(offsets)]
    assert read == [[word for word in document if counts[word] > 1] for document in documents]
    metrics = json.loads(Path(f"metrics/corpus/{role}.json").read_text())
    assert metrics["words"] == counts.total()
    assert metrics["out_of_vocabulary"] == round(1 - len(tokens) / counts.total(), 6)
    assert sum(sum(topics.values()) for topics in metrics["labels"].values()) == metrics["labelled"] == 24
    concepts = {code: {row["concept"] for row in trio(code)} for code in ("en", "zh", "ru")}
    assert metrics["linked"] == len(concepts["en"] & concepts["zh" if language == "en" else language])
    plot = pandas.read_csv(f"metrics/plots/corpus/{role}.csv")
    assert plot["articles"].sum() == 24
    assert plot["topic"].str.contains(", (?:train|validation|test)$").all()


@pytest.mark.parametrize("role", ["source", "target"])
def test_the_size_of_groups_changes_no_byte(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_articles()
    whole = prepared(role)
    monkeypatch.setattr(groups_module, "GROUP", 500)
    monkeypatch.setattr(word_counts, "MOST_WORDS", 20)
    write_articles()
    assert prepared(role) == whole


def test_a_run_that_was_stopped_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups_module, "GROUP", 500)
    write_articles()
    whole = prepared("source")
    read: list[int] = []
    real = words.read_group

    def failing(group: int, **arguments: Any) -> Any:
        if len(read) == 4 and group not in read:
            read.append(-1)
            raise KeyboardInterrupt
        read.append(group)
        return real(group, **arguments)

    monkeypatch.setattr(words, "read_group", failing)
    with pytest.raises(KeyboardInterrupt):
        prepared("source")
    assert prepared("source") == whole
    groups = [group for group in read if group >= 0]
    assert len(groups) == len(set(groups)) > 8, "no group is read twice"
    assert not [path for path in Path(".checkpoints").glob("prepare-*") if path.is_dir()]


def test_later_stages_get_so_many_articles_without_a_topic_the_same_in_every_language() -> None:
    write_articles(max_unlabelled=3, max_characters=100)
    kept = {}
    for role in ("source", "target"):
        before = prepared(role)
        table = pandas.read_parquet(f"data/prepared/{role}/articles.parquet")
        assert int(table["topic"].notna().sum()) == 24
        assert int(table["topic"].isna().sum()) == 3
        assert table["text"].str.len().max() <= 100
        kept[role] = set(table.loc[table["topic"].isna(), "concept"])
        write_articles()
        assert prepared(role)["tokens.npy"] == before["tokens.npy"], "word vectors read all"
        write_articles(max_unlabelled=3, max_characters=100)
    common = {row["concept"] for row in trio("en")} & {row["concept"] for row in trio("zh")}
    assert len(kept["source"] & kept["target"] & common) >= 1
    write_articles(max_unlabelled=0)
    prepared("source")
    assert pandas.read_parquet("data/prepared/source/articles.parquet")["topic"].notna().all()


def test_yo_is_kept_or_folded() -> None:
    text = "Всё ещё идёт ёлка, бе\u0301лый МОЙ."
    assert normalise(text, "ru") == "Всё ещё идёт ёлка, белый МОЙ."
    assert normalise(text, "ru", Spelling(fold_yo=True)) == "Все еще идет елка, белый МОЙ."
    assert normalise("ё", "uk", Spelling(fold_yo=True)) == "ё"
    write_articles(fold_yo=True)
    prepared("test")
    assert not any("ё" in word for word in load_vocabulary(Path("data/prepared/test/vocabulary.tsv")).words)
    assert "ё" not in "".join(pandas.read_parquet("data/prepared/test/articles.parquet")["text"])


@pytest.mark.parametrize("fold_yo", [True, False])
def test_the_dictionary_is_spelled_as_the_vocabulary_is(fold_yo: bool) -> None:
    write_articles(fold_yo=fold_yo)
    prepared("source")
    prepared("test")
    path = Path("data/dictionaries/test.tsv")
    path.parent.mkdir(parents=True)
    path.write_text("source\tother\n" + (TRIO / "dictionary.en-ru.tsv").read_text(encoding="utf-8"), encoding="utf-8")
    vocabularies = [load_vocabulary(Path(f"data/prepared/{role}/vocabulary.tsv")) for role in ("source", "test")]
    known = load_seed_dictionary("test", *vocabularies, load_parameters().align, Spelling(fold_yo))
    pairs = {
        (vocabularies[0].words[int(s)], vocabularies[1].words[int(o)])
        for side in (known.train, known.held_out)
        for s, o in zip(side.source, side.other, strict=True)
    }
    assert (("aeroplane", "самолет") in pairs, ("aeroplane", "самолёт") in pairs) == (fold_yo, not fold_yo)


@pytest.mark.parametrize("fold_yo", [True, False])
def test_judged_words_are_spelled_as_the_vocabulary_is(fold_yo: bool) -> None:
    write_articles(fold_yo=fold_yo)
    prepared("test")
    path = Path("data/similarities/test.tsv")
    path.parent.mkdir(parents=True)
    save_judgements([("pairs", "самолёт", word, 1.0) for word in ("самолет", "самолёт", "нет-такого")], path)
    skipgram.main("test")
    found = json.loads(Path("metrics/skipgram/test.json").read_text(encoding="utf-8"))["similarity"]["pairs"]
    assert found["pairs"] == (2 if fold_yo else 1)


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=12), max_size=8), st.integers(1, 6))
def test_words_are_counted_exactly_in_little_memory(documents: list[list[str]], most: int) -> None:
    folder = Path("runs")
    folder.mkdir(exist_ok=True)
    counted = WordCounts(folder, most)
    for document in documents:
        counts = Counter(document)
        counted.add(list(counts), numpy.array(list(counts.values()), dtype=numpy.int64))
    expected = Counter(word for document in documents for word in document)
    assert list(counted) == sorted(expected.items())
    if expected:
        assert build_vocabulary(counted, 1, 3).words == build_vocabulary(expected.items(), 1, 3).words


def test_concepts_that_two_roles_share_are_counted_once() -> None:
    write_articles()
    source, target = (Path(f"data/articles/{role}.parquet") for role in ("source", "target"))
    concepts = [set(pandas.read_parquet(table)["concept"]) for table in (source, target)]
    assert linked_concepts(source, target) == linked_concepts(target, source) == len(concepts[0] & concepts[1])


def test_a_table_that_is_no_table_is_one_line() -> None:
    from crosswiki.pipeline.errors import UserError

    write_articles()
    content = Path("data/articles/source.parquet").read_bytes()
    Path("data/articles/source.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"data/articles/source\.parquet: cannot be read"):
        prepare.main("source")
    assert not Path("data/prepared").exists()


def test_a_language_without_texts_to_test_on_is_refused_before_anything_is_trained() -> None:
    write_articles(test=0.0001, validation=0.2)
    with pytest.raises(UserError, match=r"target: none of \d+ texts is in the test split: .*raise prepare\.test"):
        prepare.main("target")
    assert not Path("data/prepared/target").exists()
    write_articles(max_unlabelled=0)
    path = Path("data/articles/target.parquet")
    rows = pandas.read_parquet(path).assign(topic=None)
    pyarrow.parquet.write_table(pyarrow.Table.from_pandas(rows, SCHEMA, preserve_index=False), path)
    with pytest.raises(UserError, match=r"target: none of \d+ articles has a topic: raise prepare\.max_unlabelled"):
        prepare.main("target")
