"""What `supernet describe` says is what the code and params.yaml say."""

import json
from pathlib import Path

import pytest

from supernet import cli, config, params, plugins
from supernet.commands import describe
from supernet.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def reduced(monkeypatch):
    monkeypatch.chdir(ROOT)
    return config.load("reduced")


def test_a_search_space_with_its_counts(reduced):
    space, table = describe.answer(reduced, "reduced", "nasbench201")
    assert (space["is"], table["is"]) == ("search space", "tables")
    assert space["size"] == 15_625 and space["isomorphism classes"] == 4_930
    assert list(space["choices"]) == ["1<-0", "2<-0", "2<-1", "3<-0", "3<-1", "3<-2"]
    assert space["choices"]["1<-0"] == ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
    assert set(space["tasks"]) >= {"nasbench201-cifar10", "nasbench201-two-cells", "nasbench201-digits"}


def test_a_method_with_its_settings_resolved_and_what_it_is(reduced):
    (entry,) = describe.answer(reduced, "reduced", "landmark")
    assert entry["settings"]["train"]["epochs"] == 60  # of the scale; 400 in the base
    assert entry["settings"]["regulariser"]["args"]["loss"] == "hinge"  # a default, which params.yaml does not write
    assert "Guo et al. 2020" in entry["about"] and "Yu, Ranftl, Salzmann" in entry["regulariser"]
    assert "landmark-controls" in entry["studies"]


def test_a_name_of_several_things_is_all_of_them(reduced):
    found = describe.answer(reduced, "reduced", "nao")
    assert [entry["is"] for entry in found] == ["methods", "searchers", "file of predictors"]
    assert found[1]["settings"]["args"]["budget"] == 150


def test_every_name_can_be_described(reduced):
    names = describe.known()
    assert {"nasbench201", "landmark-table1", "ridge", "digits", "gates"} <= set(names)
    for name in names:
        for entry in describe.answer(reduced, "reduced", name):
            assert json.dumps(entry) and describe._text(entry).startswith(f"{name}: ")


def test_the_command_prints_text_or_json(reduced, capsys):
    describe.describe("spos", "reduced")
    assert capsys.readouterr().out.startswith("spos: methods (scale reduced)\nkind: spos\n")
    describe.describe("spos", json=True)
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["scale"] == params.scales()[-1]
    describe.describe(json=True)
    assert json.loads(capsys.readouterr().out)["spaces"] == plugins.kinds("spaces")


def test_an_unknown_name_is_one_line(reduced):
    with pytest.raises(UserError, match=r"'nobody': no search space, entry of params.yaml or plug-in; `supernet descr"):
        describe.describe("nobody")


def fail(monkeypatch, capsys, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["supernet", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "supernet: No such command 'nobody'. (supernet --help)\n"),
        (["score"], "supernet: Missing argument 'ARCH'. (supernet score --help)\n"),
        (["stage", "train", "--scale", "demo"], "supernet: Missing option '--task'. (supernet stage train --help)\n"),
        (["describe", "x", "--scale", "huge"], "supernet: params.yaml: scales.huge: no such scale; known: demo, redu"),
        (["rank", "--run", "x", "--top", "0"], "supernet: Invalid value for '--top'"),
        (["status", "--study", "x"], "supernet: params.yaml: studies: no 'x'; known: demo, landmark-controls"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(reduced, monkeypatch, capsys, arguments, message):
    status, error = fail(monkeypatch, capsys, *arguments)
    assert status == 2 and error.startswith(message) and error.count("\n") == 1


def test_help_has_the_commands_in_three_panels(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["supernet", "--help"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    shown = capsys.readouterr().out
    assert not stopped.value.code
    for title in (cli.ASK, cli.PIPELINE, cli.UPKEEP):
        assert f"─ {title} ─" in shown
    assert fail(monkeypatch, capsys) == (2, "")  # no arguments: the same help, on standard output
