"""The estates that are measured: made by `bastide adopt` from the lab itself, with new guests if asked."""

import os
from pathlib import Path
from typing import Any

import yaml

from bench.measure import bastide, run
from lab.running import RunningLab

MORE_MEMORY = "4T"
"""A node of the lab has 256 GiB, too few for a thousand guests: a valid estate is what is measured."""
IMAGE = "local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst"
FIRST_NEW = 300_000
NEW_OF_A_SITE = 1000
CORES = 32


def environment(lab: RunningLab) -> dict[str, str]:
    """The environment of the commands: the secrets of the lab's tokens."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BASTIDE_")}
    return {**plain, **{_secret(name): site.secret for name, site in lab.sites.items()}, "NO_COLOR": "1"}


def adopted(lab: RunningLab, folder: Path) -> Path:
    """The estate file that `bastide adopt` writes for the lab."""
    folder.mkdir(parents=True)
    bare = folder / "reach.yml"
    sites = {name: _reach(lab, name, number) for number, name in enumerate(lab.sites)}
    bare.write_text(yaml.safe_dump({"estate": "bench", "sites": sites}), encoding="utf-8")
    found = folder / "estate.yml"
    run(bastide(bare, "adopt", "-o", str(found)), environment(lab))
    text = found.read_text(encoding="utf-8").replace("memory: 256G", f"memory: {MORE_MEMORY}")
    found.write_text(text, encoding="utf-8")
    return found


def grown(estate: Path, guests: int) -> Path:
    """An estate beside another one with so many guests more, half of them containers."""
    document = yaml.safe_load(estate.read_text(encoding="utf-8"))
    templates = {
        guest["site"]: name
        for name, guest in document["guests"].items()
        if guest.get("vmid") == 9000  # noqa: PLR2004  # the lab's template
    }
    for number, (name, site) in enumerate(document["sites"].items()):
        site["pools"] = {"new": {"comment": "made by the benchmark"}}
        nodes = list(site["nodes"])
        for one in range(guests // len(document["sites"])):
            vmid = FIRST_NEW + NEW_OF_A_SITE * number + one
            made = _vm(templates[name], number, one) if one % 2 == 0 else _ct(number, one)
            shared = {"vmid": vmid, "site": name, "node": nodes[one // 2 % len(nodes)], "pool": "new"}
            document["guests"][f"new-{vmid}"] = {**shared, **made}
    target = estate.with_name("grown.yml")
    target.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return target


def _vm(template: str, site: int, one: int) -> dict[str, Any]:
    return {
        "clone": template,
        "storage": "vmdata",
        "cores": 4,
        "memory": "4G",
        "tags": ["new"],
        "disks": {"scsi0": "8G"},
        "nics": {"net0": {"bridge": "vmbr0", **_address(site, one)}},
        "cloud_init": {"user": "bastide"},
    }


def _ct(site: int, one: int) -> dict[str, Any]:
    return {
        "kind": "ct",
        "image": IMAGE,
        "storage": "local-btrfs",
        "memory": "512M",
        "tags": ["new"],
        "disks": {"rootfs": "4G"},
        "nics": {"net0": {"bridge": "vmbr0", **_address(site, one)}},
    }


def _address(site: int, one: int) -> dict[str, str]:
    return {"address": f"10.{site}.0.{one + 10}/24"}


def _reach(lab: RunningLab, name: str, number: int) -> dict[str, Any]:
    site = lab.sites[name]
    nodes = {
        node: {"address": f"192.0.2.{10 * number + one}", "memory": MORE_MEMORY, "cores": CORES}
        for one, node in enumerate(site.nodes, 11)
    }
    api = {
        "endpoints": list(site.urls),
        "ca": site.cafile,
        "token": site.tokenid,
        "secret": f"env:{_secret(name)}",
    }
    return {"cluster": site.cluster, "nodes": nodes, "api": api}


def _secret(site: str) -> str:
    return f"BENCH_{site.upper()}"
