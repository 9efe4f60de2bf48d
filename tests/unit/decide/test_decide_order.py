"""Which step comes when, what it waits for, and what binds it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from decide_cases import TRAITS, cases, ref, wanted_and_seen

from provisioner.decide.diff import diff
from provisioner.decide.order import contained, make_plan
from provisioner.errors import BastideError

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def planned(given):
    wanted, seen = wanted_and_seen(given)
    return make_plan("synergia", [diff(wanted, seen, TRAITS)], TRAITS, created=NOW)


def short(place):
    return f"{place.kind}/{place.id}"


def told(step):
    after = ", ".join(sorted(map(short, step.requires)))
    return f"{step.change.action} {short(step.ref)}" + (f" after {after}" if after else "")


@pytest.mark.parametrize(("given", "expected"), cases("order.yaml"))
def test_the_plan_is(given, expected):
    plan = planned(given)
    assert [told(step) for step in plan.steps] == expected["steps"]
    assert dict(plan.unknown) == {ref(text): why for text, why in expected.get("unknown", {}).items()}
    assert {one.reason for one in plan.blockers} == set(expected.get("blockers", []))


def test_a_cycle_is_an_error_that_names_it():
    given = {
        "desired": {
            "vm/1": {"requires": ["vm/2"]},
            "vm/2": {"requires": ["vm/3"]},
            "vm/3": {"requires": ["vm/2"]},
        }
    }
    with pytest.raises(BastideError, match="carpentras/vm/2 → carpentras/vm/3 → carpentras/vm/2"):
        planned(given)


def one_change(**seen):
    given = {
        "desired": {"vm/110": {"attributes": {"cores": 4}}},
        "observed": {"vm/110": {"attributes": {"cores": 2}, **seen}},
    }
    return planned(given)


def approved(plan):
    return {step.ref: step.digest for step in plan.steps}


def test_the_same_change_to_the_same_object_has_the_same_digest():
    assert one_change(digest="abc").digest == one_change(digest="abc").digest
    assert contained(one_change(digest="abc"), approved(one_change(digest="abc"))) == ()


def test_a_foreign_change_of_the_object_is_noticed():
    assert contained(one_change(digest="abd"), approved(one_change(digest="abc"))) == (ref("vm/110"),)


def test_what_only_matters_at_creation_is_approved_too():
    row = {"at_creation": {"image": "local:import/debian-12.qcow2"}, "secrets": {"password": "env:A"}}
    plan = planned({"desired": {"vm/110": row}})
    other_image = {**row, "at_creation": {"image": "local:import/debian-13.qcow2"}}
    other_secret = {**row, "secrets": {"password": "env:B"}}
    for other in (other_image, other_secret):
        assert contained(planned({"desired": {"vm/110": other}}), approved(plan)) == (ref("vm/110"),)


def test_a_plan_of_which_a_part_is_done_is_contained_in_the_approved_one():
    row = {"activation": "sdn/all"}
    whole = planned({"desired": {"vnet/a": row, "vnet/b": row}})
    rest = planned({"desired": {"vnet/b": row}})
    assert contained(rest, approved(whole)) == ()
    assert contained(whole, approved(rest)) == (ref("vnet/a"),)


def test_an_activation_that_an_interrupted_run_left_is_the_step_that_was_approved():
    wanted = {"vnet/a": {"activation": "sdn/all"}, "sdn/all": {"attributes": {"pending": False}}}
    whole = planned({"desired": wanted, "observed": {"sdn/all": {"attributes": {"pending": False}}}})
    seen = {"vnet/a": {"activation": "sdn/all"}, "sdn/all": {"attributes": {"pending": True}, "digest": "1"}}
    rest = planned({"desired": wanted, "observed": seen})
    assert [told(step) for step in rest.steps] == ["activate sdn/all"]
    assert contained(rest, approved(whole)) == ()


def test_plans_of_two_estates_differ():
    wanted, seen = wanted_and_seen({"desired": {"vm/110": {}}})
    found = [diff(wanted, seen, TRAITS)]
    assert (
        make_plan("a", found, TRAITS, created=NOW).digest != make_plan("b", found, TRAITS, created=NOW).digest
    )


def test_two_sites_are_planned_in_the_order_of_their_names():
    wanted, seen = wanted_and_seen({"desired": {"vm/110": {}}})
    there = [replace(one, ref=replace(one.ref, site="cavaillon")) for one in wanted]
    found = [diff(there, replace(seen, site="cavaillon"), TRAITS), diff(wanted, seen, TRAITS)]
    plan = make_plan("synergia", found, TRAITS, created=NOW)
    assert [step.ref.site for step in plan.steps] == ["carpentras", "cavaillon"]
