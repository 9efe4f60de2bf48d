"""Zones, VNets and subnets of the simulated API, and their way from written to running."""

import pytest

SDN = "/cluster/sdn"


@pytest.fixture
def written(root):
    """A zone with a VNet and a subnet, not applied."""
    root.ok("POST", f"{SDN}/zones", zone="clinic", type="vlan", bridge="vmbr0")
    root.ok("POST", f"{SDN}/vnets", vnet="imaging", zone="clinic", tag=20)
    root.ok("POST", f"{SDN}/vnets/imaging/subnets", subnet="10.77.0.0/24", type="subnet", gateway="10.77.0.1")


def apply(site, root):
    root.ok("PUT", SDN)
    site.settled()


def test_what_is_written_runs_only_once_it_is_applied(site, root, written):
    assert root.get(f"{SDN}/zones", running=1) == []
    assert root.get(f"{SDN}/zones", pending=1)[0]["state"] == "new"

    apply(site, root)

    assert [zone["zone"] for zone in root.get(f"{SDN}/zones", running=1)] == ["clinic"]
    assert "state" not in root.get(f"{SDN}/zones", pending=1)[0]


def test_a_change_shows_what_is_pending(site, root, written):
    apply(site, root)

    root.ok("PUT", f"{SDN}/vnets/imaging", tag=21, alias="X-ray")

    row = root.get(f"{SDN}/vnets", pending=1)[0]
    assert (row["state"], row["tag"], row["pending"]) == ("changed", 20, {"tag": 21, "alias": "X-ray"})
    assert root.get(f"{SDN}/vnets/imaging")["tag"] == 21


def test_what_is_deleted_runs_until_it_is_applied(site, root, written):
    apply(site, root)
    root.ok("DELETE", f"{SDN}/vnets/imaging/subnets/clinic-10.77.0.0-24")
    root.ok("DELETE", f"{SDN}/vnets/imaging")

    assert root.get(f"{SDN}/vnets") == []
    assert root.get(f"{SDN}/vnets", pending=1)[0]["state"] == "deleted"

    apply(site, root)
    assert root.get(f"{SDN}/vnets", pending=1) == []


def test_a_rollback_forgets_what_was_not_applied(root, written):
    root.ok("POST", f"{SDN}/rollback")

    assert root.get(f"{SDN}/zones") == []


def test_a_subnet_says_what_its_id_means(root, written):
    row = root.get(f"{SDN}/vnets/imaging/subnets")[0]

    assert row["subnet"] == "clinic-10.77.0.0-24"
    assert (row["cidr"], row["zone"], row["vnet"]) == ("10.77.0.0/24", "clinic", "imaging")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("vnets/imaging", "Can't delete vnet if subnets exists"),
        ("zones/clinic", "delete sdn zone object failed: zone clinic is used by vnet imaging"),
    ],
)
def test_what_is_in_use_is_not_deleted(root, written, path, why):
    assert why in root("DELETE", f"{SDN}/{path}").message


@pytest.mark.parametrize(
    ("path", "options", "why"),
    [
        ("zones", {"zone": "z2", "type": "vlan"}, "missing value for required option 'bridge'"),
        ("vnets", {"vnet": "v2", "zone": "clinic"}, "missing vlan tag"),
        ("vnets", {"vnet": "v2", "zone": "clinic", "tag": 20}, "tag 20 already exist in zone clinic"),
        ("vnets", {"vnet": "v2", "zone": "nope"}, "sdn zone 'nope' does not exist"),
        (
            "vnets/imaging/subnets",
            {"subnet": "10.78.0.0/24", "type": "subnet", "gateway": "10.9.9.9"},
            "10.9.9.9 is not in subnet 10.78.0.0/24",
        ),
    ],
)
def test_what_does_not_fit_is_refused(root, written, path, options, why):
    assert why in root("POST", f"{SDN}/{path}", **options).message


def test_a_guest_starts_on_a_vnet_once_it_runs(site, root, written):
    root.ok("POST", "/nodes/pve1/qemu", vmid=100, memory=64, net0="virtio,bridge=imaging")

    early = root.ok("POST", "/nodes/pve1/qemu/100/status/start")
    assert "bridge 'imaging' does not exist" in root.get(f"/nodes/pve1/tasks/{early}/status")["exitstatus"]

    apply(site, root)
    late = root.ok("POST", "/nodes/pve1/qemu/100/status/start")
    assert root.get(f"/nodes/pve1/tasks/{late}/status")["exitstatus"] == "OK"


def test_a_zone_is_only_where_its_nodes_are(site, root):
    root.ok("POST", f"{SDN}/zones", zone="here", type="simple", nodes="pve1")
    root.ok("POST", f"{SDN}/vnets", vnet="vlocal", zone="here")
    apply(site, root)

    assert [zone["zone"] for zone in root.get("/nodes/pve1/sdn/zones")] == ["localnetwork", "here"]
    assert [zone["zone"] for zone in root.get("/nodes/pve2/sdn/zones")] == ["localnetwork"]
    rows = [row for row in root.get("/cluster/resources") if row["type"] == "network"]
    assert [row["node"] for row in rows if row["network"] == "here"] == ["pve1"]


def test_users_see_the_networks_that_they_may_use(site, root, written):
    root.ok("POST", "/access/users", userid="bob@pve", password="Secret123")
    bob = site.login("bob@pve", "Secret123")
    assert bob.get(f"{SDN}/vnets") == []

    root.ok("PUT", "/access/acl", path="/sdn/zones/clinic", roles="PVESDNUser", users="bob@pve")

    assert [vnet["vnet"] for vnet in bob.get(f"{SDN}/vnets")] == ["imaging"]
    refused = bob("PUT", f"{SDN}/vnets/imaging", tag=30)
    assert "/sdn/zones/clinic/imaging, SDN.Allocate" in refused.message


def test_nothing_is_written_without_quorum(site, root):
    site.lose_quorum()

    refused = root("POST", f"{SDN}/zones", zone="clinic", type="simple")

    assert refused.reason == "create sdn zone object failed: cfs-lock 'domain-sdn' error: no quorum!"
