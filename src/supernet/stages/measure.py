"""All numbers of a study, from score files, searches and truths alone: no weights, no images, no torch."""

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from supernet import arch, chain, metrics, paths, records, runs, spaces
from supernet.errors import UserError
from supernet.job import Job
from supernet.report import estimators as criteria
from supernet.report import factors, references, selection, whole, window
from supernet.report.quantities import main_score
from supernet.report.rows import Row, aggregated, frame, rank_rows
from supernet.report.sampling import Sampling
from supernet.sections import VOTE, Method, Study, Task


def run(job: Job, state: Path) -> None:
    """Check the provenance of every input, then write one row a number; see `supernet.report.rows`."""
    chain.verify(job.sources)
    chosen = job.settings
    level = chosen["metrics"]["level"]
    measured = Measured(job)
    common = {"study": chosen["name"], "task": measured.study.task, "scale": chosen["scale"]}
    common["truth"] = measured.task.score_truth
    own = [*measured.checkpoints(), *measured.joined(), *measured.whole(), *measured.searches(), *measured.logged()]
    own, others = frame(own, **common), frame([*measured.references(), *measured.spreads()], **common)
    if measured.study.signals:
        gains = window.gains(own, measured.methods, common["truth"], measured.sampling)
        others = pd.concat([others, frame(gains, **common)])
    tables = aggregated(own, others, measured.study, level)
    tables = [measured.sampling.errors(table, common["truth"]) for table in tables if len(table)]
    if "factorial" in chosen:
        tables.append(factors.effects(own, chosen, measured.sampling))
    records.write_table(job.outputs["metrics"], pd.concat(tables), job.stamp())


