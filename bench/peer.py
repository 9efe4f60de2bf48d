"""The peer: community.proxmox's inventory for Ansible, which reads the configuration of every guest as well.

It has an environment of its own: that of BASTIDE_BENCH_PEER, or `.venv-peer`, which `make bench` makes.
"""

import json
import os
from pathlib import Path

import yaml

from bench.measure import ROOT, BenchError, Ran, run
from lab.running import RunningLab

NAME = "ansible-inventory --list with community.proxmox.proxmox, want_facts: true"
FACT = "proxmox_cores"


def prepared(lab: RunningLab, folder: Path) -> tuple[list[Path], str]:
    """An inventory file for each cluster; none, and the reason, if the peer is not there."""
    program = _program()
    if not program.exists():
        return [], f"there is no {program.name} in the environment of the peer"
    try:
        run([str(program.with_name("python")), "-c", "import requests"], _environment(lab))
    except BenchError:
        return [], "the environment of the peer has no requests, which community.proxmox needs"
    files = []
    for name, site in lab.sites.items():
        user, _, token = site.tokenid.partition("!")
        login = {"url": site.urls[0], "user": user, "token_id": token, "token_secret": site.secret}
        text = {"plugin": "community.proxmox.proxmox", **login, "validate_certs": True, "want_facts": True}
        files.append(folder / f"{name}.proxmox.yml")
        files[-1].write_text(yaml.safe_dump(text), encoding="utf-8")
        files[-1].chmod(0o600)
    return files, ""


def listed(inventories: list[Path], lab: RunningLab) -> Ran:
    """List all guests of all clusters with their facts. Raises BenchError if any are missing."""
    named = [part for file in inventories for part in ("-i", str(file))]
    ran = run([str(_program()), "--list", *named], _environment(lab))
    hosts = json.loads(ran.out)["_meta"]["hostvars"].values()
    wanted = sum(site["vms"] for site in lab.control.status().values())
    found = sum(FACT in host for host in hosts)
    if found < wanted - len(lab.sites) * 2:  # it leaves templates out
        raise BenchError(f"the peer knows {found} guests of {wanted}")
    return ran


def _program() -> Path:
    return Path(os.environ.get("BASTIDE_BENCH_PEER") or ROOT / ".venv-peer") / "bin" / "ansible-inventory"


def _environment(lab: RunningLab) -> dict[str, str]:
    return {**os.environ, "REQUESTS_CA_BUNDLE": lab.cafile, "ANSIBLE_NOCOLOR": "1"}
