"""The digest of code: real edits change it, comments and docstrings do not."""

import shutil

import pytest

from supernet import digest as module


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package whose files a test may edit."""
    copy = tmp_path / "supernet"
    shutil.copytree(module.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "PACKAGE", copy)

    def fresh(*names):
        for cached in (module._tree, module._meaning, module._imports):
            cached.cache_clear()
        return module.digest(*names)

    yield copy, fresh
    for cached in (module._tree, module._meaning, module._imports):
        cached.cache_clear()


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_comments_and_docstrings_change_nothing(package):
    copy, digest = package
    before = digest("supernet.stages.train")
    edit(copy / "train.py", '"""The training loop', '"""A training loop')
    (copy / "train.py").write_text((copy / "train.py").read_text() + "\n# a comment\n")
    assert digest("supernet.stages.train") == before


def test_an_edit_reaches_exactly_the_stages_that_import_it(package):
    copy, digest = package
    stages = ["train", "standalone", "search", "lookup"]
    before = {s: digest(f"supernet.stages.{s}") for s in stages}
    edit(copy / "searchers" / "__init__.py", "if fresh:", "if list(fresh):")
    after = {s: digest(f"supernet.stages.{s}") for s in stages}
    assert [s for s in stages if before[s] != after[s]] == ["search"]


def test_the_loop_reaches_training_but_not_a_look_up(package):
    copy, digest = package
    before = digest("supernet.stages.train"), digest("supernet.stages.lookup")
    edit(copy / "step.py", "0.5 * (1 + math.cos", "0.50001 * (1 + math.cos")
    after = digest("supernet.stages.train"), digest("supernet.stages.lookup")
    assert before[0] != after[0] and before[1] == after[1]


def test_params_and_planning_are_not_part_of_training(package):
    """What params.yaml says reaches a rule as its settings; a change of the reader alone re-runs nothing."""
    copy, digest = package
    before = digest("supernet.stages.train", "supernet.regularisers.landmark", "supernet.spaces.nasbench201")
    for name in ("config.py", "plan.py", "cli.py"):
        (copy / name).write_text((copy / name).read_text() + "\nEDITED = 1\n")
    assert digest("supernet.stages.train", "supernet.regularisers.landmark", "supernet.spaces.nasbench201") == before


def test_a_plug_in_is_part_of_the_code_that_names_it(package):
    copy, digest = package
    before = (
        digest("supernet.stages.train", "supernet.regularisers.landmark"),
        digest("supernet.stages.train", "supernet.methods.spos"),
    )
    edit(copy / "regularisers" / "landmark.py", "if weight == 0 or", "if weight <= 0 or")
    after = (
        digest("supernet.stages.train", "supernet.regularisers.landmark"),
        digest("supernet.stages.train", "supernet.methods.spos"),
    )
    assert before[0] != after[0] and before[1] == after[1]
