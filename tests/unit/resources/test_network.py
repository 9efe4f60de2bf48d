"""Interfaces and SDN: what is configured, what runs, and the activation between them."""

import pytest
from kind_cases import DIGEST, MARK, answers, estate, illegal, ref, scope, seen, wanted, work

from provisioner.model.objects import Mark
from provisioner.resources import interface, node_network, sdn, sdn_subnet, sdn_vnet, sdn_zone

BRIDGE = {
    "type": "bridge",
    "ports": ["bond0"],
    "address": "10.84.0.11/24",
    "gateway": "10.84.0.1",
    "comment": "in",
}
BOND = {"type": "bond", "slaves": ["eno2", "eno1"]}
NET = ref("node_network", "ventoux-1")


def wired(**interfaces):
    return estate({"nodes": {"ventoux-1": {"interfaces": interfaces}}})


def listed(**row):
    bridge = {
        "iface": "vmbr0",
        "type": "bridge",
        "bridge_ports": "bond0",
        "cidr": "10.84.0.11/24",
        "gateway": "10.84.0.1",
        "autostart": 1,
        "comments": f"in {MARK}\n",
    }
    return {"/nodes/ventoux-1/network": [{**bridge, **row}]}


def test_an_interface_is_made_after_those_below_it_and_activated_with_its_node():
    desired = wanted(interface.KIND, wired(vmbr0=BRIDGE, bond0=BOND), "ventoux-1/vmbr0")
    assert desired.requires == {ref("interface", "ventoux-1/bond0")}
    assert desired.activation == NET


def test_a_change_says_all_of_an_interface_for_what_is_left_out_goes():
    desired = wanted(interface.KIND, wired(vmbr0=BRIDGE), "ventoux-1/vmbr0")
    observed = seen(interface.KIND, listed(mtu="9000", bridge_ports="eno1"), "ventoux-1/vmbr0")
    (changed,) = interface.KIND.calls(work(interface.KIND, desired, observed))
    assert changed.params == {
        "type": "bridge",
        "cidr": "10.84.0.11/24",
        "gateway": "10.84.0.1",
        "autostart": 1,
        "comments": f"in {MARK}",
        "bridge_ports": "bond0",
        "delete": "mtu",
    }
    assert illegal([changed]) == {}


def test_several_ports_are_separated_by_spaces_as_the_file_has_them():
    (made,) = interface.KIND.calls(
        work(interface.KIND, wanted(interface.KIND, wired(bond0=BOND), "ventoux-1/bond0"), None)
    )
    assert made.params["slaves"] == "eno1 eno2"


@pytest.mark.parametrize(
    ("name", "given", "attributes"),
    [
        ("bond0.84", {}, {"raw_device": "bond0", "tag": 84}),
        ("vlan85", {"raw_device": "bond0"}, {"raw_device": "bond0", "tag": 85}),
        ("lab", {"raw_device": "bond0", "tag": 7}, {"raw_device": "bond0", "tag": 7}),
    ],
)
def test_a_vlan_is_told_by_its_name(name, given, attributes):
    desired = wanted(interface.KIND, wired(**{name: {"type": "vlan", **given}}), f"ventoux-1/{name}")
    assert attributes.items() <= desired.attributes.items()
    (made,) = interface.KIND.calls(work(interface.KIND, desired, None))
    assert ("vlan-id" in made.params) == ("." not in name)
    assert illegal([made]) == {}


@pytest.mark.parametrize(
    ("changes", "methods"), [(None, []), ("--- interfaces\n+++ interfaces.new\n", ["PUT"])]
)
def test_a_node_reloads_its_network_if_something_is_pending(changes, methods):
    found = {"/nodes/ventoux-1/network#changes": changes}
    (observed,) = node_network.KIND.parse(scope(NET), found)
    desired = wanted(node_network.KIND, wired(vmbr0=BRIDGE), "ventoux-1")
    calls = node_network.KIND.calls(work(node_network.KIND, desired, observed))
    assert [one.method for one in calls] == methods


def test_a_network_that_nobody_wants_is_there_only_while_something_is_pending():
    assert node_network.KIND.parse(scope(), {"/nodes/ventoux-1/network#changes": None}) == ()
    (observed,) = node_network.KIND.parse(scope(), {"/nodes/ventoux-1/network#changes": "+x"})
    assert [one.method for one in node_network.KIND.calls(work(node_network.KIND, None, observed))] == ["PUT"]


