"""One way from text to words: real words of more than twenty languages, as their readers would name them."""

import unicodedata

import pytest

from crosswiki.corpora.text import Spelling, is_unspaced, normalise, segment, words_of

SENTENCES = [
    ("ar", "كِتَابٌ جديدٌ في المكتبـــة، ٢٠٢٠", ["كتاب", "جديد", "في", "المكتبة", "٢٠٢٠"]),
    ("be", "Аб’ява на сям'і", ["аб'ява", "на", "сям'і"]),
    ("br", "ar c’hi hag ar c'hazh", ["ar", "c'hi", "hag", "ar", "c'hazh"]),
    ("ca", "la col·lecció de l'home", ["la", "col·lecció", "de", "l", "home"]),
    ("cs", "Příliš žluťoučký kůň", ["příliš", "žluťoučký", "kůň"]),
    ("de", "Donau\u00addampf\u00adschiff fährt", ["donaudampfschiff", "fährt"]),
    ("el", "Ὁ Οδυσσέας ήταν ΒΑΣΙΛΙΆΣ", ["ὁ", "οδυσσέας", "ήταν", "βασιλιάς"]),
    ("en", "co\u00adoperate, don't \u2060stop\ufeff a\u200db", ["cooperate", "don", "t", "stop", "ab"]),
    ("fa", "می\u200cروم كتابي\u200c به خانه", ["می\u200cروم", "کتابی", "به", "خانه"]),
    ("fr", "L’eau n'est pas là aujourd'hui", ["l", "eau", "n", "est", "pas", "là", "aujourd", "hui"]),
    ("gn", "Che pu'aka kuña", ["che", "pu'aka", "kuña"]),
    ("he", "שָׁלוֹם לצה\"ל וג'ירפה", ["שלום", 'לצה"ל', "וג'ירפה"]),
    ("hi", "यह हिन्दी है। क्\u200dया, ज़रूर?", ["यह", "हिन्दी", "है", "क्या", unicodedata.normalize("NFKC", "ज़रूर")]),
    (
        "ja",
        "東京都は日本の首都で、ﾃﾚﾋﾞを見た。",
        ["東京", "都", "は", "日本", "の", "首都", "で", "テレビ", "を", "見", "た"],
    ),
    ("km", "ភ្នំពេញគឺជារាជធានី", ["ភ្នំពេញ", "គឺជា", "រាជធានី"]),
    ("ko", "서울은 대한민국의 수도이다.", ["서울은", "대한민국의", "수도이다"]),
    ("ko", unicodedata.normalize("NFD", "서울"), ["서울"]),
    ("lo", "ປະເທດລາວ", ["ປະເທດ", "ລາວ"]),
    ("ml", "അവന്\u200d വന്നു", ["അവന്\u200d", "വന്നു"]),
    ("my", "မြန်မာနိုင်ငံသည်", ["မြန်မာနိုင်ငံ", "သည်"]),
    ("pl", "Zażółć gęślą jaźń", ["zażółć", "gęślą", "jaźń"]),
    ("ru", "Мой йод, всё ещё ре\u0301ки", ["мой", "йод", "всё", "ещё", "реки"]),
    ("si", "ශ්\u200dරී ලංකාව", ["ශ්\u200dරී", "ලංකාව"]),
    ("th", "ประเทศไทยมีเมืองหลวง 10 แห่ง", ["ประเทศไทย", "มี", "เมือง", "หลวง", "10", "แห่ง"]),
    ("th", "ไทย\u200bมี", ["ไทย", "มี"]),
    ("tr", "İstanbul'da IŞIK ılık ve İYİ", ["istanbul", "da", "ışık", "ılık", "ve", "iyi"]),
    ("uk", "П’ять об'єктів, Украї\u0301на", ["п'ять", "об'єктів", "україна"]),
    ("vi", "Việt Nam là một quốc gia", ["việt", "nam", "là", "một", "quốc", "gia"]),
    ("yue", "我哋喺香港", ["我", "哋", "喺", "香港"]),
    ("zh", "他看著著名的原著，国家國家", ["他", "看着", "著名", "的", "原著", "国家", "国家"]),
]


@pytest.mark.parametrize(("language", "text", "words"), SENTENCES)
def test_words_are_those_that_a_reader_would_name(language: str, text: str, words: list[str]) -> None:
    if is_unspaced(words[0]) and language != "zh":
        pytest.importorskip("icu4py")
    assert words_of(text, language) == words
    once = normalise(text, language)
    assert normalise(once, language) == once
    assert segment(once, language) == words
    assert words_of(unicodedata.normalize("NFD", text), language) == words, "however it was typed"


def test_there_are_twenty_languages() -> None:
    assert len({language for language, _, _ in SENTENCES}) >= 20


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("看著", "看着"),
        ("隨著", "随着"),
        ("著名", "著名"),
        ("顯著", "显著"),
        ("譯著", "译著"),
        ("著作權", "著作权"),
        ("著火", "着火"),
    ],
)
def test_the_particle_is_simplified_and_works_are_not(traditional: str, simplified: str) -> None:
    assert normalise(traditional, "zh") == simplified
    assert normalise(simplified, "zh") == simplified


def test_letters_stay_apart_unless_it_is_asked_for() -> None:
    assert words_of("мой мои всё все", "ru") == ["мой", "мои", "всё", "все"]
    assert words_of("мой мои всё все", "ru", Spelling(fold_yo=True)) == ["мой", "мои", "все", "все"]
    for language, text in (("fr", "où ou"), ("tr", "şu su"), ("pl", "łaska laska"), ("hi", "की का"), ("ar", "أن ان")):
        first, second = words_of(text, language)
        assert first != second
