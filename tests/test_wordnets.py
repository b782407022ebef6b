"""Two wordnets in a package as a word list: words of one synset are translations."""

import hashlib
import re
from collections import Counter
from io import BytesIO
from itertools import product
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswiki.corpora.readers.word_lists import read_dictionaries
from crosswiki.corpora.readers.wordnets import read_wordnets
from crosswiki.pipeline.errors import UserError
from crosswiki.pipeline.preset_files import WordList
from crosswiki.pipeline.presets import FilesPreset

ENGLISH = """# Host:     Database:
DROP TABLE IF EXISTS english_synset;
CREATE TABLE english_synset (id varchar(10) NOT NULL, word TEXT, phrase TEXT, gloss TEXT, PRIMARY KEY (id));

INSERT INTO english_synset VALUES ('n#00000001',' river stream ',NULL,'water (that \\'runs\\')');
INSERT INTO english_synset VALUES ('n#00000002',' light_year ',NULL,'a measure');
INSERT INTO english_synset VALUES ('n#00000003','GAP!',NULL,NULL);
INSERT INTO english_synset VALUES ('v#00000004',' go ',NULL,'insert into x values (1)');
INSERT INTO english_synset VALUES ('a#00000005',NULL,NULL,NULL);
"""
FRENCH = """INSERT INTO french_synset VALUES ("n#00000001","fleuve rivière",NULL,NULL);
INSERT INTO french_synset VALUES ("n#00000002","année-lumière",NULL,NULL);
INSERT INTO french_synset VALUES ("n#00000003","chose",NULL,NULL);
INSERT INTO french_synset VALUES ("v#00000004","s\\'en_aller aller",NULL,NULL);
INSERT INTO french_synset VALUES ("n#00000009","inconnu",NULL,NULL);
INSERT INTO french_synset VALUES ("n#00000010, "broken");
"""
PAIRS = [
    ("river", "fleuve"),
    ("river", "rivière"),
    ("stream", "fleuve"),
    ("stream", "rivière"),
    ("light year", "année-lumière"),
    ("go", "s'en aller"),
    ("go", "aller"),
]
MEMBERS = {"en": "words/english.sql", "fr": "words/french.sql"}


def packed(folder: Path, english: str = ENGLISH, french: bytes = FRENCH.encode()) -> Path:
    """A wheel that pip takes."""
    path = folder / "two_wordnets-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as wheel:
        wheel.writestr("words/english.sql", english)
        wheel.writestr("words/french.sql", french)
        about = "two_wordnets-1.0.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: two-wordnets\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return path


def preset_of(path: Path, members: dict[str, str]) -> FilesPreset:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = {"path": f"wheel:two-wordnets==1.0#sha256={digest}", "members": members, "licence": "CC0"}
    languages = {"source": "en", "target": "fr"}
    return FilesPreset.model_validate(
        {"kind": "files", "languages": languages, "articles": {}, "dictionaries": {"fr": [entry]}}
    )


def test_words_of_one_synset_are_translations(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preset = preset_of(packed(index), MEMBERS)
    found = read_dictionaries(preset, "fr", Counter({"fleuve": 3, "aller": 2, "le": 5}))
    assert (found.entries, found.bad, found.known) == (PAIRS, 1, 0.5)
    said = capsys.readouterr().err
    assert said.startswith(
        "dictionary: two-wordnets==1.0: 1 lines were not understood; the first: words/french.sql: li"
    )
    assert preset.dictionaries["fr"][0].name == "two-wordnets==1.0"


def test_what_is_wrong_with_a_package_is_one_line(index: Path) -> None:
    wheel = packed(index)
    for members, line in (
        ({"en": MEMBERS["en"]}, "two-wordnets==1.0: members has no 'fr': name its file in the preset"),
        ({**MEMBERS, "fr": "nowhere.sql"}, "two_wordnets-1.0-py3-none-any.whl: no file nowhere.sql in it: check the"),
    ):
        with pytest.raises(UserError, match=re.escape(line)):
            read_dictionaries(preset_of(wheel, members), "fr", Counter())
    wheel = packed(index, french="INSERT INTO x VALUES ('n#1','été')".encode("latin-1"))
    with pytest.raises(UserError, match=r"words/french.sql: not UTF-8"):
        read_dictionaries(preset_of(wheel, MEMBERS), "fr", Counter())
    wheel = packed(index, french=b"INSERT INTO nothing;\n" * 3)
    with pytest.raises(UserError, match="3 lines beside 0 pairs: is it a word list"):
        read_dictionaries(preset_of(wheel, MEMBERS), "fr", Counter())


@pytest.mark.parametrize("entry", [{"path": "wheel:x==1"}, {"path": "list.tsv", "members": MEMBERS}])
def test_members_go_with_a_package_alone(entry: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="needs members"):
        WordList.model_validate(entry)


WORDS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="_"), min_size=1)


@given(st.dictionaries(st.from_regex(r"[nvar]#[0-9]{8}", fullmatch=True), st.lists(WORDS, max_size=3), max_size=4))
def test_words_are_read_back_whatever_letters_they_have(synsets: dict[str, list[str]]) -> None:
    """Written in either of MySQL's quotes, with its backslashes or doubled."""

    def table(quote: str, escaped: str) -> str:
        texts = (" ".join(row).replace("\\", "\\\\").replace(quote, escaped) for row in synsets.values())
        rows = (f"{quote}{n}{quote},{quote}{text}{quote}" for n, text in zip(synsets, texts, strict=True))
        return "".join(f"INSERT INTO t VALUES ({row},NULL,NULL);\n" for row in rows)  # noqa: S608

    with ZipFile(BytesIO(), "w") as wheel:
        wheel.writestr("one", table("'", "\\'"))
        wheel.writestr("two", table('"', '""'))
        found = list(read_wordnets(wheel, "one", "two"))
    assert found == [pair for row in synsets.values() for pair in product(row, row)]
