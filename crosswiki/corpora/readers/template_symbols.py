"""Templates without arguments: dashes, spaces, apostrophes and other signs, under their names in many Wikipedias."""

from crosswiki.corpora.readers.marks import APOSTROPHE, BAR, BRACE, BREAK, CLOSING_BRACE, protect

_APOSTROPHES = "' ’ apos apostrophe apóstrofo апостроф"
_HYPHENS = "hyphen, дефис"
_EN_DASHES = (
    "ndash, endash, en dash, n-dash, nd, nbnd, dash, –, halbgeviertstrich, tiret, demi-cadratin, bis-strich, tankstreck"
)
_EM_DASHES = "mdash, emdash, em dash, m-dash, md, —, geviertstrich, tiret cadratin, cadratin, raya, travessão, lineetta"
_SPACED_EN_DASHES = (
    "snd, spnd, sndash, spndash, snds, spaced ndash, spaced en dash, spaced en dash space, ndashsp, тире"
)
_SPACED_EM_DASHES = "smd, spmd, smdash, spaced mdash, spaced em dash, mdashb, mdb, тире длинное"
_SPACES = (
    "nbsp, nbs, nb, space, spaces, sp, thinsp, thin space, hairsp, hair space, ensp, emsp, en space, em space, "
    "figure space, nnbsp, nbhsp, espace, espaces, espace fine, espace insécable, espacio, espaço, spazio, spatie, "
    "leerzeichen, geschütztes leerzeichen, пробел, неразрывный пробел, нрп, нп0, пробіл, spacja, twarda spacja, "
    "mezera, boşluk, 空格, 空白, スペース, 공백,  , nut, pad, quad, indent"
)
_DOTS = "dot, middot, interpunct, ·, dotsep, point médian, 间隔号, 間隔號"


def _constants(names: str, text: str) -> dict[str, str]:
    return {name.strip(): text for name in names.split(",")}


# Templates that take no argument to show something.
SYMBOLS: dict[str, str] = {
    **dict.fromkeys(_APOSTROPHES.split(), APOSTROPHE),
    **_constants(_HYPHENS, "-"),
    **_constants(_EN_DASHES, "–"),
    **_constants(_EM_DASHES, "—"),
    **_constants(_SPACED_EN_DASHES, " – "),
    **_constants(_SPACED_EM_DASHES, " — "),
    **_constants(_SPACES, " "),
    **_constants(_DOTS, "·"),
    **_constants("•, bullet, bull", "•"),
    "'s": APOSTROPHE + "s",
    "’s": "’s",
    "' \"": APOSTROPHE + '"',
    "\" '": '"' + APOSTROPHE,
    '"': '"',
    "!": BAR,
    "!!": BAR * 2,
    "!-": BAR + "-",
    "!+": BAR + "+",
    "(!": BRACE + BAR,
    "!)": BAR + CLOSING_BRACE,
    "pipe": protect("|"),
    "=": protect("="),
    "equals": protect("="),
    "(": protect("{"),
    ")": protect("}"),
    "((": protect("{{"),
    "))": protect("}}"),
    "!(": protect("["),
    ")!": protect("]"),
    "\\": " / ",
    "*": " • ",
    "°": "°",
    "deg": "°",
    "degree": "°",
    "°c": "°C",
    "±": "±",
    "plusminus": "±",
    "×": "×",
    "times": "×",
    "minus": "−",
    "mu": "μ",
    "pi": "π",
    "infin": "∞",
    "m.": "M.",
    "euro": "€",
    "sect": "§",
    "okina": "ʻ",
    "ʻ": "ʻ",
    "hamza": "ʾ",
    "ayin": "ʿ",
    "zwsp": "",
    "shy": "",
    **_constants("br, break, crlf, brclear", BREAK),
    "sic": "[sic]",
    "n°": "no ",
    "nº": "nº ",
    "er": "er",
    "re": "re",
    "ère": "re",
    "e": "e",
    "ème": "e",
    "mme": "Mme",
    "mlle": "Mlle",
    "dr": "Dr",
    "av jc": "av. J.-C.",
    "av. j.-c.": "av. J.-C.",
    "avjc": "av. J.-C.",
    "ap jc": "apr. J.-C.",
    "apr. j.-c.": "apr. J.-C.",
    "ad": "AD",
    "bc": "BC",
    "bce": "BCE",
    "ce": "CE",
    **_constants("a.c., a. c.", "a. C."),
    **_constants("d.c., d. c.", "d. C."),
    "до н. э.": "до н. э.",
    "н. э.": "н. э.",
    "h2o": "H2O",
    "co2": "CO2",
    "colon": ":",
    "semicolon": ";",
    "number sign": "#",
    "asterisk": "*",
    # They close a table, whoever opened it.
    **_constants(
        "end, tbl-end, table end, s-end, end table, end box, fin tableau, tabelle ende, конец таблицы",
        f"\n{BAR}{CLOSING_BRACE}\n",
    ),
}
