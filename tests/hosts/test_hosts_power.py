"""The power switch of each machine, pressed by Debian's own fence agent."""

import json
import os
import shutil
import subprocess

import pytest
import requests
from hosts_lab import bastide_lab, listens, wait_for

SWITCH, NODE = "10.84.0.111", "10.84.0.11"
RESET = "/Actions/ComputerSystem.Reset"


@pytest.fixture
def password(whole):
    return json.loads((whole.folder / "credentials.json").read_text())["carpentras"]["password"]


@pytest.fixture
def fence(whole, password):
    """fence_redfish on ventoux-1, told as Pacemaker tells it: on standard input."""
    assert shutil.which("fence_redfish"), "install Debian's fence-agents: the switches are tested with them"

    def run(action):
        told = {"action": action, "ip": SWITCH, "username": "fence", "password": password, "ssl_secure": 1}
        return subprocess.run(
            ("fence_redfish",),
            input="".join(f"{key}={value}\n" for key, value in told.items()),
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"REQUESTS_CA_BUNDLE": str(whole.folder / "ca.pem")},
        )

    return run


def test_fence_redfish_takes_the_power_from_a_node_and_gives_it_back(whole, fence):
    assert "ON" in fence("status").stdout
    assert fence("off").returncode == 0
    assert not listens(NODE, 22)
    assert fence("status").returncode == 2, "fence agents say with 2 that it is off"
    assert "NO POWER" in bastide_lab("status", folder=whole.folder).stdout
    assert fence("on").returncode == 0
    wait_for(lambda: whole.answers(NODE))
    wait_for(lambda: listens(NODE, 8006))


def test_a_fenced_node_comes_up_again_by_reboot(whole, fence):
    first = whole.ssh(NODE, "stat", "-c", "%i", "/proc/1/ns/pid")
    assert fence("reboot").returncode == 0
    wait_for(lambda: whole.answers(NODE))
    assert whole.ssh(NODE, "stat", "-c", "%i", "/proc/1/ns/pid") != first


@pytest.fixture
def ask(whole):
    """Speak to the switch as a program does: `ask(method, path, login, body)`; the status and the answer."""

    def run(method, path, login=None, body=None):
        answer = requests.request(
            method,
            f"https://{SWITCH}/redfish/v1/Systems/1" + path,
            auth=login,
            json=body,
            verify=str(whole.folder / "ca.pem"),
            timeout=10,
        )
        return answer.status_code, answer.text

    return run


def test_a_switch_lets_nobody_in_without_the_password(whole, ask):
    assert ask("GET", "")[0] == 401
    assert ask("GET", "", ("fence", "wrong"))[0] == 401
    assert ask("POST", RESET, None, {"ResetType": "ForceOff"})[0] == 401
    assert whole.answers(NODE)


def test_a_switch_refuses_what_it_does_not_know(ask, password):
    status, said = ask("POST", RESET, ("fence", password), {"ResetType": "Explode"})
    assert status == 400
    assert "ForceOff" in said


def test_the_witness_has_a_switch_of_its_own(whole):
    login = ("fence", json.loads((whole.folder / "credentials.json").read_text())["avignon"]["password"])

    def press(kind):
        return requests.post(
            "https://10.99.0.102/redfish/v1/Systems/1" + RESET,
            auth=login,
            json={"ResetType": kind},
            verify=str(whole.folder / "ca.pem"),
            timeout=10,
        ).status_code

    assert press("ForceOff") == 204
    wait_for(lambda: not listens("10.99.0.2", 22))
    assert "the witness's vote is LOST" in bastide_lab("status", folder=whole.folder).stdout
    assert press("On") == 204
    wait_for(lambda: whole.answers("10.99.0.2"))
