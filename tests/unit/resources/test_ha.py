"""High availability: resources on both versions, rules of 9, groups of 8."""

import pytest
from kind_cases import DIGEST, HA, MARK, estate, illegal, ref, scope, seen, wanted, work

from provisioner.decide.diff import change_for
from provisioner.model.plan import Action
from provisioner.resources import ha_group, ha_resource, ha_rule

GUESTS = {"dpi-db": {"ha": {"max_restart": 2, "group": "both"}}, "dns": {"ha": {}}}
RULES = {
    "ha": {
        "groups": {"both": {"nodes": {"ventoux-1": 2, "ventoux-2": None}}},
        "rules": {
            "home": {
                "type": "node-affinity",
                "guests": ["dpi-db"],
                "nodes": {"ventoux-1": 2, "ventoux-2": 0},
            },
            "apart": {"type": "resource-affinity", "guests": ["dpi-db", "dns"], "affinity": "negative"},
        },
    }
}


@pytest.mark.parametrize(("version", "names"), [(9, {"failback"}), (8, {"group"})])
def test_a_resource_has_the_settings_of_its_version(version, names):
    desired = wanted(ha_resource.KIND, estate(RULES, GUESTS, version=version), "vm:110")
    assert set(desired.attributes) == {"state", "max_restart", "max_relocate", "comment"} | names
    (made,) = ha_resource.KIND.calls(work(ha_resource.KIND, desired, None, version=version))
    assert ("group" in made.params) == (version == 8)
    assert ref("vm", "110") in desired.requires


def test_enabled_is_an_old_word_for_started():
    observed = seen(ha_resource.KIND, HA[9], "vm:110")
    assert observed.attributes["state"] == "started"


def test_a_version_has_either_rules_or_groups():
    for version, rules, groups in ((9, {"home", "apart"}, set()), (8, set(), {"both"})):
        document = estate(RULES, GUESTS, version=version)
        assert {one.ref.id for one in ha_rule.KIND.desired(document, "carpentras")} == rules
        assert {one.ref.id for one in ha_group.KIND.desired(document, "carpentras")} == groups
        assert bool(ha_rule.KIND.reads(scope(version=version))) == bool(rules)
        assert bool(ha_group.KIND.reads(scope(version=version))) == bool(groups)


def test_a_rule_waits_for_its_resources():
    desired = wanted(ha_rule.KIND, estate(RULES, GUESTS), "apart")
    assert desired.requires == {ref("ha_resource", "vm:110"), ref("ha_resource", "ct:120")}


def rule(**changed):
    row = {
        "rule": "home",
        "type": "node-affinity",
        "nodes": "ventoux-2,ventoux-1:2",
        "resources": "vm:110",
        "comment": MARK,
        "digest": DIGEST,
    }
    return seen(ha_rule.KIND, {"/cluster/ha/rules": [{**row, **changed}]}, "home")


def test_a_priority_of_0_is_none_and_order_does_not_matter():
    desired = wanted(ha_rule.KIND, estate(RULES, GUESTS), "home")
    assert ha_rule.KIND.calls(work(ha_rule.KIND, desired, rule(nodes="ventoux-1:2,ventoux-2:0"))) == ()


def test_every_change_of_a_rule_says_its_type():
    desired = wanted(ha_rule.KIND, estate(RULES, GUESTS), "home")
    (changed,) = ha_rule.KIND.calls(work(ha_rule.KIND, desired, rule(disable=1, resources="vm:110,ct:120")))
    assert changed.params == {
        "type": "node-affinity",
        "resources": "vm:110",
        "delete": "disable",
        "digest": DIGEST,
    }
    assert illegal([changed]) == {}


def test_a_rule_of_another_type_is_replaced():
    desired = wanted(ha_rule.KIND, estate(RULES, GUESTS), "home")
    other = rule(type="resource-affinity", affinity="positive", resources="vm:110,ct:120")
    assert change_for(desired, other, ha_rule.KIND.traits).action is Action.REPLACE


def test_guests_of_adopted_rules_are_numbers_until_names_are_known():
    fragment = ha_rule.KIND.adopt(scope(), (rule(),))
    assert fragment["ha"]["rules"]["home"] == {
        "type": "node-affinity",
        "guests": ["110"],
        "nodes": {"ventoux-1": 2, "ventoux-2": None},
    }


def test_a_resource_that_differs_in_nothing_is_adopted_as_a_bare_one():
    fragment = ha_resource.KIND.adopt(scope(version=8), (seen(ha_resource.KIND, HA[8], "ct:120", version=8),))
    assert fragment == {"guests": {"120": {"ha": {}}}}
