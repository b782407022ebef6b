"""The labels in files of the user's, read before anything runs, as `download` and `prepare` will read them."""

from crosswiki.corpora.articles import in_task
from crosswiki.corpora.joining import concept_without_links, label
from crosswiki.corpora.labels import Labels
from crosswiki.corpora.parts import Article
from crosswiki.corpora.readers import files, task
from crosswiki.corpora.splits import label_rank, split_of
from crosswiki.pipeline.parameters_of_words import Prepare
from crosswiki.pipeline.presets import FilesPreset, Preset


def labels_of(preset: Preset, language: str, settings: Prepare, seed: int) -> Labels:
    """The labels in a preset's files of a language, which come from nowhere else.

    Args:
        preset: whose `labelled` files say the task, or of the kind `files` without `labels`.
        language: of the files.
        settings: the section `prepare` of params.yaml, which says the splits.
        seed: of the ranks.

    Raises:
        UserError: a file cannot be read, or is not what the preset says.
    """
    found: Labels = []
    parts, answers = [*task.parts(preset, language)], task.labels_of_articles(preset, language)
    if isinstance(preset, FilesPreset) and not preset.has_task:
        parts += files.parts(preset, language)
    for article in (record for part in parts for record in part.read()):
        if (
            isinstance(article, Article)
            and article.text.strip()
            and (topic := label(answers.get(article.id)) or label(article.topic))
        ):
            concept = article.concept or concept_without_links(article.title, article.id, language)
            if in_task(concept) or not preset.has_task:
                split = split_of(concept, settings.validation, settings.test, settings.fold)
                found.append((topic, split, label_rank(f"{concept}\0{article.id}", seed)))
    return found
