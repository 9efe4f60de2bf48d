"""`bastide harden --profile high` on a fresh host and again, against dev-sec on an identical one; and on ten.

The peer is there when BASTIDE_BENCH_DEVSEC names a folder that holds its collection, as this makes it:
`ansible-galaxy collection install devsec.hardening -p FOLDER`.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.measure import BenchError, Ran, alternated, bastide, progress, ratio, rounded, run
from bench.workshop import Workshop, lacking, workshop

FIRST_RUNS = 2
SECOND_RUNS = 3
MANY = 10
PEER = "devsec.hardening: os_hardening, ssh_hardening"
VARIABLE = "BASTIDE_BENCH_DEVSEC"
PEER_PLAY = {
    "hosts": "all",
    "vars": {
        "os_auditd_enabled": False,  # like ours, it leaves alone what needs a kernel of its own
        "os_sysctl_enabled": False,
        "ssh_permit_root_login": "without-password",  # or its second run does not come in
    },
    "roles": ["devsec.hardening.os_hardening", "devsec.hardening.ssh_hardening"],
}


@dataclass(frozen=True, slots=True)
class Hardening:
    """A run on some hosts: what it took, and how many changes it made."""

    ran: Ran
    changed: int


def harden(folder: Path) -> dict[str, Any]:
    """All ratios of hardening; or why there are none."""
    if missing := lacking():
        return {"missing": missing}
    collection = os.environ.get(VARIABLE, "")
    with workshop(folder / "workshop") as shop:
        ours, peer = _Ours(shop), _Peer(shop, Path(collection)) if collection else None
        first, host = _first(shop, ours, peer)
        return {
            "first": _told(first, goal={"ours_to_peer": 1}),
            "second": _told(_second(ours, peer, host), goal={"peer_to_ours": 4}),
            "ten_hosts": _many(shop, ours, first["ours"], host["ours"]),
            "peer": PEER if peer else None,
            **({} if peer else {"peer_missing": f"{VARIABLE} names no folder with its collection"}),
        }


class _Ours:
    """Bastide's command."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop

    def __call__(self, hosts: list[str]) -> Hardening:
        limits = [word for host in hosts for word in ("--limit", host)]
        command = bastide(self._shop.estate(), "harden", "--profile", "high", "--yes", "--json", *limits)
        ran = run(command, self._shop.environment())
        return Hardening(ran, sum(len(host["changes"]) for host in json.loads(ran.out)["hosts"]))


class _Peer:
    """ansible-playbook with the peer's roles, with pipelining too."""

    def __init__(self, shop: Workshop, collections: Path) -> None:
        if not (collections / "ansible_collections" / "devsec" / "hardening").is_dir():
            raise BenchError(f"{VARIABLE}: there is no ansible_collections/devsec/hardening in {collections}")
        self._shop = shop
        self._play = shop.folder / "peer.yml"
        self._play.write_text(yaml.safe_dump([PEER_PLAY]), encoding="utf-8")
        config = shop.folder / "ansible.cfg"
        config.touch()
        settings = {"COLLECTIONS_PATH": str(collections), "CONFIG": str(config), "PIPELINING": "true"}
        self._settings = {f"ANSIBLE_{name}": value for name, value in settings.items()}

    def __call__(self, hosts: list[str]) -> Hardening:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        reach = ["--inventory", f"{','.join(hosts)},", f"--ssh-common-args=-F {self._shop.ssh_config}"]
        ran = run([program, *reach, str(self._play)], self._shop.environment() | self._settings)
        return Hardening(ran, sum(map(int, re.findall(r"\bchanged=(\d+)", ran.out))))


def _first(
    shop: Workshop, ours: _Ours, peer: _Peer | None
) -> tuple[dict[str, list[Hardening]], dict[str, list[str]]]:
    """First runs, each on a host of its own; and the last host of each."""
    last: dict[str, list[str]] = {}

    def on_a_fresh_host(name: str, once: Callable[[list[str]], Hardening]) -> Hardening:
        last[name] = shop.fresh()
        return once(last[name])

    runs: dict[str, Callable[[], Hardening]] = {"ours": lambda: on_a_fresh_host("ours", ours)}
    if peer:
        runs["peer"] = lambda: on_a_fresh_host("peer", peer)
    return alternated(FIRST_RUNS, **runs), last


def _second(ours: _Ours, peer: _Peer | None, host: dict[str, list[str]]) -> dict[str, list[Hardening]]:
    runs: dict[str, Callable[[], Hardening]] = {"ours": lambda: ours(host["ours"])}
    if peer:
        runs["peer"] = lambda: peer(host["peer"])
    return alternated(SECOND_RUNS, **runs)


def _many(shop: Workshop, ours: _Ours, first: list[Hardening], one: list[str]) -> dict[str, Any]:
    """Ten hosts at once against one: for the first time, and again."""
    progress(f"booting {MANY} hosts")
    hosts = shop.fresh(MANY)
    firsts = {"one": first, "many": [ours(hosts)]}
    again = alternated(SECOND_RUNS, one=lambda: ours(one), many=lambda: ours(hosts))
    return {
        name: {"many_to_one": _ratio(told, "many", "one"), "goal": 3, **_seconds(told)}
        for name, told in (("first", firsts), ("second", again))
    }


def _told(runs: dict[str, list[Hardening]], goal: dict[str, int]) -> dict[str, Any]:
    """What runs took and changed, with the ratio that has a goal if the peer ran."""
    (name, wanted) = next(iter(goal.items()))
    over, _, under = name.partition("_to_")
    compared = {name: _ratio(runs, over, under), "goal": wanted} if "peer" in runs else {}
    changed = {f"changed_by_{who}": told[-1].changed for who, told in runs.items()}
    return {**compared, **_seconds(runs), **changed}


def _ratio(runs: dict[str, list[Hardening]], over: str, under: str) -> float:
    return ratio(*([one.ran.seconds for one in runs[name]] for name in (over, under)))


def _seconds(runs: dict[str, list[Hardening]]) -> dict[str, list[float]]:
    return {name: rounded([one.ran.seconds for one in told]) for name, told in runs.items()}
