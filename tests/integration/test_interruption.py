"""An apply cut short after any single write: the next one finishes it, with the outcome of a clean run.

Dropped connections: each write loses its answer in one of a few runs, and all of them in another. Kills:
run after run gets one write further, from whatever the one before left; and some are cut short only once.
"""

import signal
import time

import pytest

from lab.running import RunningLab, running_lab
from lab.spec import LabSpec
from tests.integration.conftest import Bastide, prepare
from tests.integration.picture import Picture

SITE = "carpentras"
SHARES = 4
HELD_SECONDS = 60.0
ONE_BY_ONE = 3
"""Writes of a run that gets one further: two for the lock that the killed one left, one of its own."""


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """How many writes a clean apply makes, and what it leaves."""
    folder = tmp_path_factory.mktemp("clean")
    with running_lab(LabSpec.sized(sites=1), folder / "lab") as lab:
        assert prepare(lab, folder / "estate")("apply", "--yes").code == 0
        return lab.control.write_count(SITE), Picture(lab.sites[SITE]).taken()


def finished_as(picture: dict, lab: RunningLab, bastide: Bastide) -> None:
    """Nothing is left to do, nothing is there twice, nothing is missing or left over."""
    plan = bastide("plan", "--json")
    assert plan.code == 0, plan.out
    left = Picture(lab.sites[SITE])
    assert left.taken() == picture
    assert left.orphans() == set()
    assert lab.control.illegal() == []


@pytest.mark.parametrize("share", range(SHARES))
def test_a_connection_dropped_after_a_write_does_not_even_stop_the_apply(tmp_path, clean, share):
    writes, picture = clean
    with running_lab(LabSpec.sized(sites=1), tmp_path / "lab") as lab:
        bastide = prepare(lab, tmp_path / "estate")
        for number in range(1 + share, 2 * writes, SHARES):
            lab.control.fault("drop-connection", SITE, at_write=number)
        ran = bastide("apply", "--yes")
        assert ran.code == 0, ran.err
        finished_as(picture, lab, bastide)


@pytest.mark.parametrize("tenth", range(1, 10, 2))
def test_an_apply_killed_on_its_way_is_finished_by_the_next(tmp_path, clean, tenth):
    writes, picture = clean
    with running_lab(LabSpec.sized(sites=1), tmp_path / "lab") as lab:
        bastide = prepare(lab, tmp_path / "estate")
        cut_short(lab, bastide, writes * tenth // 10, signal.SIGKILL)
        ran = bastide("apply", "--yes")
        assert ran.code == 0, ran.err
        finished_as(picture, lab, bastide)


@pytest.mark.parametrize(
    ("sign", "stride"), [(signal.SIGKILL, ONE_BY_ONE), (signal.SIGINT, 6)], ids=["killed", "ctrl-c"]
)
def test_an_apply_cut_short_after_every_write_in_turn_arrives_in_the_end(tmp_path, clean, sign, stride):
    writes, picture = clean
    with running_lab(LabSpec.sized(sites=1), tmp_path / "lab") as lab:
        bastide = prepare(lab, tmp_path / "estate")
        ends = []
        for _ in range(writes):
            ends.append(cut_short(lab, bastide, lab.control.write_count(SITE) + stride, sign))
            if ends[-1] == 0:
                break
        assert ends[0] != 0, "nothing was cut short"
        assert bastide("apply", "--yes").code == 0
        finished_as(picture, lab, bastide)


def test_an_apply_in_which_every_answer_is_lost_arrives_all_the_same(tmp_path, clean):
    with running_lab(LabSpec.sized(sites=1), tmp_path / "lab") as lab:
        bastide = prepare(lab, tmp_path / "estate")
        # All but those of POST /access/…: the secret of a token is in one answer, and has to arrive once.
        for match in ("PUT *", "DELETE *", "POST /[!a]*"):
            lab.control.fault("drop-connection", SITE, match=match, times=10_000)
        ran = bastide("apply", "--yes")
        assert ran.code == 0, ran.err
        finished_as(clean[1], lab, bastide)


def cut_short(lab: RunningLab, bastide: Bastide, number: int, sign: signal.Signals) -> int:
    """Start an apply and end it when the site has executed its write of this number; its exit code."""
    fault = lab.control.fault("slow", SITE, at_write=number, seconds=HELD_SECONDS)
    apply = bastide.start("apply", "--yes")
    try:
        wait_for_write(lab, number, apply)
        apply.send_signal(sign)
        lab.control.lift(fault, site=SITE)
        apply.communicate(timeout=240)
    finally:
        apply.kill()
        apply.wait()
    return apply.returncode


def wait_for_write(lab: RunningLab, number: int, apply) -> None:
    """Return when the site has received its write of this number, or the apply has ended."""
    deadline = time.monotonic() + 120
    while lab.control.write_count(SITE) < number and apply.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
