"""Saved states: two generations, a lock, and no continuation of what is damaged or somebody else's."""

import errno
import multiprocessing
import os
import resource
import signal

import numpy as np
import pytest

from supernet import cli, plan, records, states
from supernet import config as configs
from supernet.errors import UserError


def save(folder, step):
    states.save(folder, {"w": np.full(1000, float(step))}, {"step": step})


def test_the_newest_good_state_is_used_and_the_one_before_is_kept(tmp_path):
    assert states.load(tmp_path) is None
    for step in (1, 2, 3):
        save(tmp_path, step)
    tensors, progress = states.load(tmp_path)
    assert progress == {"step": 3} and tensors["w"][0] == 3.0
    (tmp_path / states.CURRENT).unlink()  # as a kill between the two renames leaves it
    assert states.load(tmp_path)[1] == {"step": 2}


@pytest.mark.parametrize("length", [0, 5, 700, -1])
def test_a_truncated_state_is_set_aside_and_the_previous_one_used(tmp_path, capsys, length):
    for step in (1, 2):
        save(tmp_path, step)
    path = tmp_path / states.CURRENT
    path.write_bytes(path.read_bytes()[:length])
    assert states.load(tmp_path)[1] == {"step": 1}
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and str(path) in message and "set aside" in message
    assert len(list(tmp_path.glob("state.refused-*"))) == 1 and not path.exists()


def test_a_changed_byte_is_noticed(tmp_path, capsys):
    save(tmp_path, 1)
    path = tmp_path / states.CURRENT
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    assert states.load(tmp_path) is None
    assert "changed since it was written" in capsys.readouterr().err


def test_the_state_of_other_parameters_or_code_is_refused(tmp_path, capsys):
    one, other = tmp_path / "one", tmp_path / "other"
    save(one, 1)
    other.mkdir()
    (other / states.CURRENT).write_bytes((one / states.CURRENT).read_bytes())
    assert states.load(other) is None
    assert "other parameters or other code" in capsys.readouterr().err


def _try_to_lock(folder, answers):
    try:
        with states.locked(folder):
            answers.put("locked")
    except UserError as error:
        answers.put(str(error))


def test_a_second_process_is_refused_and_the_lock_ends_with_the_first(tmp_path):
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    with states.locked(tmp_path / "job"):
        process = context.Process(target=_try_to_lock, args=(tmp_path / "job", answers))
        process.start()
        assert "another process is running this job" in answers.get(timeout=60)
        process.join()
    _try_to_lock(tmp_path / "job", answers)
    assert answers.get(timeout=60) == "locked"


def test_a_full_disk_leaves_the_last_good_states(tmp_path):
    """The system refuses to write more than a few kilobytes, as a full disk does."""
    for step in (1, 2):
        save(tmp_path, step)
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(UserError, match="cannot write"):
            save(tmp_path, 3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert states.load(tmp_path)[1] == {"step": 2}
    assert {p.name for p in tmp_path.iterdir()} == {states.CURRENT, states.PREVIOUS}
    assert records.provenance(tmp_path / states.PREVIOUS)["progress"] == '{"step": 1}'


def test_a_job_runs_where_the_file_system_keeps_no_locks(tmp_path, monkeypatch, capsys):
    def no_locks(file, operation):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    job = plan.archs(configs.load("demo"), scale="demo", task="nasbench201-digits", set="evaluation")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(states.fcntl, "flock", no_locks)
    cli.run(job)
    assert "this file system keeps no locks (Function not implemented)" in capsys.readouterr().err
    assert records.read_table(next(iter(job.outputs.values()))).shape[0] > 0
