"""report: all measurements as one page that opens anywhere, and the charts of systems and confusions as pictures."""

from pathlib import Path

from crosswiki.corpora.articles import load_articles
from crosswiki.embeddings.lookup import load_aligned
from crosswiki.evaluation.scores import FINAL
from crosswiki.pipeline.outputs import read_json, replacing
from crosswiki.pipeline.parameter_values import Role
from crosswiki.pipeline.parameters import Parameters, load_parameters
from crosswiki.pipeline.stage import run_stage, stage
from crosswiki.reporting import tables
from crosswiki.reporting.figures import save_png
from crosswiki.reporting.page import Report, charts_of, render
from crosswiki.reporting.systems import name_of
from crosswiki.reporting.word_space import neighbours, word_map
from crosswiki.reporting.wording import language_name

METRICS, PLOTS = Path("metrics"), Path("metrics/plots")
PAGE, SYSTEMS, CONFUSIONS = METRICS / "report.html", PLOTS / "systems.png", PLOTS / "confusion.png"
WORDS, BEST, EXAMPLES, MAPPED = 10, 3, 3, 18


def collect(params: Parameters) -> Report:
    """Read what the other stages wrote."""
    roles = params.roles
    articles = {role: load_articles(Path("data/prepared") / role / "articles.parquet") for role in roles}
    languages = {role: str(table["language"].iloc[0]) for role, table in articles.items()}
    trained: tuple[Role, ...] = ("source", "target")
    evaluation = read_json(METRICS / "evaluation.json")
    scored = [role for role in roles if evaluation[role].get(FINAL[role])]
    vectors = load_aligned(roles)
    predictions = tables.read_table(METRICS / "predictions/target.csv")
    return Report(
        corpus=params.corpus,
        sketch=params.sketch,
        seed=params.seed,
        confidence=params.evaluate.confidence,
        languages=languages,
        evaluation=evaluation,
        labels={role: read_json(METRICS / f"finetune_{role}.json")["labels"] for role in trained},
        label_curve=tables.read_table(PLOTS / "labels.csv"),
        confusions={role: tables.confusion_of(tables.read_table(PLOTS / f"confusion/{role}.csv")) for role in scored},
        coverages={role: tables.read_coverage(METRICS / "predictions", role) for role in scored},
        curves=tables.read_curves(PLOTS, {role: language_name(code) for role, code in languages.items()}),
        measures=tables.read_measures(METRICS, roles),
        neighbours={role: neighbours(vectors["source"], vectors[role], WORDS, BEST) for role in roles[1:]},
        things=word_map(vectors, MAPPED),
        examples=tables.examples(predictions, articles["target"], FINAL["target"], EXAMPLES),
        glosses=tables.read_glosses(METRICS / "glosses/target.csv", articles["target"], EXAMPLES),
        peers={name: encoder.model.partition("#")[0] for name, encoder in params.peers.encoders.items()},
    )


def main() -> None:
    """Write metrics/report.html, and the charts of systems and of confusions as pictures."""
    params = load_parameters()
    with stage("report", params, None) as run:
        report = collect(params)
        with replacing(PAGE) as partial:
            partial.write_text(render(report), encoding="utf-8")
        drawn, names = charts_of(report), report.names
        systems = {f"{names[role]} ({role})": drawn[f"systems-{role}"] for role in report.systems}
        confusions = {f"{names[r]}: {name_of(FINAL[r])}": drawn[f"confusion-{r}"] for r in report.confusions}
        for path, panels in ((SYSTEMS, systems), (CONFUSIONS, confusions)):
            with replacing(path) as partial:
                save_png(panels, partial)
        for path in (PAGE, SYSTEMS, CONFUSIONS):
            run.picture(path, whole=True)
        run.describe(" ".join(report.findings))


if __name__ == "__main__":
    run_stage(main)
