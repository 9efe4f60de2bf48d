"""Which rules are broken by where guests run."""

import pytest
from decide_cases import cases, frozen, ref, wanted_and_seen

from provisioner.decide.placement import violations
from provisioner.model.objects import Desired

NODES = [
    {"name": "n1", "online": True},
    {"name": "n2", "online": True},
    {"name": "n3", "online": False},
]


@pytest.mark.parametrize(("given", "expected"), cases("placement.yaml"))
def test_the_rule(given, expected):
    _, seen = wanted_and_seen({**given, "nodes": NODES})
    rule = Desired(ref("ha_rule/keep"), "keep", frozen(given["rule"]))
    found = violations([rule, Desired(ref("vm/110"), "dpi-db", {})], seen)
    assert [one.message for one in found] == expected
    assert {one.ref for one in found} <= {rule.ref}
