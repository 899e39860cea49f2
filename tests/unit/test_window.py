"""Signals of when to split weights, by hand."""

import numpy as np
import pytest
import tiny

from supernet import config, records
from supernet.report import summary, window
from supernet.report.rows import frame, over_seeds, select
from supernet.report.sampling import Sampling
from supernet.stages import measure

METHODS = {
    name: method
    for name, method in config.load("full").methods.items()
    if name.startswith(("shared-250", "conditional-250")) and "lazy" not in name
}
SETTINGS = {"resolutions": [], "precision_at": [], "level": 0.9}
STOPS = (125, 150, 200)  # 150 is the one nearest to 60 % of 250


def rows(ends, agreement, stability, seed=0):
    """``ends``: Kendall's tau of the run split at each stop; curves of the shared run at the stops."""
    common = {"seed": seed, "estimator": "recalibrated:loss", "truth": "test"}
    for stop, end in zip(STOPS, ends, strict=True):
        split = {**common, "method": f"conditional-250-{stop}", "epoch": 250}
        yield {**split, "metric": "kendall_tau", "value": end}
        yield from ({**split, "metric": "improvement", "resolution": k, "value": end / k} for k in (1, 5))
    for stop, cosine, tau in zip(STOPS, agreement, stability, strict=True):
        shared = {**common, "method": "shared-250", "epoch": stop}
        yield {**shared, "metric": window.MEAN, "estimator": window.AGREEMENT, "value": cosine}
        yield {**shared, "metric": window.MEAN, "value": -1.0}
        yield {**shared, "metric": window.STABILITY, "value": tau}


def sampling(seeds):
    """Of every split run: by how much a resample of the architectures moves it, its epoch times 0 or 1."""
    made = Sampling(np.arange(4.0), config.load("full").studies["when-to-split"], {**SETTINGS, "bootstrap": 2})
    for stop in STOPS:
        moved = {n: stop * np.array([0.0, 1.0]) for n in (("kendall_tau", None, None), ("improvement", None, 1.0))}
        for _ in range(seeds):
            made.add(f"conditional-250-{stop}", "recalibrated:loss", 250, moved)
    return made


def test_gains_over_a_split_at_sixty_percent():
    table = frame(
        [
            *rows((0.5, 0.6, 0.9), (0.3, 0.2, 0.1), (0.9, 0.8, 0.7)),
            *rows((0.5, 0.6, 0.4), (0.1, 0.2, 0.3), (0.7, 0.9, 0.8), 1),
        ]
    )
    known = sampling(2)
    gained = frame(window.gains(table, METHODS, "test", known), truth="test")
    found = select(gained, metric=window.GAIN).set_index(["method", "definition", "seed"])["value"]
    for outcome in ("kendall_tau", "improvement"):  # of the best one, whose value the rows above give alike

        def both(name, outcome=outcome):
            return [found[name, outcome, seed] for seed in (0, 1)]

        assert both("least agreement of gradients") == pytest.approx([0.3, -0.1])  # at 200, then at 125
        assert both("most stable ranks") == pytest.approx([-0.1, 0.0])
        assert both("least stable ranks") == pytest.approx([0.3, -0.1])
        assert both(window.BEST) == pytest.approx([0.0, -0.2])  # chosen on the other seed: 150, 200
        assert both(window.CHANCE) == pytest.approx([(-0.1 + 0.0 + 0.3) / 3, (-0.1 + 0.0 - 0.2) / 3])
    later = select(gained, metric=window.LATER, definition="kendall_tau").set_index(["method", "seed"])["value"]
    assert later["least agreement of gradients"].tolist() == [50, -25]
    mean = known.errors(over_seeds(gained, 0.9), "test").set_index(["method", "metric", "definition"])["sampled"]
    moved = mean["least agreement of gradients", window.GAIN, "kendall_tau"]
    assert moved == pytest.approx(0.9 * (50 - 25) / 2 / 2)  # half of the middle 90 % between 0 and their mean
    assert np.isnan(mean["least agreement of gradients", window.LATER, "kendall_tau"])


def test_a_curve_with_a_hole_names_no_epoch():
    table = frame(list(rows((0.5, 0.6, 0.9), (0.3, np.nan, 0.1), (0.9, 0.8, 0.7))))
    gained = window.gains(table, METHODS, "test", sampling(1))
    assert "least agreement of gradients" not in {row["method"] for row in gained}


def test_curves_by_hand():
    (mean,) = window.curves(np.array([1.0, 2.0, 3.0]), None)
    assert (mean["metric"], mean["value"]) == (window.MEAN, 2.0)
    _, stability = window.curves(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))
    assert stability["value"] == pytest.approx(1 / 3)


def test_every_signal_is_measured_at_every_stop_of_the_projects_study():
    """Stability needs a checkpoint before the first stop."""
    for scale in ("reduced", "full"):
        chosen = config.load(scale)
        study = chosen.studies["when-to-split"]
        splits = [m for m in (chosen.methods[name] for name in study.methods) if m.net.warmup_sharing]
        shared = chosen.methods[splits[0].start]
        every, warmup = shared.train.checkpoint_every, shared.train.warmup
        kept = {*range(every, warmup, every)} | {shared.segment(i)[1] for i in range(shared.iterations + 1)}
        assert {split.train.warmup for split in splits} <= kept and min(kept) < min(m.train.warmup for m in splits)


def test_the_page_shows_the_run_before_a_split_and_ranks_by_no_signal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chosen = tiny.only(tiny.load(tmp_path, "full", bootstrap=2), "when-to-split")
    job = tiny.write_study(chosen, "when-to-split", "full")
    measure.run(job, tmp_path)
    rows, settings = records.read_table(job.outputs["metrics"]), job.settings
    table = summary.summarise(rows, settings)
    page = summary.markdown(table, rows, settings)
    assert "## Before a split" in page and "S-KdT, agreement" not in page
    (shown,) = select(table, part=summary.CURVE, label="150", quantity="mean agreement:gradients")["value"]
    single = rows[rows["seed"].notna()]
    own = select(single, method="shared-250", epoch=150, estimator=window.AGREEMENT, metric=window.MEAN)
    assert len(own) == 3 and shown == pytest.approx(own["value"].mean())
    compared = select(rows, method="conditional-250-125 - shared-250@0", metric="kendall_tau", truth="test")
    ranks = compared[compared["estimator"].str.startswith("recalibrated")]
    assert len(ranks) == 2 and ranks["sampled"].notna().all()  # a stop's numbers are resampled too
