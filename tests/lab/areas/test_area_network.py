"""Network interfaces of the simulated nodes."""

import pytest

NETWORK = "/nodes/pve1/network"


def names(rows):
    return {row["iface"] for row in rows}


def changes(site):
    answer = site.root("GET", NETWORK)
    return answer.body.get("changes", "")


def test_a_change_waits_for_the_reload(site, root):
    root.ok("POST", NETWORK, iface="vmbr1", type="bridge", autostart=1, cidr="10.9.0.1/24", comments="x")

    assert "active" not in root.get(f"{NETWORK}/vmbr1")
    assert "+iface vmbr1 inet static" in changes(site)

    upid = root.ok("PUT", NETWORK)

    assert upid.split(":")[5:7] == ["srvreload", "networking"]
    assert root.get(f"{NETWORK}/vmbr1")["active"] == 1
    assert changes(site) == ""


def test_a_revert_forgets_what_waits(site, root):
    root.ok("POST", NETWORK, iface="vmbr1", type="bridge")

    root.ok("DELETE", NETWORK)

    assert "vmbr1" not in names(root.get(NETWORK))
    assert changes(site) == ""


def test_an_update_keeps_what_it_does_not_name(root):
    root.ok("POST", NETWORK, iface="vmbr1", type="bridge", cidr="10.9.0.1/24", comments="x", mtu=9000)

    root.ok("PUT", f"{NETWORK}/vmbr1", type="bridge", cidr="10.9.0.2/24", delete="mtu")

    shown = root.get(f"{NETWORK}/vmbr1")
    assert (shown["address"], shown["netmask"], shown["comments"]) == ("10.9.0.2", "24", "x\n")
    assert "mtu" not in shown


def test_a_vlan_is_known_by_its_name_and_a_bond_has_its_defaults(root):
    root.ok("POST", NETWORK, iface="vmbr0.50", type="vlan", autostart=1)
    root.ok("POST", NETWORK, iface="bond0", type="bond", slaves="nic0 nic1")

    vlan, bond = root.get(f"{NETWORK}/vmbr0.50"), root.get(f"{NETWORK}/bond0")

    assert (vlan["vlan-raw-device"], vlan["vlan-id"]) == ("vmbr0", "50")
    assert (bond["bond_mode"], bond["slaves"]) == ("balance-rr", "nic0 nic1")


@pytest.mark.parametrize(
    ("options", "errors"),
    [
        ({"iface": "vmbr0", "type": "bridge"}, {"iface": "interface already exists"}),
        (
            {"iface": "vmbr1", "type": "bridge", "gateway": "10.9.0.254"},
            {"gateway": "Default gateway already exists on interface 'vmbr0'."},
        ),
        (
            {
                "iface": "vmbr1",
                "type": "bridge",
                "cidr": "10.9.0.1/24",
                "address": "10.9.0.2",
                "netmask": "255.255.255.0",
            },
            {"address": "address conflicts with cidr"},
        ),
    ],
)
def test_what_contradicts_is_refused(root, options, errors):
    assert root("POST", NETWORK, **options).errors == errors


def test_an_interface_that_is_not_there_is_named(root):
    for method, options in (("GET", {}), ("PUT", {"type": "bridge"}), ("DELETE", {})):
        assert root(method, f"{NETWORK}/vmbr9", **options).errors == {"iface": "interface does not exist"}


def test_the_list_is_filtered_by_kind(site, root):
    root.ok("POST", "/cluster/sdn/zones", zone="clinic", type="simple")
    root.ok("POST", "/cluster/sdn/vnets", vnet="imaging", zone="clinic")
    root.ok("PUT", "/cluster/sdn")

    assert names(root.get(NETWORK, type="eth")) == {"nic0", "nic1"}
    assert names(root.get(NETWORK, type="any_local_bridge")) == {"vmbr0"}
    assert names(root.get(NETWORK, type="any_bridge")) == {"vmbr0", "imaging"}


def test_a_guest_starts_on_a_new_bridge_only_after_the_reload(root):
    root.ok("POST", NETWORK, iface="vmbr1", type="bridge")
    root.ok("POST", "/nodes/pve1/qemu", vmid=100, memory=64, net0="virtio,bridge=vmbr1")

    early = root.ok("POST", "/nodes/pve1/qemu/100/status/start")
    root.ok("PUT", NETWORK)
    late = root.ok("POST", "/nodes/pve1/qemu/100/status/start")

    assert "bridge 'vmbr1' does not exist" in root.get(f"/nodes/pve1/tasks/{early}/status")["exitstatus"]
    assert root.get(f"/nodes/pve1/tasks/{late}/status")["exitstatus"] == "OK"


def test_nodes_have_interfaces_and_addresses_of_their_own(root):
    root.ok("POST", NETWORK, iface="vmbr1", type="bridge")

    assert names(root.get("/nodes/pve2/network")) == {"nic0", "vmbr0", "nic1"}
    addresses = {root.get(f"/nodes/{node}/network/vmbr0")["address"] for node in ("pve1", "pve2", "pve3")}
    assert len(addresses) == 3


def test_the_file_of_a_node_is_written_without_quorum(site, root):
    site.lose_quorum()

    root.ok("POST", NETWORK, iface="vmbr1", type="bridge")
