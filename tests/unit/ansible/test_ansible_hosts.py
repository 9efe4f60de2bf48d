"""An estate as Ansible's hosts and groups, and the options that keep ssh strict."""

import shlex
from pathlib import Path

import pytest

from provisioner.ansible.hosts import COLLECTIONS, hosts
from provisioner.ansible.strict_ssh import strict_ssh_args
from provisioner.estate.load import load

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "inventory" / "synergia"


@pytest.fixture(scope="module")
def found():
    return {host.name: host for host in hosts(load(FOLDER).estate, FOLDER)}


def placed(host):
    return {(group.name, group.within) for group in host.groups}


def test_a_guest_is_in_the_groups_of_its_site_kind_and_services(found):
    assert placed(found["dpi-db"]) == {
        ("guests", ""),
        ("site_carpentras", "sites"),
        ("kind_vm", "kinds"),
        ("service_patient_record", "services"),
        ("tier_0", "tiers"),
        ("replication_streaming", "policies"),
        ("backup_hourly", "policies"),
        ("hardening_standard", "policies"),
        ("profile_intermediary", "profiles"),
    }


def test_a_node_is_in_the_groups_of_nodes_and_of_its_site(found):
    assert placed(found["luberon-2"]) == {
        ("nodes", ""),
        ("site_cavaillon", "sites"),
        ("profile_minimal", "profiles"),
    }


def test_the_witness_is_at_no_site(found):
    assert placed(found["witness"]) == {("witnesses", ""), ("profile_minimal", "profiles")}
    assert "bastide_site" not in found["witness"].variables


def test_every_name_of_a_group_is_an_identifier_and_no_host_is_called_so(found):
    named = {group.name for host in found.values() for group in host.groups} | set(COLLECTIONS)
    assert all(name.isidentifier() for name in named)
    assert not named & set(found)


def test_a_host_says_what_the_estate_knows_of_it(found):
    said = {key: value for key, value in found["ca-pacs"].variables.items() if key.startswith("bastide_")}
    assert said == {
        "bastide_estate": "synergia",
        "bastide_kind": "vm",
        "bastide_services": ["imaging"],
        "bastide_site": "carpentras",
        "bastide_cluster": "ventoux",
        "bastide_vmid": 120,
        "bastide_node": "ventoux-3",
        "bastide_tier": 1,
        "bastide_profile": "minimal",
        "bastide_level": 1,
        "bastide_profile_because": "the estate",
        "bastide_administration": ["10.84.0.0/24", "10.184.0.50/32"],
        "bastide_inbound": [
            {
                "name": "tcp 2575,11112",
                "protocol": "tcp",
                "ports": ["2575", "11112"],
                "from": [
                    "10.84.20.0/24",
                    "10.84.40.0/24",
                    "10.84.50.0/24",
                    "10.184.20.0/24",
                ],
            },
            {"name": "SSH", "protocol": "tcp", "ports": ["22"], "from": ["10.84.0.50/32"]},
            {"name": "tcp 9100", "protocol": "tcp", "ports": ["9100"], "from": ["10.84.0.51/32"]},
        ],
    }


def test_a_node_knows_the_nodes_that_it_speaks_with(found):
    assert found["luberon-2"].variables["bastide_peers"] == ["10.184.0.11", "10.184.0.12", "10.184.0.13"]
    assert "bastide_peers" not in found["ca-pacs"].variables


def test_a_host_that_is_not_filtered_says_why(found):
    assert "what it offers is not known" in found["dpi-replica"].variables["bastide_unfiltered"]
    assert "bastide_inbound" not in found["dpi-replica"].variables


def test_a_node_has_no_rules_of_its_own_beside_those_of_pve_firewall(found):
    assert found["luberon-2"].variables["bastide_administration"] == ["10.184.0.0/24", "10.84.0.50/32"]
    assert not {"bastide_inbound", "bastide_unfiltered"} & set(found["luberon-2"].variables)


def test_only_root_needs_no_sudo(found):
    for host in found.values():
        assert host.variables["ansible_become"] is (host.variables["ansible_user"] != "root")


def test_every_host_is_checked_against_the_key_that_is_pinned_under_its_name(found):
    for name, host in found.items():
        options = shlex.split(str(host.variables["ansible_ssh_args"]))
        assert options[:2] == ["-o", "StrictHostKeyChecking=yes"]
        assert f"HostKeyAlias={name}" in options
        assert f'UserKnownHostsFile="{FOLDER / "known_hosts"}"' in options
        assert host.variables["ansible_host_key_checking"] is True


@pytest.mark.parametrize("name", ["plain", "two words", "100%", 'a "quoted" one', "back\\slash", "it's"])
def test_a_file_of_host_keys_may_have_any_name(name, tmp_path, ssh_config):
    wanted = tmp_path / name / "known_hosts"
    seen = ssh_config(shlex.split(strict_ssh_args("db", wanted)))
    assert seen["userknownhostsfile"].replace("%%", "%") == str(wanted)
    assert seen["stricthostkeychecking"] == "true"
    assert seen["hostkeyalias"] == "db"


def test_no_later_option_turns_the_check_off(tmp_path, ssh_config):
    strict = shlex.split(strict_ssh_args("db", tmp_path / "known_hosts"))
    seen = ssh_config([*strict, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
    assert seen["stricthostkeychecking"] == "true"
    assert seen["userknownhostsfile"] == str(tmp_path / "known_hosts")
