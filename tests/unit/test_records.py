"""Files appear whole or not at all, with their provenance, in the same bits."""

import os
import stat

import numpy as np
import pandas as pd
import pytest

from supernet import records
from supernet.errors import UserError

TABLE = pd.DataFrame({"arch": ["a", "b"], "value": [0.25, 0.5]})
STAMP = {"stage": "test", "settings": {"b": 1, "a": [1, 2]}, "inputs": {}}


def test_tables_and_tensors_round_trip_in_equal_bytes(tmp_path):
    for name in ("one", "two"):
        records.write_table(tmp_path / f"{name}.parquet", TABLE, STAMP)
        records.write_tensors(tmp_path / f"{name}.safetensors", {"x/w": np.arange(3.0), "y": np.ones((2, 2))}, STAMP)
    for suffix in ("parquet", "safetensors"):
        one, two = (tmp_path / f"{name}.{suffix}" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
        assert records.provenance(one) == STAMP
    pd.testing.assert_frame_equal(records.read_table(tmp_path / "one.parquet"), TABLE)
    assert records.read_tensors(tmp_path / "one.safetensors", "x/")["w"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("suffix", ["parquet", "safetensors"])
def test_truncated_files_are_one_line_errors(tmp_path, suffix):
    path = tmp_path / f"file.{suffix}"
    write, read = {
        "parquet": (lambda: records.write_table(path, TABLE, STAMP), records.read_table),
        "safetensors": (lambda: records.write_tensors(path, {"w": np.arange(99.0)}, STAMP), records.read_tensors),
    }[suffix]
    write()
    whole = path.read_bytes()
    for length in (0, 5, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError) as error:
            read(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(UserError, match="no such file"):
        read(tmp_path / f"missing.{suffix}")


def test_a_failed_write_leaves_the_old_file_and_no_debris(tmp_path):
    path = tmp_path / "file.txt"
    records.write_text(path, "old")
    with pytest.raises(ZeroDivisionError), records.atomic(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_a_one_line_error(tmp_path):
    with pytest.raises(UserError, match=r"cannot write.*No space left"), records.atomic(tmp_path / "file"):
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_a_one_line_error(tmp_path):
    (tmp_path / "file").write_text("in the way of a folder")
    with pytest.raises(UserError, match="cannot write"):
        records.write_text(tmp_path / "file" / "below.txt", "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere, so permissions cannot be tested as root")
def test_a_folder_without_permission_is_a_one_line_error(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(UserError, match="Permission denied"):
        records.write_text(tmp_path / "file.txt", "x")


def test_files_are_readable_as_the_umask_allows(tmp_path):
    records.write_text(tmp_path / "file.txt", "x")
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == 0o666 & ~umask


def test_json_and_lines_round_trip_and_refuse_garbage(tmp_path):
    records.write_json(tmp_path / "a.json", {"b": 1})
    records.write_lines(tmp_path / "a.jsonl", [{"b": 1}, {"b": 2}])
    assert records.read_json(tmp_path / "a.json") == {"b": 1}
    assert records.read_lines(tmp_path / "a.jsonl") == [{"b": 1}, {"b": 2}]
    for name, read in (("a.json", records.read_json), ("a.jsonl", records.read_lines)):
        (tmp_path / name).write_text("{")
        with pytest.raises(UserError, match="not valid JSON"):
            read(tmp_path / name)


def test_a_core_was_busy_for_its_cpu_time_and_an_accelerator_for_the_time_by_the_wall(tmp_path):
    path = tmp_path / "costs.json"
    for accelerator, seconds in ((False, 2.0), (True, 1.5)):
        records.write_json(path, {"seconds": 1.5, "cpu_seconds": 2.0, "accelerator": accelerator})
        assert records.seconds(path) == 1.5
        assert records.core_seconds(path) == seconds


@pytest.mark.parametrize("content", ["{}", "[]", "null", '{"seconds": "x"}', '{"seconds": NaN}'])
def test_costs_that_say_no_seconds_are_a_one_line_error(tmp_path, content):
    path = tmp_path / "costs.json"
    path.write_text(content)
    with pytest.raises(UserError, match=r"costs\.json: says no seconds"):
        records.seconds(path)


@pytest.mark.parametrize("stamp", [[], None, 1])
def test_a_stamp_that_is_none_is_a_one_line_error(tmp_path, stamp):
    path = tmp_path / "table.parquet"
    records.write_table(path, TABLE, stamp)
    with pytest.raises(UserError, match=r"table\.parquet: carries no provenance"):
        records.provenance(path)
