"""`bastide plan` of two sites: what it asks, how long it takes, what it needs, against a floor and a peer."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import estates, peer
from bench.measure import BenchError, Ran, alternated, bastide, median, ratio, rounded, run
from lab.running import RunningLab

RUNS = 5
PEER_RUNS = 3


def observe(lab: RunningLab, estate: Path, folder: Path) -> dict[str, Any]:
    """All ratios of observing and planning."""
    env = estates.environment(lab)
    recording = folder / "reads.jsonl"
    run(_ours("record-reads", estate, recording), env)
    floor = [sys.executable, "-m", "bench.floor", "reads", str(lab.folder), str(recording)]
    told = alternated(
        RUNS,
        ours=lambda: _told(run(_ours("plan", estate), env)),
        floor=lambda: _told(run(floor, env)),
    )
    if not all(one["empty"] for one in told["ours"]):
        raise BenchError("the plan of the adopted estate is not empty")
    return {
        "requests": _requests(lab, estate, env),
        "wall": _against_floor(told, "seconds"),
        "cpu": _against_floor(told, "cpu_seconds"),
        **_commands(lab, estate, folder),
    }


def _ours(job: str, *args: Path) -> list[str]:
    return [sys.executable, "-m", "bench.ours", job, *map(str, args)]


def _told(ran: Ran) -> dict[str, Any]:
    return dict(json.loads(ran.out))


def _against_floor(told: Mapping[str, list[dict[str, Any]]], what: str) -> dict[str, Any]:
    ours, floor = ([one[what] for one in told[name]] for name in ("ours", "floor"))
    goal = {"goal": 1.3} if what == "seconds" else {}
    return {"ours_to_floor": ratio(ours, floor), **goal, "ours": rounded(ours), "floor": rounded(floor)}


def _requests(lab: RunningLab, estate: Path, env: Mapping[str, str]) -> dict[str, Any]:
    """What the clusters themselves counted during one `bastide plan`."""
    before = {name: lab.control.requests(name) for name in lab.sites}
    run(bastide(estate, "plan"), env)
    status = lab.control.status()
    made = {name: lab.control.requests(name) - before[name] for name in lab.sites}
    held = {name: status[name]["vms"] + status[name]["containers"] for name in lab.sites}
    return {
        "per_cluster": made,
        "guests": held,
        "beyond_guests": max(made[name] - held[name] for name in lab.sites),
        "goal_beyond_guests": 20,
    }


def _commands(lab: RunningLab, estate: Path, folder: Path) -> dict[str, Any]:
    """The whole command, from starting Python to its end, against the peer's."""
    env = estates.environment(lab)
    inventories, problem = peer.prepared(lab, folder)
    runs = {"ours": lambda: run(bastide(estate, "plan"), env)}
    if inventories:
        runs["peer"] = lambda: peer.listed(inventories, lab)
    ran = alternated(PEER_RUNS, **runs)
    ours = [one.seconds for one in ran["ours"]]
    return {
        "peak_mib": round(median([one.peak_mib for one in ran["ours"]]), 1),
        "goal_peak_mib": 300,
        "peer": _against_peer(ours, ran["peer"]) if inventories else None,
        **({"peer_missing": problem} if problem else {}),
    }


def _against_peer(ours: list[float], theirs: list[Ran]) -> dict[str, Any]:
    peers = [one.seconds for one in theirs]
    return {
        "name": peer.NAME,
        "peer_to_ours": ratio(peers, ours),
        "goal": 5,
        "ours": rounded(ours),
        "peer": rounded(peers),
        "peer_peak_mib": round(median([one.peak_mib for one in theirs]), 1),
    }
