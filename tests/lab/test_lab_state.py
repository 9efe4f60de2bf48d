"""A lab that is stopped, or killed, goes on where it was."""

import signal
import stat

import pytest
from lab_client import Api, session_for

from lab.errors import LabError
from lab.running import RunningLab, lab_process, running_lab
from lab.spec import LabSpec

SPEC = LabSpec.sized(guests=2)


def furnish(api):
    """Something of everything that a site keeps."""
    api.data("POST", "/nodes/ventoux-1/qemu/9000/clone", newid=100, name="kept", full=1, storage="vmdata")
    template = "local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst"
    api.data("POST", "/nodes/ventoux-2/lxc", vmid=101, ostemplate=template, rootfs="vmdata:2", hostname="ct")
    api.data("POST", "/storage", storage="extra", type="dir", path="/srv/extra", content="iso")
    api.data("POST", "/pools", poolid="kept", comment="pool")
    api.data("PUT", "/pools", poolid="kept", vms="100,101", storage="extra")
    api.data("POST", "/access/users", userid="kept@pve", comment="user")
    api.data("POST", "/cluster/firewall/aliases", name="kept", cidr="192.0.2.7")
    api.data("PUT", "/nodes/ventoux-1/qemu/100/firewall/options", enable=1)
    api.data("POST", "/nodes/ventoux-1/qemu/100/snapshot", snapname="before")
    api.data("POST", "/nodes/ventoux-1/qemu/100/status/start")
    api.data("PUT", "/nodes/ventoux-1/qemu/100/config", cores=7)


def portrait(api):
    """What a client sees of all that, but for what moves by itself."""
    moving = ("uptime", "cpu", "mem", "memhost", "next-run")

    def still(rows):
        return [{key: value for key, value in row.items() if key not in moving} for row in rows]

    [pool] = api.data("GET", "/pools", poolid="kept")
    return {
        "resources": still(sorted(api.data("GET", "/cluster/resources"), key=lambda row: row["id"])),
        "vm": api.data("GET", "/nodes/ventoux-1/qemu/100/config"),
        "active": api.data("GET", "/nodes/ventoux-1/qemu/100/config", current=1),
        "ct": api.data("GET", "/nodes/ventoux-2/lxc/101/config"),
        "storages": api.data("GET", "/storage"),
        "volumes": api.data("GET", "/nodes/ventoux-1/storage/vmdata/content"),
        "pool": pool | {"members": still(pool["members"])},
        "users": api.data("GET", "/access/users"),
        "aliases": api.data("GET", "/cluster/firewall/aliases"),
        "guest firewall": api.data("GET", "/nodes/ventoux-1/qemu/100/firewall/options"),
        "tasks": api.data("GET", "/nodes/ventoux-1/tasks"),
        "snapshots": api.data("GET", "/nodes/ventoux-1/qemu/100/snapshot"),
    }


def seen_by(lab):
    site = lab.sites["carpentras"]
    with session_for(site) as session:
        return portrait(Api(site, session))


def test_a_restarted_lab_is_as_it_was_and_where_it_was(tmp_path):
    with running_lab(SPEC, tmp_path, keep=True) as lab:
        site = lab.sites["carpentras"]
        with session_for(site) as session:
            furnish(Api(site, session))
        before = seen_by(lab)
    with running_lab(SPEC, tmp_path) as again:
        assert again.sites["carpentras"].urls == site.urls
        assert again.sites["carpentras"].token == site.token
        assert seen_by(again) == before


def test_what_was_answered_survives_the_killing_of_the_lab(tmp_path):
    with lab_process(SPEC, tmp_path, keep=True) as (lab, process):
        site = lab.sites["carpentras"]
        with session_for(site) as session:
            furnish(Api(site, session))
        before = seen_by(lab)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with running_lab(SPEC, tmp_path) as again:
        assert seen_by(again) == before


def test_a_half_written_line_of_a_killed_lab_does_no_harm(tmp_path):
    with running_lab(SPEC, tmp_path) as lab:
        before = lab.control.status()["carpentras"]["vms"]
    for name in ("guests.jsonl", "tasks.jsonl"):
        with (tmp_path / "carpentras" / name).open("a") as log:
            log.write('{"vmid": 4')
    with running_lab(SPEC, tmp_path) as again:
        assert again.control.status()["carpentras"]["vms"] == before


def test_secrets_are_for_their_owner_only(tmp_path):
    with running_lab(SPEC, tmp_path):
        private = [
            path
            for path in tmp_path.rglob("*")
            if path.suffix in (".key", ".token") or path.name in ("credentials.json", "state.json")
        ]
        assert len(private) == 8
        assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_the_writes_of_a_site_are_numbered_through_its_life(tmp_path):
    for expected in (1, 2):
        with running_lab(SPEC, tmp_path) as lab, session_for(lab.sites["carpentras"]) as session:
            Api(lab.sites["carpentras"], session)("POST", "/pools", poolid=f"p{expected}")
            assert lab.control.write_count("carpentras") == expected
            [write] = lab.control.writes("carpentras")
            assert (write["method"], write["template"], write["number"]) == ("POST", "/pools", expected)


@pytest.mark.api_only("machines have ports of their own: none can be taken")
def test_a_port_in_use_is_said_in_one_sentence(tmp_path):
    with running_lab(SPEC, tmp_path / "one") as lab:
        port = int(lab.sites["carpentras"].urls[0].rpartition(":")[2])
        taken = LabSpec(sites=SPEC.sites, port=port)
        with (
            pytest.raises(LabError, match=f"port {port} of 127.0.0.1 is in use"),
            running_lab(taken, tmp_path / "two"),
        ):
            pass


def test_a_folder_without_a_lab_says_how_to_get_one(tmp_path):
    with pytest.raises(LabError, match="there is no lab in") as problem:
        RunningLab.at(tmp_path)
    assert "bastide lab up" in problem.value.hint


def test_a_deep_folder_is_no_problem_for_the_control_channel(tmp_path):
    with running_lab(SPEC, tmp_path / ("deep" * 25)) as lab:
        assert set(lab.control.status()) == {"carpentras", "cavaillon"}
    assert not lab.control.path.exists()