def test_the_nodes_of_a_site_reload_their_networks_one_after_another():
    wires = {name: {"interfaces": {"vmbr0": BRIDGE}} for name in ("ventoux-1", "ventoux-2")}
    first, second = node_network.KIND.desired(estate({"nodes": wires}), "carpentras")
    assert (first.ref, first.requires) == (NET, frozenset())
    assert (second.ref, second.requires) == (ref("node_network", "ventoux-2"), {NET})


def test_only_nodes_that_declare_interfaces_are_read():
    refs = {
        one.ref
        for kind in (interface.KIND, node_network.KIND)
        for one in kind.desired(wired(vmbr0=BRIDGE), "carpentras")
    }
    assert interface.KIND.reads(scope(*refs)) == ("/nodes/ventoux-1/network",)
    assert interface.KIND.reads(scope()) == ()


SDN = {
    "sdn": {
        "zones": {"z1": {"type": "simple"}},
        "vnets": {
            "v1": {"zone": "z1", "alias": "Imagerie", "subnets": {"10.77.0.0/24": {"gateway": "10.77.0.1"}}}
        },
    }
}
RUNNING = ref("sdn", "running")


def test_what_is_compared_is_the_configuration_in_force_or_not():
    found = answers(9)
    assert seen(sdn_zone.KIND, found, "new").attributes["nodes"] == ("ventoux-1", "ventoux-2")
    assert seen(sdn_zone.KIND, found, "vx").attributes["mtu"] is None
    assert seen(sdn_vnet.KIND, found, "v2").attributes["tag"] == 13
    assert seen(sdn_zone.KIND, found, "gone") is None
    assert seen(sdn_subnet.KIND, found, "v1/fd00::/64").attributes["gateway"] == "fd00::1"


def test_a_subnet_is_ours_if_its_vnet_is_and_goes_by_the_id_that_proxmox_gave_it():
    observed = seen(sdn_subnet.KIND, answers(9), "v1/10.77.0.0/24")
    assert observed.mark is Mark.OURS
    (gone,) = sdn_subnet.KIND.calls(work(sdn_subnet.KIND, None, observed))
    assert gone.path == "/cluster/sdn/vnets/v1/subnets/z1-10.77.0.0-24"
    desired = wanted(sdn_subnet.KIND, estate(SDN), "v1/10.77.0.0/24")
    (made,) = sdn_subnet.KIND.calls(work(sdn_subnet.KIND, desired, None))
    assert made.params == {"subnet": "10.77.0.0/24", "type": "subnet", "gateway": "10.77.0.1"}
    (changed,) = sdn_subnet.KIND.calls(work(sdn_subnet.KIND, desired, observed))
    assert changed.params == {"snat": 0}


def test_the_mark_of_a_vnet_is_in_its_alias():
    (made,) = sdn_vnet.KIND.calls(work(sdn_vnet.KIND, wanted(sdn_vnet.KIND, estate(SDN), "v1"), None))
    assert made.params == {"vnet": "v1", "zone": "z1", "alias": f"Imagerie {MARK}"}
    observed = seen(sdn_vnet.KIND, answers(9), "v1")
    assert (observed.attributes["alias"], observed.mark, observed.digest) == ("Imagerie", Mark.OURS, DIGEST)


def test_the_running_sdn_is_reloaded_if_any_of_its_objects_is_pending():
    desired = wanted(sdn.KIND, estate(SDN), "running")
    (pending,) = sdn.KIND.parse(scope(RUNNING), answers(9))
    (reload,) = sdn.KIND.calls(work(sdn.KIND, desired, pending))
    assert (reload.method, reload.path) == ("PUT", "/cluster/sdn")
    still = {
        "/cluster/sdn/zones?pending=1": [{"zone": "z1", "type": "simple"}],
        "/cluster/sdn/vnets?pending=1": [],
    }
    (quiet,) = sdn.KIND.parse(scope(RUNNING), still)
    assert sdn.KIND.calls(work(sdn.KIND, desired, quiet)) == ()
    assert sdn.KIND.parse(scope(), still) == ()


def test_subnets_of_wanted_vnets_count_when_the_running_sdn_is_looked_at_again():
    paths = sdn.KIND.refresh(scope(RUNNING, ref("sdn_vnet", "v1")), RUNNING, None)
    assert "/cluster/sdn/vnets/v1/subnets?pending=1" in paths
