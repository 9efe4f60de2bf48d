"""An append that is killed, or for which the disk has no room, leaves whole records and nothing else."""

import os
import shutil
import signal
import sys
import traceback
import warnings
from pathlib import Path

import pytest
from ledger_cases import checked, content_of, copied, entry, files_no_larger_than

from provisioner.errors import BastideError
from provisioner.evidence.ledger import append

CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir"}
FILES = {"hosts/db/facts.json": b"new facts " * 9, "rules.txt": b"the same"}


def in_a_child(act) -> int:
    """Run `act` in a process of its own; the signal that killed it, 0 if it came to its end."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # the threads of pytest-xdist hold no lock of ours
        child = os.fork()
    if child == 0:
        try:
            act()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - the child must never come back into the tests
            traceback.print_exc()
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def changes(event: str, arguments: tuple, folder: Path) -> bool:
    """Whether an event of Python's audit (PEP 578) is about to change something in a folder."""
    opens = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if not (opens or event in CHANGES) or isinstance(arguments[0], int):  # a pipe has only a number
        return False
    path = Path(arguments[0])
    return path.is_relative_to(folder) or not path.is_absolute()


def killed_at(step: int, folder: Path, act):
    """Do `act`, and die before its `step`th change in a folder."""
    seen = 0

    def hook(event, arguments):
        nonlocal seen
        if not changes(event, arguments, folder):
            return
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    act()


def test_an_append_that_is_killed_anywhere_is_whole_or_not_there(ledger, tmp_path):
    outcomes = []
    for step in range(1, 1000):
        tried = copied(ledger, tmp_path / "tried")
        killed = in_a_child(
            lambda step=step, tried=tried: killed_at(
                step, tried.folder.parent, lambda: append(tried, entry(), FILES)
            )
        )
        assert checked(tried).flaws == ()
        append(tried, entry(), FILES)
        found = checked(tried)
        assert (found.flaws, found.notes) == ((), ())
        assert not (tried.folder / "draft").exists()
        outcomes.append(len(found.records))
        shutil.rmtree(tmp_path / "tried")
        if not killed:
            break
    assert len(outcomes) > 12
    assert set(outcomes) == {3, 4}
    assert outcomes == sorted(outcomes)


SIZES = (0, 1, 50, 89, 90, 200, 309, 311, 313, 400, 500)


@pytest.mark.parametrize("size", SIZES)
def test_an_append_that_is_killed_in_the_middle_of_a_file_is_not_there(ledger, size):
    def act():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        with files_no_larger_than(size):
            append(ledger, entry(), FILES)

    assert in_a_child(act) == signal.SIGXFSZ
    assert checked(ledger).flaws == ()
    assert append(ledger, entry(), FILES).number == 3
    assert checked(ledger).notes == ()


@pytest.mark.parametrize("size", SIZES)
def test_a_disk_that_takes_no_more_loses_nothing_and_keeps_nothing_half_written(ledger, size):
    before = content_of(ledger.folder)
    with files_no_larger_than(size), pytest.raises(BastideError, match="could not be written") as caught:
        append(ledger, entry(), FILES)
    assert "make room" in caught.value.hint
    after = content_of(ledger.folder)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith(("objects/", "draft/")) for name in set(after) - set(before))
    assert checked(ledger).flaws == ()
    assert append(ledger, entry(), FILES).number == 3
    assert checked(ledger).notes == ()
