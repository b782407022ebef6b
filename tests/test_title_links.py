"""Articles that name no concept, linked by title and text."""

import json
import shutil
from pathlib import Path

import pandas
import pytest
import yaml

from crosswiki.corpora import words
from crosswiki.corpora.articles import concept_of
from crosswiki.corpora.linked import linked_articles
from crosswiki.corpora.text import Spelling
from crosswiki.corpora.title_links import link_titles
from crosswiki.corpora.word_pairs import save_dictionary
from crosswiki.pipeline.parameters import load_parameters
from crosswiki.pipeline.parameters_of_words import Prepare
from stages import prepare

PARAMS = Path(__file__).parents[1] / "params.yaml"
ENGLISH = {
    "Homer": "Homer was a poet of the Greeks who sang of the war and of the ships in 750.",
    "Brontë family": "The sisters of the family wrote novels in a village of Yorkshire in 1847.",
    "History of Spain": "Kings ruled the peninsula, and the war of 1936 divided the country.",
    "Mouse (computing)": "The mouse is a device; a hand moves it, and a computer shows an arrow.",
    "Mouse": "The mouse is a small animal that eats seeds, and a cat hunts it.",
    "Singing": "Singing is music of the voice, which a singer learns.",
    "Moon": "The moon of the night turns around the planet.",
    "Sentences": "of the and a in is to " * 50,  # what is common in English
}
FRENCH = {
    "Homère": "Homère est un poète des Grecs, qui chantait la guerre et les navires vers 750.",
    "Famille Brontë": "Les sœurs de la famille écrivirent des romans dans un village du Yorkshire en 1847.",
    "Histoire de l'Espagne": "Des rois gouvernaient la péninsule, et la guerre de 1936 divisa le pays.",
    "Souris (informatique)": "La souris est un appareil ; une main la déplace, un ordinateur montre une flèche.",
    "Souris": "La souris est un petit animal qui mange des graines, et le chat la chasse.",
    "Singe": "Un singe est un animal des forêts.",
    "Lune": "Chanson de 1985.",  # of the same title, but about another thing
    "Moon": "La lune de la nuit.",  # spelled as in English, and linked thereby
    "Phrases": "de la le les et un une est l'" * 50,
}
DICTIONARY = [
    *[("Homer", "Homère"), ("family", "famille"), ("history", "histoire"), ("Spain", "Espagne"), ("mouse", "souris")],
    *[("moon", "lune"), ("monkey", "singe"), ("poet", "poète"), ("Greek", "Grec"), ("sing", "chanter")],
    *[("ship", "navire"), ("war", "guerre"), ("sister", "sœur"), ("novel", "roman"), ("king", "roi")],
    *[("peninsula", "péninsule"), ("country", "pays"), ("device", "appareil"), ("hand", "main"), ("seed", "graine")],
    *[("computer", "ordinateur"), ("arrow", "flèche"), ("animal", "animal"), ("cat", "chat"), ("small", "petit")],
]
LINKS = {
    "homere": "homer",
    "famille bronte": "bronte family",
    "histoire de l'espagne": "history of spain",
    "souris": "mouse",
    "souris (informatique)": "mouse (computing)",
}


