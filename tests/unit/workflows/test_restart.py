"""A restart: Proxmox VE's task ends when the guest is down, and the guest is started after that."""

from datetime import UTC, datetime

import pytest

from provisioner.errors import StepFailed
from provisioner.model.objects import Desired, Observed, Ref
from provisioner.model.observation import Observation
from provisioner.model.plan import Action, Change, Effect, Step
from provisioner.pve.send import Outcome
from provisioner.resources.kind import Scope
from provisioner.workflows import step as steps
from provisioner.workflows.step import Bench, run_step

GUEST = Ref("carpentras", "vm", "110")
SCOPE = Scope("carpentras", 9, "[bastide:synergia]", frozenset())
SEEN = Observation("carpentras", datetime(2026, 11, 23, tzinfo=UTC))


def guest(*, running, waits=False):
    active = {"memory": 2048} if waits else {}
    values = {"memory": 4096, "description": "", "template": False, "pool": None}
    return Observed(GUEST, "dpi-db", values, active=active, node="ventoux-1", running=running)


def restart(monkeypatch, *looks):
    """Run the restart of a guest that is seen like this, one look after another; what was sent."""
    left, sent = list(looks), []
    monkeypatch.setattr(steps, "refresh", lambda *_: left.pop(0) if len(left) > 1 else left[0])

    def send(call):
        sent.append(call.path)
        return Outcome(None, (), None)

    desired = Desired(GUEST, "dpi-db", {"memory": 4096}, at_creation={"node": "ventoux-1"})
    change = Change(
        GUEST,
        "dpi-db",
        Action.RESTART,
        effects=frozenset({Effect.RESTART}),
        desired=desired,
        observed=looks[0],
    )
    run_step(Step(change, frozenset(), ""), Bench(None, SCOPE, SEEN, send, lambda _: None, restart=True))
    return sent


def test_a_restart_is_done_when_the_guest_runs_again(monkeypatch):
    monkeypatch.setattr(steps.time, "sleep", lambda _: None)
    looks = guest(running=True, waits=True), guest(running=False), guest(running=False), guest(running=True)
    assert restart(monkeypatch, *looks) == ["/nodes/ventoux-1/qemu/110/status/reboot"]


def test_a_guest_that_does_not_come_back_is_no_success(monkeypatch):
    monkeypatch.setattr(steps, "START_PATIENCE_SECONDS", -1.0)
    with pytest.raises(StepFailed, match="was restarted and does not run again"):
        restart(monkeypatch, guest(running=True, waits=True), guest(running=False))
