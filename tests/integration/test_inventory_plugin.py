"""Ansible itself reads the estate."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from provisioner.ansible import INVENTORY_PLUGINS

ROOT = Path(__file__).parents[2]

ESTATE = """
estate: small
ssh: { key: id_ed25519 }
sites:
  north:
    cluster: c
    api: { endpoints: ["https://127.0.0.1:8006"], token: root@pam!bastide, secret: env:SECRET }
    spare_nodes: 0
    nodes: { n1: { address: 127.0.0.1, memory: 64G, cores: 8 } }
"""


def ansible(program, *arguments, cwd, env=()):
    """A program of Ansible's, from the Python that runs the tests and with nobody's own configuration."""
    command = [str(Path(sys.executable).parent / program), *arguments]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    return subprocess.run(
        command, cwd=cwd, env=inherited | dict(env), capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def elsewhere(tmp_path):
    """A small estate far from any checkout, as one makes it who installed the wheel."""
    (tmp_path / "estate.yml").write_text(ESTATE, encoding="utf-8")
    (tmp_path / "bastide.yml").write_text("plugin: bastide\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def installed():
    return {
        "ANSIBLE_INVENTORY_PLUGINS": str(INVENTORY_PLUGINS),
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
    }


@pytest.mark.parametrize("name", ["lab-api", "synergia"])
def test_a_checkout_needs_no_settings_to_show_its_estates(name):
    ran = ansible("ansible-inventory", "-i", f"inventory/{name}/bastide.yml", "--list", cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    shown = json.loads(ran.stdout)
    assert shown["nodes"]["hosts"] == [f"{site}-{at}" for site in ("ventoux", "luberon") for at in (1, 2, 3)]
    assert shown["tiers"]["children"] == ["tier_0", "tier_1", "tier_2", "tier_3"]
    assert "ca-ad-1" in shown["service_directory"]["hosts"]
    assert shown["_meta"]["hostvars"]["luberon-1"]["ansible_host"] == "10.184.0.11"
    assert "ca-debian-13" not in shown["_meta"]["hostvars"]


def test_the_graph_shows_sites_nodes_guests_services_and_tiers():
    ran = ansible("ansible-inventory", "-i", "inventory/lab/bastide.yml", "--graph", cwd=ROOT)
    for group in (
        "sites",
        "site_cavaillon",
        "nodes",
        "guests",
        "service_patient_record",
        "tier_0",
        "witnesses",
    ):
        assert re.search(rf"^ +(\|  )*\|--@{group}:$", ran.stdout, re.MULTILINE), group


@pytest.mark.parametrize("name", ["lab", "lab-api", "synergia"])
def test_every_host_of_a_checkout_is_known_by_its_pinned_key_alone(name):
    ran = ansible("ansible-inventory", "-i", f"inventory/{name}/bastide.yml", "--list", cwd=ROOT)
    hosts = json.loads(ran.stdout)["_meta"]["hostvars"]
    assert "ventoux-1" in hosts
    for host, said in hosts.items():
        assert said["ansible_host_key_checking"] is True
        assert said["ansible_ssh_args"].startswith("-o StrictHostKeyChecking=yes -o 'UserKnownHostsFile=")
        assert f"-o HostKeyAlias={host} " in said["ansible_ssh_args"]


def test_an_estate_anywhere_is_read_with_the_plugin_of_the_installation(elsewhere, installed):
    ran = ansible("ansible-inventory", "-i", "bastide.yml", "--host", "n1", cwd=elsewhere, env=installed)
    shown = json.loads(ran.stdout)
    assert shown["ansible_ssh_private_key_file"] == str(elsewhere / "id_ed25519")
    assert f"there is no {elsewhere}/known_hosts" in " ".join(ran.stderr.split())


def test_the_estate_may_stand_elsewhere_than_the_inventory(elsewhere, installed):
    (elsewhere / "ansible").mkdir()
    moved = (elsewhere / "bastide.yml").rename(elsewhere / "ansible" / "group.bastide.yml")
    moved.write_text("plugin: bastide\nestate: ../estate.yml\n", encoding="utf-8")
    ran = ansible("ansible-inventory", "-i", str(moved), "--host", "n1", cwd=elsewhere, env=installed)
    assert json.loads(ran.stdout)["bastide_estate"] == "small"


def test_an_invalid_estate_stops_ansible_with_every_problem_at_its_place(elsewhere, installed):
    broken = ESTATE.replace("cores: 8", "cores: none").replace("cluster: c", "clutser: c")
    (elsewhere / "estate.yml").write_text(broken, encoding="utf-8")
    ran = ansible("ansible-inventory", "-i", "bastide.yml", "--list", cwd=elsewhere, env=installed)
    said = "".join(ran.stderr.split())  # Ansible breaks lines wherever the terminal ends
    assert ran.returncode != 0
    assert "estate.yml:6:5:" in said
    assert "didyoumean`cluster`?" in said
    assert "estate.yml:9:" in said
    assert "Traceback" not in said


def test_no_setting_of_ansible_turns_the_check_of_host_keys_off(elsewhere, installed):
    loose = {
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_SSH_ARGS": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
        "ANSIBLE_SSH_COMMON_ARGS": "-o StrictHostKeyChecking=no -p 9",
    }
    ran = ansible(
        "ansible",
        "-i",
        "bastide.yml",
        "n1",
        "-m",
        "raw",
        "-a",
        "true",
        "-vvvv",
        cwd=elsewhere,
        env=installed | loose,
    )
    sent = re.search(r"SSH: EXEC (ssh .*)", ran.stdout)[1]
    assert re.findall(r"StrictHostKeyChecking=(\w+)", sent)[0] == "yes"
    assert re.findall(r"UserKnownHostsFile=\S+", sent)[0] == f'UserKnownHostsFile="{elsewhere}/known_hosts"\''
    assert ran.returncode != 0
