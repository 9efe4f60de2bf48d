"""To which level a machine is hardened: what is nearest to it decides."""

from pathlib import Path

import pytest
import yaml

from provisioner.decide.machines import machines
from provisioner.decide.profile import profile
from provisioner.model.estate import Estate

CASES = yaml.safe_load(Path(__file__).with_name("profile.yml").read_text(encoding="utf-8"))
API = {"endpoints": ["https://10.1.0.11:8006"], "token": "root@pam!bastide", "secret": "env:SECRET"}


def estate(given):
    node = {"address": "10.1.0.11", "memory": "64G", "cores": 8} | given.get("node", {})
    guest = {"vmid": 100, "site": "north", "node": "n1", "memory": "1G"} | given.get("guest", {})
    service = {"title": "A", "tier": 0, "rpo": "1h", "rto": "1h", "guests": ["db"]}
    return Estate.model_validate(
        {
            "estate": "ours",
            "sites": {"north": {"cluster": "c", "api": API, "nodes": {"n1": node}} | given.get("site", {})},
            "guests": {"db": guest},
            "witness": {"address": "10.9.0.2"} | given.get("witness", {}),
            "services": {key: service | one for key, one in given.get("services", {}).items()},
            "policies": {"hardening": {"hard": {"level": "high"}, "soft": {"level": "minimal"}}},
            "hardening": given.get("hardening", {}),
        }
    )


@pytest.mark.parametrize("case", CASES, ids=[case["says"] for case in CASES])
def test_the_nearest_says_the_level(case):
    one = estate(case["given"])
    found = {machine.name: profile(machine, one) for machine in machines(one)}
    assert {name: f"{found[name].level} by {found[name].because}" for name in case["expected"]} == case[
        "expected"
    ]


def test_levels_are_numbered_from_one_and_each_holds_those_below():
    one = estate({"node": {"hardening": "minimal"}, "guest": {"hardening": "high"}})
    numbers = {machine.name: profile(machine, one).number for machine in machines(one)}
    assert (numbers["n1"], numbers["db"]) == (1, 4)
