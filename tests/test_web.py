"""Requests to servers that are busy, wrong, or gone in the middle: a real one on this machine that behaves so."""

import hashlib
import random
from email.utils import formatdate
from pathlib import Path

import pytest

from crosswiki.corpora.parts import Article
from crosswiki.corpora.readers import web
from crosswiki.corpora.readers.mediawiki import parts, query, vital_titles
from crosswiki.corpora.readers.places import local_file
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.presets import MediaWikiPreset
from tests.standin import LIST, PAGES, Standin, item_of, serving, trio

CONTENT = random.Random(1).randbytes(3_000_000)
TOPICS = {page: topic for topic, page in PAGES.items()}


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "work"))
    monkeypatch.setattr(web, "ATTEMPTS", 4)
    monkeypatch.setattr(web, "_patience", lambda state: 0.0)


def complaint(url: str, path: Path, **arguments: str) -> str:
    with pytest.raises(UserError) as caught:
        web.fetch_file(url, path, **arguments)
    assert "\n" not in str(caught.value)
    assert not path.exists()
    return str(caught.value)


@pytest.mark.parametrize("trouble", ["500", "503", "429", "cut"])
def test_a_file_comes_whole_however_often_the_server_fails(tmp_path: Path, trouble: str) -> None:
    with serving(Standin({"a.bin": CONTENT}, fail_every=2, only=trouble)) as address:
        digest = hashlib.sha1(CONTENT).hexdigest()  # noqa: S324
        for _ in range(2):
            path = web.fetch_file(f"{address}/a.bin", tmp_path / "a.bin", digest)
            assert path.read_bytes() == CONTENT
            path.unlink()


def test_a_connection_that_dies_goes_on_where_it_was(tmp_path: Path) -> None:
    standin = Standin({"a.bin": CONTENT}, fail_every=1, only="cut")
    with serving(standin) as address:
        message = complaint(f"{address}/a.bin", tmp_path / "a.bin")
        assert "4 times" in message
        assert "what has come is kept" in message
        kept = (tmp_path / ".a.bin.partial").stat().st_size
        assert kept > len(CONTENT) * 0.8, "each of four attempts brought half of the rest"
        standin.fail_every = 0
        assert web.fetch_file(f"{address}/a.bin", tmp_path / "a.bin").read_bytes() == CONTENT
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin"]


def test_a_file_that_has_changed_meanwhile_is_fetched_anew(tmp_path: Path) -> None:
    standin = Standin({"a.bin": CONTENT}, fail_every=1, only="cut")
    with serving(standin) as address:
        complaint(f"{address}/a.bin", tmp_path / "a.bin")
        standin.files["a.bin"], standin.fail_every = CONTENT[::-1], 0
        assert web.fetch_file(f"{address}/a.bin", tmp_path / "a.bin").read_bytes() == CONTENT[::-1]


def test_what_cannot_be_put_right_by_waiting_is_said_at_once(tmp_path: Path) -> None:
    standin = Standin({"a.bin": CONTENT})
    with serving(standin) as address:
        assert f"{address}/none.bin: HTTP 404" in complaint(f"{address}/none.bin", tmp_path / "x")
        assert "redirects without end" in complaint(f"{address}/loop", tmp_path / "x")
        assert "its SHA-1 is" in complaint(f"{address}/a.bin", tmp_path / "x", sha1="0" * 40)
        assert len(standin.asked) < 20
    with pytest.raises(UserError, match="HTTP 404"), serving(standin) as address:
        local_file(address + "/{wiki}.xml.bz2", "en")


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("500", "HTTP 500"),
        ("429", "HTTP 429"),
        ("html", "text/html instead of JSON"),
        ("cut", "connection failed"),
        ("maxlag", "busy (maxlag)"),
    ],
)
def test_a_reply_that_never_comes_right_is_one_line(tmp_path: Path, trouble: str, words: str) -> None:
    with serving(Standin(fail_every=1, only=trouble)) as address, pytest.raises(UserError) as caught:
        query(preset_of(address), "en", {"titles": "Zinc", "prop": "pageprops"})
    assert words in str(caught.value)
    assert f"{address}/en/w/api.php" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_is_away_is_one_line(tmp_path: Path) -> None:
    with serving(Standin()) as address:
        pass
    assert "the connection failed" in complaint(f"{address}/a.bin", tmp_path / "a.bin")


def test_the_wait_that_a_server_asks_for_is_read() -> None:
    assert web.retry_after({"Retry-After": "7"}) == 7
    assert 50 < (web.retry_after({"Retry-After": formatdate(__import__("time").time() + 60, usegmt=True)}) or 0) <= 60
    assert web.retry_after({"Retry-After": "soon"}) is None
    assert web.retry_after({}) is None


def preset_of(address: str, **changes: object) -> MediaWikiPreset:
    content = {
        "kind": "mediawiki",
        "languages": {"source": "en", "target": "zh", "test": "ru"},
        "api": address + "/{language}/w/api.php",
        "list": LIST,
        "topics": TOPICS,
        "pause": 0.0,
    }
    return MediaWikiPreset.model_validate({**content, **changes})


@pytest.mark.parametrize("fail_every", [0, 2])
@pytest.mark.parametrize("language", ["en", "zh", "ru"])
def test_the_vital_articles_come_with_topics_and_concepts(language: str, fail_every: int) -> None:
    standin = Standin(fail_every=fail_every)
    with serving(standin) as address:
        preset = preset_of(address)
        found = [record for part in parts(preset, language, "en") for record in part.read()]
        asked = len(standin.asked)
        again = [record for part in parts(preset, language, "en") for record in part.read()]
        assert again == found
        assert len(standin.asked) == asked, "every reply is kept"
    expected = [
        Article(str(row["number"]), row["title"], row["text"], row["topic"], item_of(row["concept"]))
        for row in sorted(trio(language), key=lambda row: row["title"])
        if row["topic"]
    ]
    assert found == expected


def test_the_server_is_told_who_asks_and_how_patient_we_are() -> None:
    standin = Standin()
    with serving(standin) as address:
        assert len(vital_titles(preset_of(address), "en")) == sum(bool(row["topic"]) for row in trio("en"))
    assert all("maxlag=5" in path and "formatversion=2" in path for path in standin.asked)


def test_a_list_without_a_known_topic_says_which_pages_it_has() -> None:
    with (
        serving(Standin()) as address,
        pytest.raises(UserError, match=r"Biology and health sciences, Geography, History, Removed, Techno"),
    ):
        vital_titles(preset_of(address, topics={"Sports": "Sports"}), "en")


def test_an_error_of_the_api_is_passed_on() -> None:
    with serving(Standin()) as address, pytest.raises(UserError, match="toomanyvalues: Too many values"):
        query(preset_of(address), "en", {"titles": "|".join(map(str, range(60))), "prop": "links"})


def test_a_copy_that_is_there_must_have_the_digest_too(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT)
    with serving(Standin({"a.bin": CONTENT[::-1]})) as address:
        url, digest = f"{address}/a.bin", web.file_sha1(tmp_path / "a.bin")
        assert web.fetch_file(url, tmp_path / "a.bin", digest) == tmp_path / "a.bin"
        with pytest.raises(UserError, match=r"a\.bin: its SHA-1 is .* remove it, and it is fetched again"):
            web.fetch_file(url, tmp_path / "a.bin", "0" * 40)
        assert (tmp_path / "a.bin").read_bytes() == CONTENT
