"""`bastide apply` of new guests against the floor of the same writes, issued blindly on an identical lab."""

import json
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import estates
from bench.measure import alternated, bastide, ratio, rounded, run
from lab.running import lab_process
from lab.spec import LabSpec

GUESTS = 200
RUNS = {0.0: 3, 0.1: 1}
"""How often is measured with tasks that end at once, and with tasks at a tenth of their usual time."""


def apply(folder: Path) -> dict[str, Any]:
    """The ratio for each length of tasks."""
    return {"guests": GUESTS, "tasks": [_measured(folder, scale, times) for scale, times in RUNS.items()]}


def _measured(folder: Path, scale: float, times: int) -> dict[str, Any]:
    spec = replace(LabSpec.sized(), time_scale=scale)
    counter = iter(range(1000))
    recording = folder / f"writes-{scale}.jsonl"
    counted = _recorded(spec, folder / f"record-{scale}", recording)

    def ours() -> float:
        return _ours(spec, folder / f"ours-{scale}-{next(counter)}")

    def floor() -> float:
        return _floor(spec, folder / f"floor-{scale}-{next(counter)}", recording)

    told = alternated(times, ours=ours, floor=floor)
    return {
        "time_scale": scale,
        "ours_to_floor": ratio(told["ours"], told["floor"]),
        **counted,
        "ours": rounded(told["ours"]),
        "floor": rounded(told["floor"]),
    }


def _recorded(spec: LabSpec, folder: Path, recording: Path) -> dict[str, Any]:
    """Apply once and write down the writes; the applied estate must have nothing left to plan."""
    with lab_process(spec, folder / "lab") as (lab, _):
        estate, env = estates.grown(estates.adopted(lab, folder / "estate"), GUESTS), estates.environment(lab)
        before = _counted(lab)
        run([sys.executable, "-m", "bench.ours", "record-writes", str(estate), str(recording)], env)
        after = _counted(lab)
        run(bastide(estate, "plan"), env)
    made = {name: after[name] - before[name] for name in after}
    return {**made, "requests_per_write": round(made["requests"] / made["writes"], 2)}


def _counted(lab: Any) -> dict[str, int]:
    return {
        "requests": sum(lab.control.requests(name) for name in lab.sites),
        "writes": sum(lab.control.write_count(name) for name in lab.sites),
    }


def _ours(spec: LabSpec, folder: Path) -> float:
    """Seconds from the first to the last line of the journal of a real `bastide apply`."""
    with lab_process(spec, folder / "lab") as (lab, _):
        estate = estates.grown(estates.adopted(lab, folder / "estate"), GUESTS)
        run(bastide(estate, "apply", "--yes"), estates.environment(lab))
    (journal,) = (estate.parent / ".bastide" / "journal").iterdir()
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    first, last = (datetime.fromisoformat(line["at"]) for line in (lines[0], lines[-1]))
    return (last - first).total_seconds()


def _floor(spec: LabSpec, folder: Path, recording: Path) -> float:
    with lab_process(spec, folder / "lab") as (lab, _):
        floor = [sys.executable, "-m", "bench.floor", "writes", str(lab.folder), str(recording)]
        return float(json.loads(run(floor, estates.environment(lab)).out)["seconds"])
