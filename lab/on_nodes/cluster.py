"""`pvecm` and `pveversion`: the cluster that this node is in, and what it runs."""

import sys
import time
from typing import Any

from .api import Api
from .errors import not_offered
from .show import lines
from .table import Table
from .words import Words

Rows = list[dict[str, Any]]


def _title(text: str) -> tuple[str, str]:
    return text, "-" * len(text)


def _status(api: Api, _words: Words) -> None:
    """`pvecm status`, and in it what `corosync-quorumtool` tells."""
    cluster, nodes = _members(api)
    device = api.get("/cluster/config/qdevice")
    there = [one for one in nodes if one["online"]]
    expected = len(nodes) + bool(device)
    votes = device.get("State") == "Connected"
    quorate = bool(cluster["quorate"])
    flags = ["Quorate"] * quorate + ["Qdevice"] * bool(device)
    here = next(one for one in nodes if one["local"])
    seen = "A,V,NMW" if votes else "NA,NV,NMW"
    sys.stdout.write(
        lines(
            *_title("Cluster information"),
            f"Name:             {cluster['name']}",
            f"Config Version:   {cluster['version']}",
            "Transport:        knet",
            "Secure auth:      on",
            "",
            *_title("Quorum information"),
            f"Date:             {time.ctime()}",
            "Quorum provider:  corosync_votequorum",
            f"Nodes:            {len(there)}",
            f"Node ID:          0x{here['nodeid']:08x}",
            f"Quorate:          {'Yes' if quorate else 'No'}",
            "",
            *_title("Votequorum information"),
            f"Expected votes:   {expected}",
            f"Highest expected: {expected}",
            f"Total votes:      {len(there) + votes}",
            f"Quorum:           {expected // 2 + 1} {'' if quorate else 'Activity blocked'}".rstrip(),
            f"Flags:            {' '.join(flags)}".rstrip(),
            "",
            *_title("Membership information"),
            f"    Nodeid      Votes    {'Qdevice Name' if device else 'Name'}",
            *(
                f"0x{one['nodeid']:08x}          1    {seen + ' ' if device else ''}{one['ip']}"
                + (" (local)" if one["local"] else "")
                for one in there
            ),
            *([f"0x00000000          {int(votes)}            Qdevice"] if device else []),
        )
    )


def _nodes(api: Api, _words: Words) -> None:
    """`pvecm nodes`: the nodes that are in the quorum now."""
    rows = [
        f"{one['nodeid']:>10} {1:>10} {one['name']}" + (" (local)" if one["local"] else "")
        for one in _members(api)[1]
        if one["online"]
    ]
    sys.stdout.write(
        lines("", *_title("Membership information"), f"{'Nodeid':>10} {'Votes':>10} Name", *rows)
    )


def _members(api: Api) -> tuple[dict[str, Any], Rows]:
    answer = api.get("/cluster/status")
    nodes = [one for one in answer if one["type"] == "node"]
    return next(one for one in answer if one["type"] == "cluster"), nodes


BORN = "the lab's clusters are born whole, and stay so until the lab goes down"
PVECM = Table(
    "pvecm",
    {},
    {"status": _status, "nodes": _nodes},
    {
        **dict.fromkeys(("add", "addnode", "create", "delnode", "qdevice", "updatecerts", "mtunnel"), BORN),
        "expected": "the API computes the quorum; give it votes back with `bastide lab fault --lift`",
    },
)


def pveversion(words: list[str]) -> None:
    """`pveversion`, and with -v as much of the packages as the lab has."""
    told = Api().get("/nodes/{node}/status")
    version, kernel = told["pveversion"], told["current-kernel"]["release"]
    if not words:
        sys.stdout.write(f"{version} (running kernel: {kernel})\n")
    elif words[0] in ("-v", "--verbose", "-verbose"):
        _, number, build = version.split("/")
        sys.stdout.write(lines(f"pve-manager: {number} (running version: {number}/{build})"))
    else:
        raise not_offered(f"pveversion {words[0]}", "it knows -v")
