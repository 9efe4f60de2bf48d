"""`bastide lab` as a person uses it."""

import json
import os
import signal
import socket

import pytest
from click.testing import CliRunner
from lab_client import Api, session_for

from lab.background import running_in
from lab.commands import lab as group
from lab.running import RunningLab

pytestmark = pytest.mark.api_only("`bastide lab up --api-only` is what these are about")


def is_free(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def port():
    """The first of a run of ports that nobody uses, below those that the kernel gives to clients."""
    start = 20000 + os.getpid() % 500 * 20
    return next(first for first in range(start, 32000, 20) if all(map(is_free, range(first, first + 14))))


@pytest.fixture
def run(tmp_path, port):
    """`bastide lab ...` in a folder of its own; no lab outlives its test."""
    folder = tmp_path / "lab"

    def command(*words):
        extra = ["--api-only", "--port", str(port), "--time-scale", "0"] if words[0] == "up" else []
        return CliRunner().invoke(group, [*words, *extra], env={"BASTIDE_LAB_DIR": str(folder)})

    yield command
    if running_in(folder):
        command("down")


def test_up_says_where_everything_is_and_down_takes_it_away(run, tmp_path):
    up = run("up")
    assert up.exit_code == 0, up.output
    running = RunningLab.at(tmp_path / "lab")
    for site in running.sites.values():
        assert all(url in up.output for url in site.urls)
        assert site.secret not in up.output
        assert site.token == (tmp_path / "lab" / f"{site.name}.token").read_text().strip()
    assert running.cafile in up.output
    assert "no guest runs" in up.output
    down = run("down")
    assert down.exit_code == 0
    assert not running.is_alive()


def test_a_second_up_says_that_it_is_up_and_where(run, tmp_path):
    run("up")
    again = run("up")
    assert again.exit_code == 5
    assert "already up" in again.output
    assert RunningLab.at(tmp_path / "lab").sites["carpentras"].urls[0] in again.output


def test_the_leftovers_of_a_killed_lab_are_taken_over(run, tmp_path):
    run("up")
    first = RunningLab.at(tmp_path / "lab")
    site = first.sites["carpentras"]
    with session_for(site) as session:
        Api(site, session).data("POST", "/pools", poolid="survivor")
    os.kill(first.pid, signal.SIGKILL)
    while first.is_alive():
        pass
    assert run("status").exit_code == 1
    assert run("up").exit_code == 0
    with session_for(site) as session:
        assert Api(site, session)("GET", "/pools", poolid="survivor").ok


def test_down_without_a_lab_is_refused(run, monkeypatch):
    monkeypatch.setenv("BASTIDE_LAB_NAME", "none")  # one of real hosts may be up, and is not meant
    refused = run("down")
    assert refused.exit_code == 5
    assert "no lab is up" in refused.output


def test_a_pid_that_now_belongs_to_another_is_left_alone(run, tmp_path):
    run("up")
    where = tmp_path / "lab" / "lab.json"
    truth = where.read_text()
    where.write_text(json.dumps(json.loads(truth) | {"pid": os.getpid()}))
    assert run("down").exit_code == 5
    where.write_text(truth)


def test_a_port_in_use_is_one_sentence(run, port):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        sock.listen()
        answer = run("up")
    assert answer.exit_code == 1
    assert f"port {port} of 127.0.0.1 is in use" in answer.output
    assert "Traceback" not in answer.output


def test_status_tells_what_is_simulated_and_what_is_broken(run):
    run("up")
    assert run("fault", "node-down", "--site", "carpentras", "--node", "ventoux-2").exit_code == 0
    text = run("status").output
    assert "no guest runs and no disk holds bytes" in text
    assert "DOWN" in text
    assert "node-down node ventoux-2" in text
    document = json.loads(run("status", "--json").output)
    assert document["up"] is True
    assert document["sites"]["carpentras"]["listening"] == ["ventoux-1", "ventoux-3"]
    assert "1 lifted" in run("fault", "--lift").output
    assert run("fault", "--list").output == ""


def test_proxmox_8_is_simulated_on_request(run, tmp_path):
    run("up", "--pve", "8")
    site = RunningLab.at(tmp_path / "lab").sites["carpentras"]
    with session_for(site) as session:
        api = Api(site, session)
        assert api.data("GET", "/version")["release"] == "8.4"
        assert {row["type"] for row in api.data("GET", "/cluster/resources", type="sdn")} == {"sdn"}
        assert api.data("GET", "/cluster/ha/groups") == []


def test_a_fault_without_a_site_is_a_usage_error_that_names_the_sites(run):
    run("up")
    answer = run("fault", "slow")
    assert answer.exit_code == 2
    assert "carpentras, cavaillon" in answer.output


def test_status_without_a_lab_says_how_to_start_one(run):
    answer = run("status")
    assert answer.exit_code == 1
    assert "bastide lab up" in answer.output
    assert json.loads(run("status", "--json").output)["up"] is False
