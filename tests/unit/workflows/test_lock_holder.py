"""Whose lock may be taken over unasked: only that of a run of this very machine which is surely gone."""

from dataclasses import replace

import pytest

from provisioner.workflows.lock import Holder

NO_PROCESS = 2**22 + 1
"""Above the largest number that Linux gives to a process."""
ELSEWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def me() -> Holder:
    return Holder.me()


def test_a_holder_is_read_as_it_is_written(me):
    assert Holder.read(str(me)) == me


def test_a_run_that_lives_is_not_gone(me):
    assert not me.is_gone()


def test_a_run_of_this_machine_without_its_process_or_of_an_earlier_boot_is_gone(me):
    assert replace(me, pid=NO_PROCESS).is_gone()
    assert replace(me, boot=ELSEWHERE).is_gone()


def test_a_run_of_another_machine_of_the_same_name_is_not_gone(me):
    name = me.host.partition("/")[0]
    assert not replace(me, host=f"{name}/00000000", pid=NO_PROCESS, boot=ELSEWHERE).is_gone()
    assert not replace(me, host=name, boot=ELSEWHERE).is_gone()
