"""Up, apply, down, again and again; also when all of it is killed somewhere in the middle.

BASTIDE_LAB_ROUNDS says how often; `make rounds` plays ten of each.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from hosts_lab import ROOT, bastide, bastide_lab, estate_for, footprint

from lab.hosts import lifecycle

ROUNDS = int(os.environ.get("BASTIDE_LAB_ROUNDS", "1"))
LONGEST_SECONDS = 60

pytestmark = pytest.mark.usefixtures("bare")


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_round_leaves_the_machine_as_it_was(number, tmp_path):
    before = footprint()
    lab = tmp_path / "lab"
    assert bastide_lab("up", folder=lab).returncode == 0
    estate = estate_for(lab, tmp_path)
    applied = bastide("-e", str(estate), "apply", "--yes")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    down = bastide_lab("down", folder=lab)
    assert down.returncode == 0, down.stderr
    assert footprint() == before


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_round_killed_at_a_random_moment_leaves_nothing_after_down(number, tmp_path):
    before = footprint()
    lab, moment = tmp_path / "lab", secrets.randbelow(LONGEST_SECONDS * 10) / 10
    estate = estate_for(lab, tmp_path)
    both = f"{sys.executable} cli.py lab up --dir {lab} && {sys.executable} cli.py -e {estate} apply --yes"
    with subprocess.Popen(
        ("/bin/sh", "-c", both), cwd=ROOT, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as play:  # fmt: skip
        time.sleep(moment)
        with suppress(ProcessLookupError):  # it was through already
            os.killpg(play.pid, signal.SIGKILL)
    if lifecycle.is_there():
        down = bastide_lab("down", folder=lab)
        assert down.returncode == 0, f"killed after {moment:.1f} s: {down.stderr}"
    assert footprint() == before, f"killed after {moment:.1f} s"
