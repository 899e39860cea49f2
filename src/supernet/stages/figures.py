"""The figures of a study, each as SVG and PNG."""

from pathlib import Path

from supernet import chain, records
from supernet.job import Job
from supernet.report import figures
from supernet.report.quantities import main_score


def run(job: Job, state: Path) -> None:
    """Draw them from the metrics, the evaluation truth, and the last scores of one seed of a baseline and a method."""
    chain.verify(job.sources)
    chosen = job.settings
    truth = records.read_table(job.inputs["evaluation"]).set_index("arch")[chosen["task"]["score_truth"]]
    scores = {}
    for name, path in zip(chosen["panels"], job.inputs["scores"], strict=True):
        table = records.read_table(path)
        last = table[table["epoch"] == table["epoch"].max()].set_index("arch").drop(columns="epoch")
        scores[name] = last[main_score(sorted(last.columns))]
    for name, figure in figures.draw(records.read_table(job.inputs["metrics"]), truth, scores, chosen).items():
        for form in ("svg", "png"):
            records.write_bytes(job.outputs[f"{name}_{form}"], figures.render(figure, form))
