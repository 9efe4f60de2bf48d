"""What was seen and adopted is what is then wanted, for every kind but guests, on both versions."""

from dataclasses import replace

import pytest
from kind_cases import SITE, VERSIONS, answers, estate, illegal, merged, scope, work

from provisioner.decide.diff import differing
from provisioner.resources.catalogue import BY_NAME, KINDS
from provisioner.workflows.adopt import _named

GUESTS = {"vm", "ct"}
ACTIVATIONS = {"sdn", "node_network"}
KIND_NAMES = sorted(set(BY_NAME) - GUESTS)
NOT_ADOPTED = {
    "storage": {"old"},  # a type that the model lacks
    "replication": {"120-0"},  # on its way out
}
ONLY = {8: {"ha_rule"}, 9: {"ha_group"}}
"""Kinds that a version has not."""
NAMES = {"110": "dpi-db", "120": "dns"}


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def adopted(version):
    """The estate that was adopted from the answers."""
    whole, here, found = {}, scope(version=version, everything=True), answers(version)
    for kind in KINDS:
        if kind.traits.kind not in GUESTS:
            whole = merged(whole, kind.adopt(here, kind.parse(here, found)))
    guests = {NAMES[vmid]: part for vmid, part in whole.pop("guests").items()}
    return estate(_named(whole, NAMES), guests, version=version)


@pytest.mark.parametrize("name", KIND_NAMES)
def test_what_is_adopted_is_wanted_as_it_was_seen(name, adopted, version):
    kind = BY_NAME[name]
    desired = {one.ref: one for one in kind.desired(adopted, SITE)}
    observed = kind.parse(scope(*desired, version=version, everything=True), answers(version))
    left = {one.ref.id for one in observed if one.ref not in desired}
    assert left == (NOT_ADOPTED.get(name, set()) if name not in ACTIVATIONS else left)
    for one in observed:
        if one.ref in desired and name not in ACTIVATIONS:
            assert differing(desired[one.ref], one, kind.traits) == ()


@pytest.mark.parametrize("name", KIND_NAMES)
def test_a_kind_that_a_version_has_is_seen_there(name, version):
    kind = BY_NAME[name]
    desired = {one.ref for one in kind.desired(estate(version=version), SITE)}
    observed = kind.parse(scope(*desired, version=version, everything=True), answers(version))
    assert bool(observed) == (name not in ONLY[version] | {"node_network"})


@pytest.mark.parametrize("name", KIND_NAMES)
def test_every_object_can_be_made_changed_and_removed_by_legal_calls(name, adopted, version):
    kind = BY_NAME[name]
    for desired in kind.desired(adopted, SITE):
        assert illegal(kind.calls(work(kind, desired, None, version=version))) == {}
    observed = kind.parse(scope(version=version, everything=True), answers(version))
    for one in observed:
        assert illegal(kind.calls(work(kind, None, one, version=version))) == {}


@pytest.mark.parametrize("name", KIND_NAMES)
def test_every_object_can_become_any_other_of_its_kind_by_legal_calls(name, adopted, version):
    kind = BY_NAME[name]
    for desired in kind.desired(adopted, SITE):
        for other in kind.parse(scope(version=version, everything=True), answers(version)):
            observed = replace(other, ref=desired.ref)
            changed = {one.name for one in differing(desired, observed, kind.traits)}
            if not any(kind.traits.matches(one, kind.traits.immutable) for one in changed):
                assert illegal(kind.calls(work(kind, desired, observed, version=version))) == {}


@pytest.mark.parametrize("name", KIND_NAMES)
def test_an_object_that_is_as_wanted_needs_no_call(name, adopted, version):
    kind = BY_NAME[name]
    desired = {one.ref: one for one in kind.desired(adopted, SITE)}
    for one in kind.parse(scope(*desired, version=version, everything=True), answers(version)):
        if one.ref in desired and name not in ACTIVATIONS:
            assert kind.calls(work(kind, desired[one.ref], one, version=version)) == ()