def write(path: Path, articles: dict[str, str], language: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"id": list(articles), "title": list(articles), "text": list(articles.values())}
    table = pandas.DataFrame(columns).assign(concept=[*map(concept_of, articles)], language=language)
    table.assign(topic=["History", "Arts"] * (len(table) // 2) + ["Arts"] * (len(table) % 2)).to_parquet(path)
    return path


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("CROSSWIKI_TRACKING", "off")
    monkeypatch.setattr(words, "over_workers", lambda work, tasks, *_: ((task, work(task)) for task in tasks))
    articles = Path("data/articles")
    Path("data/dictionaries").mkdir(parents=True)
    save_dictionary(DICTIONARY, Path("data/dictionaries/target.tsv"))
    return write(articles / "source.parquet", ENGLISH, "en"), write(articles / "target.parquet", FRENCH, "fr")


def found(tables: tuple[Path, Path], least: float, dictionary: list[tuple[str, str]] = DICTIONARY) -> dict[str, str]:
    return link_titles(tables, ("en", "fr"), dictionary, Spelling(), least)


def test_planted_pairs_are_found_and_no_others(tables: tuple[Path, Path]) -> None:
    assert found(tables, 0.15) == LINKS


def test_texts_tell_articles_of_one_title_apart(tables: tuple[Path, Path]) -> None:
    swapped = {**FRENCH, "Souris": FRENCH["Souris (informatique)"], "Souris (informatique)": FRENCH["Souris"]}
    write(tables[1], swapped, "fr")
    exchanged = {"souris": "mouse (computing)", "souris (informatique)": "mouse"}
    assert found(tables, 0.15) == LINKS | exchanged


def test_without_a_dictionary_names_are_linked_by_their_spelling(tables: tuple[Path, Path]) -> None:
    english = {"The Rhine": "A river through Basel, Cologne and Rotterdam.", "Rhine River": "Nothing of the kind."}
    french = {"Rhine (fleuve)": "Un fleuve par Basel, Cologne et Rotterdam."}
    write(tables[0], ENGLISH | english, "en")
    write(tables[1], FRENCH | french, "fr")
    assert found(tables, 0.15, []) == {"rhine (fleuve)": "the rhine"}


def test_articles_that_name_a_concept_are_left_alone(tables: tuple[Path, Path]) -> None:
    other = pandas.read_parquet(tables[1])
    other.loc[other["title"] == "Homère", "concept"] = "Q6691"
    other.to_parquet(tables[1])
    assert found(tables, 0.15) == {concept: to for concept, to in LINKS.items() if to != "homer"}


def prepared(role: str, **changes: float | None) -> pandas.DataFrame:
    params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    params["prepare"] |= {"min_count": 1, "test": 0.5, **changes}  # of few texts, some
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    prepare.main(role)  # type: ignore[arg-type]
    return pandas.read_parquet(Path("data/prepared") / role / "articles.parquet").set_index("title")


def test_linked_articles_are_of_one_concept_and_one_split(tables: tuple[Path, Path]) -> None:
    pairs = {"Homère": "Homer", "Famille Brontë": "Brontë family", "Souris": "Mouse", "Moon": "Moon"}
    source, plain = prepared("source", link_titles=None), prepared("target", link_titles=None)
    assert [plain["concept"][theirs] == source["concept"][ours] for theirs, ours in pairs.items()] == [False] * 3 + [
        True
    ]
    linked = prepared("target", link_titles=0.15)
    again = prepared("source", link_titles=0.15)
    pandas.testing.assert_frame_equal(source, again)
    for theirs, ours in pairs.items():
        assert (linked["concept"][theirs], linked["split"][theirs]) == (source["concept"][ours], source["split"][ours])
    counts = [json.loads(Path(f"metrics/corpus/{role}.json").read_text())["linked"] for role in ("source", "target")]
    assert counts == [len(LINKS) + 1] * 2
    columns = ["id", "text", "topic", "language"]
    pandas.testing.assert_frame_equal(plain[columns], linked[columns])
    assert not list(Path(".checkpoints").glob("*.parquet"))


def test_a_table_of_links_that_a_killed_run_has_left_is_used_again(tables: tuple[Path, Path]) -> None:
    settings: Prepare = load_parameters(PARAMS).prepare.model_copy(update={"link_titles": 0.15})
    with pytest.raises(KeyboardInterrupt), linked_articles(Path("data"), "target", settings) as place:
        state = place.stat()
        raise KeyboardInterrupt
    with linked_articles(Path("data"), "target", settings) as again:
        assert (again, again.stat().st_mtime_ns) == (place, state.st_mtime_ns)
    assert not place.exists()
    shutil.rmtree("data/dictionaries")
    with linked_articles(Path("data"), "target", settings.model_copy(update={"link_titles": None})) as table:
        assert table == tables[1]
