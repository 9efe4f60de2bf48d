"""What may come in to a machine, as the estate's firewall says it."""

from pathlib import Path

import pytest
import yaml

from provisioner.decide.inbound import inbound
from provisioner.decide.machines import machines
from provisioner.model.estate import Estate

CASES = yaml.safe_load(Path(__file__).with_name("inbound.yml").read_text(encoding="utf-8"))
API = {"endpoints": ["https://10.1.0.11:8006"], "token": "root@pam!bastide", "secret": "env:SECRET"}
NAMES = {
    "enabled": True,
    "aliases": {"bastion": {"cidr": "10.1.0.50"}},
    "ipsets": {
        "management": {"entries": ["10.1.0.0/24"]},
        "servers": {"entries": ["10.1.20.0/24", "bastion"]},
        "nobody": {},
        "some": {"entries": [{"cidr": "10.1.20.0/24"}, {"cidr": "10.1.20.9", "nomatch": True}]},
    },
    "groups": {
        "bases": {
            "rules": [
                {"action": "ACCEPT", "macro": "PostgreSQL", "source": "dc/bastion"},
                {"action": "ACCEPT", "proto": "tcp", "dport": 5432, "source": "+dc/servers"},
            ]
        }
    },
}


def found(firewall=None, site=NAMES, node=None):
    """What comes in to the node n1, the guest db and the witness."""
    one = {"address": "10.1.0.11", "memory": "64G", "cores": 8, "firewall": node}
    estate = Estate.model_validate(
        {
            "estate": "ours",
            "sites": {"north": {"cluster": "c", "api": API, "nodes": {"n1": one}, "firewall": site}},
            "guests": {
                "db": {"vmid": 100, "site": "north", "node": "n1", "memory": "1G", "firewall": firewall}
            },
            "witness": {"address": "10.9.0.2"},
        }
    )
    return {machine.name: inbound(machine, estate) for machine in machines(estate)}


def told(one):
    return f"{one.protocol} {','.join(one.ports) or 'all'} from {','.join(one.sources) or 'anywhere'}"


@pytest.mark.parametrize("case", CASES, ids=[case["says"] for case in CASES])
def test_a_guest_lets_in_what_its_firewall_accepts(case):
    seen = found(case.get("firewall") or {"rules": case["rules"]})["db"]
    assert [told(one) for one in seen.accepted] == case.get("expected", [])
    assert case.get("unfiltered", "") in seen.unfiltered
    assert bool(seen.unfiltered) is ("unfiltered" in case)


def test_a_guest_without_a_firewall_is_not_cut_off_from_what_it_may_offer():
    assert "what it offers is not known" in found()["db"].unfiltered


def test_administration_comes_from_the_ip_set_management_and_from_anywhere_without_one():
    assert {one.administration for one in found({}).values()} == {("10.1.0.0/24",)}
    assert {one.administration for one in found({}, site=None).values()} == {()}


def test_the_witness_votes_with_the_nodes_and_keeps_the_records_of_whoever_has_an_address():
    votes, records = (told(one) for one in found()["witness"].accepted)
    assert votes == "tcp 5403 from 10.1.0.11/32"
    assert records == "tcp 2514 from 10.1.0.11/32"
    assert found()["witness"].unfiltered == ""


@pytest.mark.parametrize(
    ("site", "node", "reason"),
    [
        (NAMES, None, ""),
        (None, None, "sites.north.firewall is not enabled"),
        (NAMES | {"enabled": False}, None, "sites.north.firewall is not enabled"),
        (NAMES | {"policy_in": "ACCEPT"}, None, "sites.north.firewall accepts everything"),
        (NAMES, {"enabled": False}, "the firewall of node n1 is switched off"),
    ],
)
def test_a_node_says_whether_pve_firewall_filters_there(site, node, reason):
    assert found(site=site, node=node)["n1"].unfiltered.startswith(reason)
    assert bool(found(site=site, node=node)["n1"].unfiltered) is bool(reason)
