"""Templates that show their arguments, under their names in many Wikipedias; those in no list show nothing."""

# A pattern, and the names of the templates that it describes, in lower case; `fr:s` is the template `s` of one wiki.
# `{2|1}` in a pattern is the first of the arguments 2 and 1 that is not empty, `{-1}` the last unnamed argument, `{* }`
# all unnamed ones, joined by what follows the star; a part in `<…>` is left out when an argument in it is empty.
PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "{1|text|content}",
        "nobr romains, lnobr, rom-maj, souverain2, souverain-, souverain, abrd, abréviation discrète, abréviation, "
        "math, ruby-ja, ルビ, 要出典範囲, citation needed span, cns, clarify span, référence nécessaire, refnec, "
        "référence souhaitée, passage à sourcer, à sourcer, citation nécessaire, pas clair, évasif, quoi, non "
        "neutre, passage non neutre, citazione necessaria, senza fonte, bron?, إنج, به انگلیسی, nowrap, nobr, "
        "nobreak, no wrap, small, smaller, big, bigger, larger, large, abbr, abbrlink, tooltip, s, ударение, "
        "наголос, nobold, noitalic, normal, bold, italic, strong, em, u, underline, mono, code, kbd, samp, var, "
        "lt, vanchor, visible anchor, vr, keypress1, unicode, iast, iso 15919, polytonic, hebrew, arabic, "
        "nastaliq, persian, urdu, bidi, rtl, ltr, zy, 僻字, jis2004フォント, cp932フォント, 補助漢字フォント, ruby, "
        "comment, подсказка, num, число, sc, sc1, smallcaps, small caps, versalita, petites capitales, pc, "
        "maiuscoletto, kapitälchen, font, span, plainlist, flatlist, flag, flagu, flagcountry, flag+link, flagg, "
        "флагификация, флаг+, stn, rws, stnlnk, metro, lrt, tq, tqq, quote text, xt, not a typo, notatypo, typo, "
        "proper name, red link, 仮リンク, track gauge, railgauge, delink, esd, overline, midsize, unité "
        "imprimable, romain, rom, chiffre romain, не аи 2, нет аи 2, exact, nihongo2, nihongo core, highlight, "
        "mark, mvar, math name, rondelet, serif, sans-serif, allcaps, blockindent, block indent, cytat w tekście, "
        "zh-tw, zh-cn, zh-hans, zh-hant, abr, red, green, blue, gray, grey, orange, purple, brown, rouge, vert, bleu, "
        "chem name, nts, formatnum, tmath, formule, формула, glossary link internal, gli, sm, raise, lower, j, dubious "
        "span, arabe, arabisch, kyrillisch, polytonisch, référence à confirmer, passage évasif, précision nécessaire, "
        "qui, quand, souligner, cita requerida, negrita, sin salto, tt, definición, крупно, мелко, мелкий, 専名號, "
        "專名, 专名, 专名号, 專名號, rubi, 拼音, pinyin, as written",
    ),
    (
        "{1|text|quote|texte|citation|texto|cita|citazione|tekst|zitat|citaat|citat|цитата|текст|内容|content}",
        "quote, quotation, blockquote, cquote, rquote, bquote, quote box, quotebox, quote frame, quoted, block "
        "quote, centered pull quote, pull quote, citation, citation bloc, citation bilingue bloc, cita, cita2, caja "
        "de cita, citação, citação2, citazione, citazione isolata, zitat, zitat-fr, zitat-en, citaat, citat, "
        "citação bloco, cytat, cytat d, цитата, quote1, врезка цитата, citació, 引文, 引用, quote/doc, sitaatti, "
        "sitat, alıntı, citát, idézet, 인용문, اقتباس, गद्य उद्धरण, citación, verse translation, poem quote, "
        "poemquote, poem",
    ),
    ("„{1|text}“", '", „'),
    ('"{1|text}"', 'en:"'),
    ("« {1} »", "« », guil"),
    ("« {1} »", 'fr:"'),
    ("– {1} –", "incise"),
    ("{1} h< {2}>", "heure"),
    ("{1} °C", "tmp"),
    ("M. {1}", "m."),
    ("Mme {1}", "mme"),
    ("Mlle {1}", "mlle"),
    ("Dr {1}", "dr"),
    ("Mgr {1}", "mgr"),
    ("p. {1}", "p."),
    ("vol. {1}", "vol."),
    (
        "{2|text|texte|1}",
        "llang, vjazyce2, cizojazyčně, dil, clr, citation étrangère, lang, langue, langx, lang-x, língua, ling, "
        "script, rtl-lang, native name, native phrase, resize, font size, fontsize, color, colour, fgcolor, text "
        "color, couleur, цвет, size, taille, zh-lang",
    ),
    (
        "{-1}",
        "transl, transliteration, translit, font color, fontcolor, bg, background color, columns-list, columns, tsl, "
        "translink",
    ),
    ("{1|t|text}", "lang-xx"),
    ("{1|c|s|t|hanzi|hans|hant}", "lang-zh, zh, chinese, zh-full, chinois, chinesisch, кит, китайский"),
    ("{1|hangul|hanja}", "korean, ko, кор"),
    ("{3|1}", "link-xx, le, link-en, lj, linkja"),
    ("{lt|текст|2|надо|1}", "w, нп, нп1, нп2, нп3, нп4, нп5, нп6, iw, iw2, iw-ref, нп interwiki"),
    ("{texte|trad|1}", "lien"),
    ("{2|1}", "hiddenlink, station link, stl, sort, glossary link, langr, wt"),
    ("{3|2}", "wikt-lang"),
    ("{2}", "legend, légende"),
    ("{2|name}", "plainlink"),
    ("{1|term}", "term"),
    ("{1|defn}", "defn"),
    ("{1} {2}", "sortname"),
    ("{1} ({2})", "harvtxt"),
    ("{* }", "bibleverse, bibleref2"),
    ("√{1}", "sqrt, radic"),
    ("{1} (sic)", "fr:sic"),
    ("{* }", "nb, nombre, nombre2"),
    ("no {1}", "numéro, n°, no., num., numero sign, fr:no"),
    ("nº {1}", "nº"),
    ("siglo {1}< {2}>", "siglo, siglos"),
    ("século {1}", "séc, século"),
    ("{1}-class {2}", "sclass, sclass2, sclass-"),
    ("US${1}", "us$, usd, us dollar"),
    ("£{1}", "gbp, £, pound sterling, gbp2"),
    ("€{1}", "eur, €, euro"),
    ("¥{1}", "jpy, ¥, jpy2, cny, rmb"),
    ("₹{1}", "inr, indian rupee, ₹, inrconvert"),
    ("A${1}", "aud, a$"),
    ("C${1}", "cad, c$, can$"),
    ("NZ${1}", "nzd, nz$"),
    ("₽{1}", "rub"),
    ("HK${1}", "hk$, hkd"),
    ("NT${1}", "nt$, ntd, twd"),
    ("S${1}", "s$, sgd"),
    ("R${1}", "r$, brl"),
    ("₩{1}", "krw"),
    ("₱{1}", "php"),
    ("CHF {1}", "chf"),
    ("${1}", "$"),
    ("¥{1}", "人民币, 人民幣"),
    ("c. {1}<–{2}>", "circa, c., ca., ca"),
    ("fl. {1}<–{2}>", "floruit, fl., fl"),
    ("r. {1}<–{2}>", "reign, r."),
    ("{1}/{2}", "sfrac"),
    ("{1}", "sup, sub, exp, ind, indice, exposant, subíndice, superíndice, hochgestellt, индекс, степень"),
    ("⟨{1}⟩", "angbr, angle bracket, grapheme"),
    ("[{1}]", "bracket, brackets, sqbr"),
    ("({1})", "paren, parentheses"),
    ("“{1}”", "qq, double quote, dquote"),
    ("{*}", "chem, chem2, ce, fchim, formule chimique, nwr, allowwrap, linktext, gaps, shy"),
    ("{*+}", "keypress, key press, key, touche, taste, клавиша"),
    ("{* · }", "hlist, horizontal list, liste horizontale, hlist-comma"),
    ("{*, }", "comma separated entries, cslist, csv list"),
    (
        "{*\n}",
        "ubl, unbulleted list, ublist, vunblist, liste simple, bulleted list, blist, ordered list, liste à puces",
    ),
    ("{1}< [O.S. {3}]>< {2}>", "oldstyledate, old style date, oldstyledatedy"),
    ("{1} ({2})", "読み仮名, ふりがな, yomi"),
    ("<{m} m><{cm} cm><{ft} ft>< {in} in>", "height"),
    ("{1} m", "höhe, altitude"),
    ("{1}< {u|ul|3|2}>", "m"),
)
