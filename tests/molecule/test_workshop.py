"""The workshop, beside the one in which the scenarios are tried at the same time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from lab.hosts import cleanup, names
from lab.hosts.workshop import wish

ROOT = Path(__file__).parents[2]
REFUSED = 5


def start(*words):
    return subprocess.Popen(
        (sys.executable, "-m", "lab.hosts.workshop", *words),
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def workshop(*words):
    running = start(*words)
    out, said = running.communicate(timeout=180)
    return subprocess.CompletedProcess(words, running.returncode, out.strip(), said)


def inside(ssh_config, name, *command):
    return subprocess.run(
        ("ssh", "-F", ssh_config, name, *command), capture_output=True, text=True, check=False
    ).stdout.strip()


@pytest.fixture
def nothing_left(monkeypatch):
    """A workshop of the tests' own, and a look at what is left of it."""
    monkeypatch.setenv(names.VARIABLE, names.word()[:3] + "x")

    def left():
        with monkeypatch.context() as patch:
            patch.setenv(names.VARIABLE, names.word() + names.WORKSHOP)
            return cleanup.leftovers(names.folder())

    workshop("down")
    assert left() == ()
    yield left
    workshop("down")
    assert left() == ()


def test_machines_come_and_go_by_name_and_the_last_takes_the_workshop_with_it(nothing_left):
    both = start("boot", "one=12"), start("boot", "two=13", "a-machine-of-a-long-name-13=13")
    files = {running.communicate(timeout=180)[0].strip() for running in both}
    assert [running.returncode for running in both] == [0, 0]
    (ssh_config,) = files
    assert inside(ssh_config, "one", "hostname; cat /etc/debian_version").startswith("one\n12.")
    assert inside(ssh_config, "two", "hostname; cat /etc/debian_version").startswith("two\n13.")
    assert inside(ssh_config, "a-machine-of-a-long-name-13", "getent hosts two")

    again = workshop("boot", "three=13", "two=13")
    assert again.returncode == REFUSED
    assert "in the workshop already: two" in again.stderr
    assert workshop("drop", "three").returncode == REFUSED

    assert workshop("drop", "one", "a-machine-of-a-long-name-13").returncode == 0
    assert inside(ssh_config, "two", "hostname") == "two"
    assert workshop("boot", "one=13").returncode == 0
    assert inside(ssh_config, "one", "cat /etc/debian_version").startswith("13.")
    assert workshop("drop", "one", "two").returncode == 0
    assert nothing_left() == ()


@pytest.mark.parametrize("seconds", [0.7, 1.5, 2.5])
def test_down_removes_what_a_killed_boot_left(nothing_left, seconds):
    running = start("boot", "one=12", "two=13")
    time.sleep(seconds)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    left = nothing_left()
    assert workshop("down").returncode == (0 if left else REFUSED)
    assert nothing_left() == ()
    assert workshop("drop", "one").returncode == REFUSED


@pytest.mark.parametrize("text", ["web=11", "Web=13", "web", "web=13.1", "-h=13"])
def test_a_machine_that_cannot_be_is_said_in_a_sentence(text):
    with pytest.raises(click.BadParameter, match="is no NAME=RELEASE, such as web=13; RELEASE is 12 or 13"):
        wish(text)
