"""params.yaml: what is refused, and with which line."""

from pathlib import Path

import pytest
import yaml

from supernet import config, params
from supernet.errors import UserError

PARAMS = Path(__file__).parents[2] / "params.yaml"


def edited(tmp_path, **changes):
    """A copy of params.yaml with dotted keys set; a value of None removes the key."""
    raw = yaml.load(PARAMS.read_text(), Loader=params.Loader)
    for dotted, value in changes.items():
        *parents, last = dotted.split(".")
        section = raw
        for key in parents:
            section = section[key]
        if value is None:
            del section[last]
        else:
            section[last] = value
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def test_the_projects_own_file_is_fine_at_every_scale():
    for scale in params.scales(PARAMS):
        assert config.load(scale, PARAMS).studies


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("methods.landmark.regulariser.args.weight", -1.0, "regulariser.args.weight: Input should be greater"),
        ("methods.landmark.regulariser.args.wieght", 1.0, "regulariser.args.wieght: is not a known key"),
        ("methods.landmark.landmarks", None, "methods.landmark.landmarks: is missing; 'landmark' regularises"),
        ("methods.spos.searcher", None, "searcher: is missing; additions and kind"),
        ("methods.nao.train", {"warmup": 0}, "kind 'pool' needs one"),
        ("methods.spos.kind", "spso", "methods.spos.kind: no 'spso'; known:"),
        ("methods.spos.train.lr", "fast", "methods.spos.train.lr: Input should be a valid number, got 'fast'"),
        ("methods.spos.train.batch", None, "methods.spos.train.batch: is missing"),
        ("methods.spos.train.epochs", True, "methods.spos.train.epochs"),
        ("methods.spos.base", ["landmark"], "expected the name of another entry"),
        ("tasks", ["a"], "tasks"),
        ("studies", ["a"], "studies"),
        ("studies.demo", 3, "studies.demo"),
        ("methods.conditional-250-150-lazy.kind", "fairnas", "lazy goes with kind spos"),
        ("studies.when-to-split.methods", ["shared-250"], "signals: needs methods that split"),
        (
            "methods.close.net",
            {},
            "methods.close: kind close, net.sharing: global_blocks and at least two net.blocks go",
        ),
        (
            "methods.close-no-restart.kind",
            "pada",
            "kind close, net.sharing: global_blocks and at least two net.blocks go together",
        ),
        ("methods.close.args", {"opens": [0.5]}, "methods.close.args.opens: 1 times to open blocks; 4 need 3"),
        ("methods.close.net.edge", 3, "methods.close.net: global_blocks goes without warmup_sharing, edge and parts"),
        ("methods.pruned-10.args", {"keep": 0.0}, "methods.pruned-10.args.keep: Input should be greater than 0"),
        ("methods.untrained.train", {"epochs": 0}, "methods.untrained.train.warmup: 250 is not less than epochs = 0"),
        ("methods.spos.base", "landmark", "a cycle"),
        ("methods.landmark.base", "sops", "no 'sops'"),
        ("methods.landmark.landmarks", "distant31", "no 'distant31' in landmarks"),
        ("methods.landmark-t3.iterations", 7, "7 does not divide"),
        (
            "methods.landmark.train",
            {"lr": 0.5},
            "methods.landmark.start: 'spos' must own a run with the same train",
        ),
        ("tasks.nasbench201-cifar10.space", "darts", "tasks.nasbench201-cifar10.space: no 'darts'"),
        ("tasks.nasbench201-cifar10.order_truth", "train", "order_truth: Input should be 'valid' or 'test'"),
        ("tasks.nasbench201-cifar10.truth.kind", "oracle", "tasks.nasbench201-cifar10.truth"),
        ("studies.demo.methods", ["spos", "noa"], "studies.demo.methods: no 'noa'"),
        ("studies.demo.scales", ["dmeo"], "studies.demo.scales: no 'dmeo'; known: demo"),
        ("studies.paper-or-code.factorial", "x", "studies.paper-or-code.factorial: no 'x' in factorials"),
        ("factorials.paper-or-code.generators", {"order": ["x", "pairs"]}, "'x' is not a factor, or is generated"),
        (
            "methods.my_method",
            {"base": "spos"},
            "methods.my_method: expected a name of small letters, digits and hyphens",
        ),
        ("studies.demo.contrasts", [["spos", "landmark-t3"]], "is not among the study's methods"),
        ("estimators.oneshot.args", {"batch": 250}, "estimators.oneshot.args"),
        ("data.cifar10.split.weights", 0, "data.cifar10.split.weights"),
        ("metrics.level", 1.0, "metrics.level"),
        ("typo", 1, "typo: is not a known key"),
        ("seeds", [0, 1, 0], "seeds: Value error, a seed that stands twice is the same run twice"),
        ("studies.demo.seeds", [1, 1], "studies.demo.seeds: Value error, a seed that stands twice"),
        ("methods.spos.train.lr", float("inf"), "methods.spos.train.lr: Input should be a finite number"),
        ("scales", None, "scales: expected a mapping of at least one name"),
        ("scales", ["demo", "full"], "scales: expected a mapping of at least one name"),
        ("scales.full", True, "scales.full: expected a mapping of sections, got True"),
        ("scales.Full", {}, "scales.Full: expected a name of small letters, digits and hyphens"),
    ],
)
def test_bad_values_name_their_key_in_one_line(tmp_path, key, value, line):
    path = edited(tmp_path, **{key: value})
    with pytest.raises(UserError) as error:
        config.load("full", path)
    assert line in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_key_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(PARAMS.read_text() + "\nthreads: 2\n")
    with pytest.raises(UserError, match="'threads' stands twice"):
        config.load("demo", path)


