"""What Wikimedia's wikis call things: their languages, their databases, their namespaces."""

_CODES = """
aa ab ace ady af als alt am ami an ang ann anp ar arc ary arz as ast atj av avk awa ay az azb ba ban bar bat-smg bbc
bcl bdr be be-tarask be-x-old bew bg bh bi bjn blk bm bn bo bpy br bs btm bug bxr ca cbk-zam cdo ce ceb ch cho chr
chy ckb co cr crh cs csb cu cv cy cz da dag de dga din diq dk dsb dtp dty dv dz ee egl el eml en eo es et eu ext fa
fat ff fi fiu-vro fj fo fon fr frp frr fur fy ga gag gan gcr gd gl glk gn gom gor got gpe gsw gu guc gur guw gv ha
hak haw he hi hif ho hr hsb ht hu hy hyw hz ia iba id ie ig igl ii ik ilo inh io is it iu ja jam jbo jp jv ka kaa
kab kbd kbp kcg kg kge ki kj kk kl km kn knc ko koi kr krc ks ksh ku kus kv kw ky la lad lb lbe lez lfn lg li lij
lld lmo ln lo lrc lt ltg lv lzh mad mai map-bms mdf mg mh mhr mi min mk ml mn mni mnw mo mos mr mrj ms mt mus mwl my
myv mzn na nah nan nap nb nds nds-nl ne new ng nia nl nn no nov nqo nr nrm nso nv ny oc olo om or os pa pag pam pap
pcd pcm pdc pfl pi pih pl pms pnb pnt ps pt pwn qu rm rmy rn ro roa-rup roa-tara rsk ru rue rup rw sa sah sat sc scn
sco sd se sg sgs sh shi shn si simple sk skr sl sm smn sn so sq sr srn ss st stq su sv sw szl szy ta tay tcy tdd te
tet tg th ti tig tk tl tly tn to tok tpi tr trv ts tt tum tw ty tyv udm ug uk ur uz ve vec vep vi vls vo vro wa war
wo wuu xal xh xmf yi yo yue za zea zgh zh zh-classical zh-cn zh-min-nan zh-tw zh-yue zu
"""
# The prefixes of links from one language's Wikipedia to another's, old ones among them.
LANGUAGES = frozenset(_CODES.split())

# Wikis whose database has another name than the language's code has today (MediaWiki: LanguageCode.php, and
# Wikimedia's langlist and dblists).
_HISTORICAL = {
    "be-tarask": "be-x-old",
    "cbk": "cbk-zam",
    "cz": "cs",
    "dk": "da",
    "egl": "eml",
    "gsw": "als",
    "jp": "ja",
    "lzh": "zh-classical",
    "nan": "zh-min-nan",
    "nb": "no",
    "nrf": "nrm",
    "rup": "roa-rup",
    "sgs": "bat-smg",
    "vro": "fiu-vro",
    "yue": "zh-yue",
}

# How namespaces are called in the larger Wikipedias, in lower case: a dump's header gives the name of today alone.
_FILE_WORDS = """
afbeelding archivo arquivo attēls bestand berkas bild bildo billede датотека datoteka dosiero dosya dosye fail
fichier ficheiro fil file fitxategi fitxer fișier fișier fájl gambar grafika hình image imagem imagen imagine imatge
imaxe immagine imej irudi kuva kép mynd pilt plik resim skrá slika soubor súbor tiedosto vaizdas vatolahy
файл изображение зображення зображення картинка слика выява αρχείο εικόνα պատկեր ფაილი קובץ תמונה ملف صورة پرونده
تصویر فائل चित्र चित्र ছবি চিত্র படிமம் ไฟล์ ภาพ 파일 그림 ファイル 画像 文件 檔案 档案 图像 圖像 图片 圖片 圖檔
"""
FILE_NAMES = frozenset(_FILE_WORDS.split()) | {"tập tin"}
_CATEGORY_WORDS = """
categoria categoría category catégorie kategori kategoria kategorie kategorija kategorio kategória luokka flokkur
categorie categorïa catigurìa jamii kategoriya kategoriýa kategooria kategorî thể_loại категория категорія категорыя
катэгорыя категорија санат κατηγορία կատեգորիա կատեգորիա კატეგორია קטגוריה تصنيف رده زمرہ श्रेणी वर्ग বিষয়শ্রেণী
பகுப்பு หมวดหมู่ 분류 カテゴリ 分类 分類
"""
CATEGORY_NAMES = frozenset(_CATEGORY_WORDS.split()) | {"thể loại"}
_MEDIA_WORDS = "media médias média medio mídia medium mediji медиа медіа медия медыя 媒体 媒體 メディア 미디어 وسائط"
MEDIA_NAMES = frozenset(_MEDIA_WORDS.split())

_CANONICAL = "user wikipedia project file image mediawiki template help category portal module draft book"
# What stands before the colon in the titles of pages that are no articles, where a dump says no namespace.
OTHER_NAMES = (
    frozenset(f"{name}{talk}" for name in _CANONICAL.split() for talk in ("", " talk"))
    | FILE_NAMES
    | CATEGORY_NAMES
    | MEDIA_NAMES
    | {
        "talk",
        "special",
        "timedtext",
        "wp",
        "обсуждение",
        "участник",
        "википедия",
        "шаблон",
        "讨论",
        "討論",
        "用户",
        "模板",
    }
    | {
        "discussion",
        "utilisateur",
        "wikipédia",
        "modèle",
        "diskussion",
        "benutzer",
        "vorlage",
        "discusión",
        "plantilla",
    }
)


def database(language: str) -> str:
    """The name that the files of a language's Wikipedia begin with: `enwiki`; `be_x_oldwiki` for `be-tarask`."""
    return _HISTORICAL.get(language, language).replace("-", "_") + "wiki"


def subdomain(language: str) -> str:
    """What stands before `wikipedia.org`: the language's own code or, where the wiki has kept it, its former one."""
    return language if language == "be-tarask" else _HISTORICAL.get(language, language)


def link_codes(language: str) -> tuple[str, ...]:
    """The codes by which langlinks tables of any year name a language, its own first."""
    former = _HISTORICAL.get(language)
    today = tuple(code for code, old in _HISTORICAL.items() if old == language)
    return (language, *([former] if former else []), *today)