class Measured:
    """The files of a job, read, and the rows they yield."""

    def __init__(self, job: Job):
        self.settings = job.settings
        self.study = Study.model_validate(self.settings["study"])
        self.task = Task.model_validate(self.settings["task"])
        self.methods = {name: Method.model_validate(m) for name, m in self.settings["methods"].items()}
        self.where = {"scale": self.settings["scale"], "task": self.study.task}
        self.path = paths.TRUTH.format(**self.where, set=paths.EVALUATION)
        self.evaluation = records.read_table(self.path).set_index("arch")
        self.truths = {name: self._column(self.evaluation, self.path, name) for name in self.task.truths}
        self.truth = self.truths[self.task.score_truth]
        complete = len(self.truth) == arch.size(spaces.load(self.task.space).choices)
        self.sampling = Sampling(self.truth.to_numpy(), self.study, self.settings["metrics"], complete=complete)

    def checkpoints(self) -> Iterator[Row]:
        """Rank metrics at every checkpoint of all runs; a shared warm-up counts for each method that starts from it.

        At the last one also against the truth of other data sets, there without a bootstrap.
        """
        compared = {name for pair in self.study.contrasts for name in pair}
        for name, seed in self._runs():
            before: dict[str, np.ndarray] = {}
            method = self.methods[name]
            for iteration, epoch, scores in self._columns(name, seed):
                ends, stop = epoch == method.segment(iteration)[1], f"{name}@{iteration}"
                last = ends and iteration == method.iterations
                ends_as = [name] * last + [stop] * (ends and stop in compared)
                at = {"method": name, "seed": seed, "iteration": iteration, "epoch": epoch}
                for label, column in scores.items():
                    row = {**at, "estimator": label}
                    resampled = self.sampling.resampled(column) if ends_as else {}
                    for each in ends_as:
                        self.sampling.add(each, label, epoch, resampled)
                    for which, truth in self.truths.items() if last else [(self.task.score_truth, self.truth)]:
                        values = resampled if last and truth is self.truth else {}
                        numbers = rank_rows(truth.to_numpy(), column, self.settings["metrics"], values)
                        numbers += selection.rows(truth.to_numpy(), column, self.study)
                        yield from (row | number | {"truth": which} for number in numbers)
                    if self.study.signals or self.study.criteria:
                        yield from (row | number for number in window.curves(column, before.get(label)))
                    if self.study.criteria:
                        yield from (row | number for number in self._criteria(label, before.get(label), scores))
                before = scores

    def _columns(self, name: str, seed: int) -> Iterator[tuple[int, int, dict[str, np.ndarray]]]:
        """``(iteration, epoch, scores)`` of every checkpoint, by all estimators, and what the study lets vote."""
        for owner, iteration in runs.segments(self.methods[name], name):
            by_epoch: dict[int, dict[str, np.ndarray]] = {}
            for estimator in self._estimators(paths.EVALUATION):
                at = {"method": owner, "estimator": estimator, "seed": seed, "iteration": iteration}
                for epoch, scores in self._scores(paths.SCORES.format(**self.where, **at)):
                    named = {f"{estimator}:{score}": column for score, column in scores.items()}
                    by_epoch.setdefault(epoch, {}).update(named)
            for epoch, scores in by_epoch.items():
                self._check("vote", scores, self.study.vote)
                scores |= criteria.votes(scores, self.study.vote)
                self._check("scores", scores, self.study.scores)
                yield iteration, epoch, scores

    def _check(self, key: str, scores: Mapping[str, np.ndarray], lists: list[list[str]]) -> None:
        """``UserError`` unless the study's ``key`` names nothing but ``scores``."""
        if missing := {label for labels in lists for label in labels} - scores.keys():
            known = ", ".join(scores)
            raise UserError(f"params.yaml: studies.{self.settings['name']}.{key}: no {min(missing)!r}; known: {known}")

    def _criteria(self, label: str, before: np.ndarray | None, scores: dict[str, np.ndarray]) -> Iterator[Row]:
        truth, asked, column = self.truth.to_numpy(), self.study.criteria, scores[label]
        order = criteria.majorities(scores, self.study.vote).get(label) if label.startswith(f"{VOTE}:") else None
        yield from criteria.rows(truth, column, asked, self.settings["metrics"]["precision_at"], order)
        if before is not None:
            yield from criteria.relative(before, column, asked)
        if self.study.levels:
            yield from criteria.levels(truth, scores[f"{self.study.levels}:accuracy"], column)
        yield from criteria.by_complexity(truth, column, self.parameters)

    @functools.cached_property
    def parameters(self) -> np.ndarray:
        """Of the evaluation architectures, at the task's size."""
        space, archs = spaces.load(self.task.space), self.truth.index
        return references.counted(space, archs, self.task.width, self.task.cells)

    def logged(self) -> Iterator[Row]:
        """What training has logged of what the study asks for, at the epochs that have it; some methods log no such."""
        missing = set(self.study.logged)
        for name, seed in self._runs() if self.study.logged else []:
            lines = []
            for owner, iteration in runs.segments(self.methods[name], name):
                at = {"method": owner, "seed": seed, "iteration": iteration}
                path = paths.LOG.format(**self.where, **at)
                lines += [(iteration, line) for line in records.read_lines(path)]
            for metric in self.study.logged:
                for iteration, line in ((i, line) for i, line in lines if metric in line):
                    missing.discard(metric)
                    row = {"method": name, "seed": seed, "iteration": iteration, "epoch": int(line["epoch"])}
                    yield {**row, "metric": metric, "value": line[metric], "n": 1}
        if missing:
            raise UserError(
                f"params.yaml: studies.{self.settings['name']}.logged: no method's training logs {min(missing)!r}"
            )

    def joined(self) -> Iterator[Row]:
        """Rank metrics of the last main score together with what its landmarks, or counting, say without it."""
        taught = [name for name, method in self.methods.items() if method.landmarks]
        for name, seed in self._runs() if self.study.joined else []:
            method = self.methods[name]
            known = self._known(name if method.landmarks else taught[0], seed)
            for estimator in self._estimators(paths.EVALUATION):
                at = {"estimator": estimator, "seed": seed, "iteration": method.iterations}
                *_, (epoch, scores) = self._scores(paths.SCORES.format(**self.where, method=name, **at))
                label = main_score([f"{estimator}:{score}" for score in scores])
                score = scores[label.split(":")[-1]]
                guesses = {predictor: self._predicted(known, predictor, seed) for predictor in self.study.alone}
                for source, guess in (guesses | {references.PARAMETERS: self.parameters}).items():
                    both, joint = metrics.ranks(score) + metrics.ranks(guess), f"{label} + {source}"
                    for number in references.joined(name, joint, epoch, both, guess, self.sampling):
                        yield {**at, "method": name, "epoch": epoch} | number

    def whole(self) -> Iterator[Row]:
        """Rank metrics of the whole space, where an estimator scores it, without the seed's landmarks."""
        for estimator, seed, archs, truth, scores in self._spaces():
            for name, (epoch, columns) in scores.items():
                self.sampling.whole |= {f"{estimator}:{label}" for label in columns}
                at = {"seed": seed, "iteration": self.methods[name].iterations, "method": name, "epoch": epoch}
                for label, score in columns.items():
                    numbers = [*whole.rows(truth, score, self.settings["metrics"])]
                    if self.study.criteria:
                        numbers += self._bias(archs, truth, score)
                    yield from ({**at, "estimator": f"{estimator}:{label}"} | number for number in numbers)

    def spreads(self) -> Iterator[Row]:
        """How far the main score's S-KdT of a sample strays from that of the space, less the landmarks of all seeds."""
        tables = defaultdict(list)  # of a score, one a seed
        for estimator, _, archs, truth, scores in self._spaces():
            label = main_score(list(next(iter(scores.values()))[1]))
            main = {name: columns[label] for name, (_, columns) in scores.items()}
            tables[f"{estimator}:{label}"].append(pd.DataFrame({**main, references.TRUTH: truth}, archs))
        for label, seeds in tables.items():
            common = functools.reduce(pd.Index.intersection, (table.index for table in seeds))
            seeds = [table.loc[common] for table in seeds]
            by_method = {name: np.array([table[name] for table in seeds]) for name in self.methods}
            truth = seeds[0][references.TRUTH].to_numpy()
            for number in whole.spreads(truth, by_method, self.study.contrasts, self.settings["metrics"]):
                yield {"estimator": label} | number

    def _bias(self, archs: Sequence[str], truth: np.ndarray, score: np.ndarray) -> Iterator[Row]:
        space = spaces.load(self.task.space)
        options = {choice.options for choice in space.choices}
        if len(options) == 1:  # else a number means another operation elsewhere
            yield from criteria.by_operation([space.parse(text) for text in archs], truth, score, *options)

    def _spaces(
        self,
    ) -> Iterator[tuple[str, int, Sequence[str], np.ndarray, dict[str, tuple[int, dict[str, np.ndarray]]]]]:
        """Of estimators of the whole space and seeds: its architectures, truth and ``(epoch, scores)`` by method.

        Without the landmarks that any method of the seed has, so that all methods rank the same architectures.
        """
        path = paths.TRUTH.format(**self.where, set=paths.SPACE)
        for estimator in self._estimators(paths.SPACE):
            truth = self._column(records.read_table(path).set_index("arch"), path, self.task.score_truth)
            for seed in self.settings["seeds"]:
                files = {file for name in self.methods for file in self._known(name, seed)[:-1]}
                taught = {arch for file in files for arch in records.read_table(file)["arch"]}
                kept = ~truth.index.isin(taught)
                scores = {}
                for name, method in self.methods.items():
                    at = {"method": name, "estimator": estimator, "seed": seed, "iteration": method.iterations}
                    ((epoch, columns),) = self._scores(paths.SCORES.format(**self.where, **at), truth, path)
                    scores[name] = epoch, {label: column[kept] for label, column in columns.items()}
                yield estimator, seed, truth.index[kept], truth.to_numpy()[kept], scores

    def _estimators(self, archs: str) -> list[str]:
        """The study's estimators that score that set."""
        elsewhere = self.settings.get("archs", {})
        return [name for name in self.study.estimators if elsewhere.get(name, paths.EVALUATION) == archs]

    def searches(self) -> Iterator[Row]:
        """What every search found (D20), after how many evaluations: its accuracy, regret and rank by every truth."""
        for name, seed in self._runs():
            method = self.methods[name]
            for searcher in self.study.searchers:
                at = {"method": name, "searcher": searcher, "seed": seed, "iteration": method.iterations}
                files = {**self.where, **at, "searcher": runs.searcher_of(method, searcher)}
                steps = records.read_table(paths.SEARCH.format(**files))
                path = paths.TRUTH.format(**self.where, set=paths.FOUND.format(**files))
                table = records.read_table(path)
                row = {**at, "epoch": method.segment(method.iterations)[1]}
                yield {**row, "metric": "evaluations", "value": len(steps), "n": 1}
                for which in self.truths:
                    found = float(self._column(table, path, which).iloc[0])
                    definition, among, best, rank = self._standing(table, found, which)
                    row["truth"] = which
                    yield {**row, "metric": "found_accuracy", "value": found, "n": 1}
                    by = {**row, "definition": definition, "n": among}
                    yield {**by, "metric": "regret", "value": best - found}
                    yield {**by, "metric": "found_rank", "value": rank}

    def _standing(self, found: pd.DataFrame, value: float, which: str) -> tuple[str, int, float, float]:
        """Among whom, how many, their best accuracy, and the rank of ``value``: the space where the truth knows it."""
        among = which.removesuffix(self.task.score_truth) + "among"
        if among in found:
            row = found.iloc[0]
            return "space", int(row[among]), float(row[f"{which}_best"]), float(row[f"{which}_rank"])
        truth = self.truths[which]
        return "evaluation", len(truth), float(truth.max()), metrics.rank_of(value, truth)

    def references(self) -> Iterator[Row]:
        """What costs nothing; a ridge for each set of landmarks that methods of the study train with."""
        settings = self.settings["metrics"]
        yield from references.ranked(references.PARAMETERS, self.parameters, self.sampling)
        seen: set[tuple[str, ...]] = set()
        for name, seed in self._runs():
            if self.methods[name].landmarks and (known := self._known(name, seed)) not in seen:
                seen.add(known)
                for predictor in self.study.alone:
                    who = references.ON_LANDMARKS.format(predictor=predictor, method=name)
                    yield from references.ranked(who, self._predicted(known, predictor, seed), self.sampling, seed=seed)
        order, score = self.task.order_truth, self.task.score_truth
        if order != score:
            yield from references.order_against_score(self.evaluation, order, score, settings)
        yield from references.replicates(self.evaluation, score, settings)

    def _known(self, name: str, seed: int) -> tuple[str, ...]:
        """Files of the landmarks of a method, and the truth that orders them."""
        method = self.methods[name]
        files = runs.landmark_files(method, name, paths.TRUTH, self.where, seed, method.iterations)
        return (*files, runs.order_truth(self.task, method))

    def _predicted(self, known: tuple[str, ...], predictor: str, seed: int) -> np.ndarray:
        """What a predictor says of the evaluation architectures that knows nothing but those landmarks."""
        *files, order = known
        truth = pd.concat([records.read_table(path) for path in files]).set_index("arch")[order]
        return references.predicted(spaces.load(self.task.space), list(self.truth.index), truth, predictor, seed)

    def _runs(self) -> list[tuple[str, int]]:
        return [(name, seed) for name in self.methods for seed in self.settings["seeds"]]

    def _scores(
        self, file: str, truth: pd.Series | None = None, path: str | None = None
    ) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """``(epoch, {score: (n,)})`` in the order of a set's truth, the evaluation set's if none is given."""
        truth, path = (self.truth, self.path) if truth is None else (truth, path)
        for epoch, table in records.read_table(file).groupby("epoch"):
            scores = table.set_index("arch").drop(columns="epoch")
            if set(scores.index) != set(truth.index) or not np.isfinite(scores.to_numpy()).all():
                raise UserError(
                    f"{file}: epoch {epoch} lacks finite scores of the architectures in {path}; score again"
                )
            yield int(epoch), {name: column.to_numpy() for name, column in scores.loc[truth.index].items()}

    def _column(self, table: pd.DataFrame, path: str, name: str) -> pd.Series:
        """The truth ``name``; ``UserError`` where a value is missing."""
        if name not in table or not np.isfinite(table[name]).all():
            raise UserError(f"{path}: lacks {name} accuracies; correct the task's truth or run its rule again")
        return table[name]