def test_broken_yaml_missing_file_and_unknown_scale_are_one_line(tmp_path):
    path = tmp_path / "params.yaml"
    with pytest.raises(UserError, match="no such file"):
        config.load("demo", path)
    path.write_text("a: [1\nb: 2")
    with pytest.raises(UserError, match="not valid YAML") as error:
        config.load("demo", path)
    assert "\n" not in str(error.value)
    for content in (b"\xff\xfe", b"threads: 2020-99-99", b"[" * 3000):
        path.write_bytes(content)
        with pytest.raises(UserError, match="not valid YAML") as error:
            config.load("demo", path)
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="no such scale; known: demo, reduced, short, full"):
        config.load("huge", PARAMS)


def test_numbers_in_exponent_form_are_numbers():
    assert config.load("full", PARAMS).methods["spos"].train.weight_decay == 5e-4


def test_scales_and_bases_merge_recursively():
    full, demo = config.load("full", PARAMS), config.load("demo", PARAMS)
    assert full.methods["landmark-shuffled"].regulariser.args == {"weight": 10.0, "count": 1, "ranks": "shuffled"}
    assert demo.methods["landmark"].train == demo.methods["spos"].train
    assert demo.methods["spos"].train.weight_decay == full.methods["spos"].train.weight_decay
    assert demo.methods["spos"].train.epochs < full.methods["spos"].train.epochs


def test_args_of_another_kind_are_not_inherited():
    assert config.load("full", PARAMS).methods["landmark-ce"].regulariser.args == {}


def test_segments_tile_the_epochs():
    method = config.load("full", PARAMS).methods["landmark-t3"]
    edges = [method.segment(i) for i in range(4)]
    assert edges == [(0, 250), (250, 300), (300, 350), (350, 400)]


def test_every_plug_in_has_a_schema_of_its_signature():
    for folder in ("datasets", "tables", "methods", "regularisers", "estimators", "searchers"):
        for kind in config.kinds(folder):
            assert config.schema(folder, kind).model_config["extra"] == "forbid"
