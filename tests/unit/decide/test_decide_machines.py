"""Which machines an estate has, and where each is reached."""

from pathlib import Path

import yaml

from provisioner.decide.machines import machines
from provisioner.estate.load import load
from provisioner.model.estate import Estate

ROOT = Path(__file__).parents[3]
NODE = {"address": "10.1.0.11", "memory": "64G", "cores": 8}
API = {"endpoints": ["https://10.1.0.11:8006"], "token": "root@pam!bastide", "secret": "env:SECRET"}


def site(*nodes, network=1):
    return {
        "cluster": "c",
        "api": API,
        "nodes": {name: NODE | {"address": f"10.{network}.0.{11 + at}"} for at, name in enumerate(nodes)},
    }


def estate(**more):
    return Estate.model_validate({"estate": "ours", "sites": {"north": site("n1")}} | more)


def guest(text="{}", **more):
    return {"vmid": 100, "site": "north", "node": "n1", "memory": "1G"} | yaml.safe_load(text) | more


def found(one):
    return {machine.name: machine for machine in machines(one)}


def test_nodes_guests_and_the_witness_are_machines():
    one = estate(guests={"db": guest()}, witness={"address": "10.9.0.2"})
    kinds = {machine.name: (machine.kind, machine.site) for machine in machines(one)}
    assert kinds == {"n1": ("node", "north"), "db": ("vm", "north"), "witness": ("witness", None)}


def test_a_template_is_no_machine():
    assert set(found(estate(guests={"debian": guest(template=True)}))) == {"n1"}


def test_the_first_fixed_address_is_where_a_guest_is_reached():
    cards = """
    nics:
      net10: { bridge: vmbr0, address: 10.1.0.99/24 }
      net2: { bridge: vmbr0, address: 10.1.0.22/24 }
      net0: { bridge: vmbr0, address: dhcp }
    """
    assert found(estate(guests={"db": guest(cards)}))["db"].address == "10.1.0.22"


def test_a_guest_with_ipv6_alone_is_reached_by_it():
    cards = "nics: { net0: { bridge: vmbr0, address6: 'fd00::5/64' } }"
    assert found(estate(guests={"db": guest(cards)}))["db"].address == "fd00::5"


def test_a_guest_without_a_fixed_address_is_reached_by_its_dns_name():
    one = estate(
        guests={"db": guest(name="db.example"), "app": guest("nics: { net0: { bridge: b0, address: dhcp } }")}
    )
    assert (found(one)["db"].address, found(one)["app"].address) == ("db.example", "app")


def test_a_virtual_machine_is_entered_as_the_user_that_cloud_init_made():
    one = estate(
        ssh={"user": "admin"},
        guests={
            "db": guest(cloud_init={"user": "debian"}),
            "app": guest(cloud_init={}),
            "dns": guest(kind="ct"),
        },
    )
    users = {name: machine.user for name, machine in found(one).items()}
    assert users == {"n1": "admin", "db": "debian", "app": "admin", "dns": "admin"}


def test_machines_of_one_name_are_told_apart_by_their_place():
    one = estate(
        sites={"north": site("pve1", "witness"), "south": site("pve1", "db", network=2)},
        guests={"db": guest(node="pve1")},
        witness={"address": "10.9.0.2"},
    )
    assert {name: machine.address for name, machine in found(one).items()} == {
        "pve1.north": "10.1.0.11",
        "witness.north": "10.1.0.12",
        "pve1.south": "10.2.0.11",
        "db.south": "10.2.0.12",
        "db": "db",
        "witness.ours": "10.9.0.2",
    }


def test_every_machine_of_the_example_estates_has_a_name_of_its_own():
    for name in ("synergia", "lab"):
        one = load(ROOT / "inventory" / name).estate
        seen = machines(one)
        assert len({machine.name for machine in seen}) == len(seen)
        assert len(seen) == sum(len(site.nodes) for site in one.sites.values()) + len(one.guests) - 2 + 1
