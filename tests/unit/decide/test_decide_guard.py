"""Why a plan is not applied, and what lifts each reason."""

from dataclasses import replace
from datetime import date

import pytest
from decide_cases import MONDAY_NOON, TRAITS, cases, ref, wanted_and_seen

from provisioner.decide.allowance import BadAllowance
from provisioner.decide.diff import diff
from provisioner.decide.guard import Allowance, Identity, blockers, may_restart, with_restarts
from provisioner.decide.order import make_plan
from provisioner.model.base import GIB
from provisioner.model.estate import Estate
from provisioner.model.observation import NodeSeen

NODES = tuple(NodeSeen(name, online=True, memory_bytes=64 * GIB, cores=16) for name in ("a", "b", "c"))


def guest(vmid, **more):
    return {"vmid": vmid, "site": "carpentras", "node": "a", "memory": "24G", **more}


def service(name, tier, **more):
    return {"title": name, "tier": tier, "rpo": "1h", "rto": "4h", "guests": [name], **more}


ESTATE = Estate.model_validate(
    {
        "estate": "synergia",
        "sites": {
            "carpentras": {
                "cluster": "ventoux",
                "api": {
                    "endpoints": ["https://127.0.0.1:8006"],
                    "token": "bastide@pve!plan",
                    "secret": "env:TOKEN",
                },
                "nodes": {
                    name: {"address": "10.0.0.1", "memory": "64G", "cores": 16} for name in ("a", "b", "c")
                },
            }
        },
        "windows": {"nights": {"start": "22:00", "end": "05:00"}},
        "guests": {
            "dpi": guest(110),
            "imaging": guest(120),
            "archive": guest(130),
            "print": guest(140),
            "debian": guest(900, template=True),
        },
        "services": {
            "dpi": service("dpi", 0, window="nights"),
            "imaging": service("imaging", 2),
            "archive": service("archive", 3),
        },
    }
)


def difference(given):
    wanted, seen = wanted_and_seen(given)
    return diff(wanted, seen, TRAITS), replace(seen, nodes=NODES)


def guarded(given, *, nodes=NODES):
    found, seen = difference(given)
    return blockers(
        make_plan("synergia", [found], TRAITS, created=MONDAY_NOON),
        Allowance.parse(given.get("allow", ()), break_glass=given.get("break_glass", "")),
        {"carpentras": replace(seen, nodes=nodes)},
        ESTATE,
        now=MONDAY_NOON,
        holidays=frozenset({date(2026, 11, 11)}),
        identities={"carpentras": Identity.of(ESTATE.sites["carpentras"].api)},
    )


@pytest.mark.parametrize(("given", "expected"), cases("guard.yaml"))
def test_the_guard_says(given, expected):
    found = guarded(given)
    assert [one.kind for one in found] == [kind for kind, _, _ in expected]
    for one, (_, reason, hint) in zip(found, expected, strict=True):
        assert reason in one.reason
        assert hint in one.hint


def test_nodes_that_are_offline_carry_nothing():
    given = {"desired": {"vm/110": {}, "vm/120": {}, "vm/130": {}}}
    assert guarded(given) == ()
    two_left = (replace(NODES[0], online=False, memory_bytes=0), *NODES[1:])
    (blocker,) = guarded(given, nodes=two_left)
    assert "without its largest node it has 64G" in blocker.reason


def test_a_single_node_has_no_other_to_lose():
    assert guarded({"desired": {"vm/110": {}, "vm/120": {}}}, nodes=NODES[:1]) == ()


WAITING = {
    "desired": {"vm/140": {"label": "print", "attributes": {"cpu": "host"}}},
    "observed": {"vm/140": {"attributes": {"cpu": "host"}, "active": {"cpu": "kvm64"}, "running": True}},
}


def test_a_guest_that_waits_is_restarted_only_where_that_is_allowed():
    found, _ = difference(WAITING)
    plan = make_plan("synergia", [found], TRAITS, created=MONDAY_NOON)
    assert plan.steps == with_restarts(plan, [found], Allowance.parse(["restart=dpi"])).steps == ()
    allowed = Allowance.parse(["restart=print"])
    more = with_restarts(plan, [found], allowed)
    assert [(step.ref, step.change.action) for step in more.steps] == [(ref("vm/140"), "restart")]
    assert may_restart(more.steps[0], allowed)
    assert more.digest != plan.digest


def test_a_permission_to_restart_is_of_no_use_to_a_step_without_need():
    found, _ = difference({"desired": {"vm/140": {}}})
    plan = make_plan("synergia", [found], TRAITS, created=MONDAY_NOON)
    assert not may_restart(plan.steps[0], Allowance.parse(["restart=*"]))


@pytest.mark.parametrize("text", ["destroy", "destroy=", "shrink= "])
def test_a_permission_without_a_name_says_how_to_name(text):
    with pytest.raises(BadAllowance, match="does not say what") as caught:
        Allowance.parse([text])
    assert "=carpentras/vm/110" in caught.value.hint


def test_a_permission_for_something_unheard_of_names_those_that_exist():
    with pytest.raises(BadAllowance, match="'reboot'") as caught:
        Allowance.parse(["reboot=dpi"])
    assert "destroy, shrink, restart" in caught.value.hint
