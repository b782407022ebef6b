"""report: the story of all that was measured, as one page that opens anywhere, and the chart of all systems."""

from pathlib import Path

from crosswiki.corpora.articles import load_articles
from crosswiki.embeddings.lookup import load_aligned
from crosswiki.evaluation.scores import FINAL
from crosswiki.pipeline.outputs import read_json, replacing
from crosswiki.pipeline.parameters import ROLES, Parameters, Role, load_parameters
from crosswiki.pipeline.stage import run_stage, stage
from crosswiki.reporting.figures import Curve, curve_of, draw_confusions, draw_systems
from crosswiki.reporting.label_chart import label_chart
from crosswiki.reporting.nearest import neighbours
from crosswiki.reporting.page import Report, render
from crosswiki.reporting.systems import headline, remarks, systems_of
from crosswiki.reporting.tables import confusion_of, examples, read_table
from crosswiki.reporting.wording import language_name
from crosswiki.reporting.wordmap import word_map

METRICS = Path("metrics")
PAGE, CHART, CONFUSIONS = METRICS / "report.html", METRICS / "plots/systems.png", METRICS / "plots/confusion.png"
TRAINED = {
    "finetune_source": "Teacher, fine-tuned on source labels",
    "adapt": "Transplanted model, adapted to the target",
    "distill": "Student, distilled from the teacher",
    "finetune_target": "Student, fine-tuned on target labels",
}
MOVED: tuple[Role, ...] = ("target", "test")
WORDS, BEST, EXAMPLES, MAPPED = 10, 3, 3, 18


def curves(names: dict[Role, str]) -> list[Curve]:
    """The loss of everything that was trained, in the order in which it happens, and the adapted encoder's drift."""
    plots = METRICS / "plots"
    vectors = [curve_of(read_table(plots / f"skipgram/{role}.csv"), f"Word vectors, {names[role]}") for role in ROLES]
    models = [curve_of(read_table(plots / f"loss/{name}.csv"), title) for name, title in TRAINED.items()]
    return [*vectors, *models, curve_of(read_table(plots / "drift.csv"), "Drift of the adapted encoder")]


def collect(params: Parameters) -> Report:
    """Read what the other stages wrote."""
    articles = {role: load_articles(Path("data/prepared") / role / "articles.parquet") for role in ROLES}
    languages = {role: str(table["language"].iloc[0]) for role, table in articles.items()}
    names = {role: language_name(code) for role, code in languages.items()}
    corpora = {role: read_json(METRICS / f"corpus/{role}.json") for role in ROLES}
    labels = {role: read_json(METRICS / f"finetune_{role}.json")["labels"] for role in ("source", "target")} | {
        "test": 0
    }
    evaluation = read_json(METRICS / "evaluation.json")
    words = load_aligned()
    right, wrong = examples(
        read_table(METRICS / "predictions/target.csv"), articles["target"], FINAL["target"], EXAMPLES
    )
    return Report(
        corpus=params.corpus,
        seed=params.seed,
        confidence=params.evaluate.confidence,
        languages=languages,
        headline=headline(evaluation, names, labels["target"]),
        remarks=remarks(evaluation, names),
        systems={role: systems_of(role, evaluation[role], names, labels[role]) for role in ROLES},
        confusions={role: confusion_of(read_table(METRICS / f"plots/confusion/{role}.csv")) for role in ROLES},
        curves=curves(names),
        corpora=corpora,
        skipgrams={role: read_json(METRICS / f"skipgram/{role}.json") for role in ROLES},
        alignments={role: read_json(METRICS / f"alignment/{role}.json") for role in MOVED},
        transplants={role: read_json(METRICS / f"transplant/{role}.json") for role in MOVED},
        neighbours={role: neighbours(words["source"], words[role], WORDS, BEST) for role in MOVED},
        map=word_map(words, MAPPED),
        labels=label_chart(
            read_table(METRICS / "plots/labels.csv"), evaluation["target"], labels["target"], names["target"]
        ),
        sizes=read_json(METRICS / "sizes.json"),
        right=right,
        wrong=wrong,
    )


def main() -> None:
    """Write metrics/report.html, and the charts of systems and of confusions as pictures."""
    params = load_parameters()
    with stage("report", params, None) as run:
        report = collect(params)
        names = {role: language_name(code) for role, code in report.languages.items()}
        with replacing(CHART) as partial:
            panels = {f"{names[role]} ({role})": report.systems[role] for role in ROLES}
            draw_systems(panels, partial)
        with replacing(CONFUSIONS) as partial:
            draw_confusions({f"{names[role]}: {FINAL[role]}": report.confusions[role] for role in ROLES}, partial)
        with replacing(PAGE) as partial:
            partial.write_text(render(report), encoding="utf-8")
        for path in (PAGE, CHART, CONFUSIONS):
            run.picture(path, whole=True)
        run.describe(" ".join([report.headline, *report.remarks]))


if __name__ == "__main__":
    run_stage(main)
