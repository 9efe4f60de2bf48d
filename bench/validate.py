"""`bastide validate` of a large estate against the floor of merely parsing its YAML in C."""

import sys
from pathlib import Path
from typing import Any

from bench import estates
from bench.measure import Ran, alternated, bastide, median, ratio, rounded, run
from lab.running import RunningLab

RUNS = 5
PARSE = "import sys, yaml; yaml.load(open(sys.argv[1], encoding='utf-8'), yaml.CSafeLoader)"


def validate(lab: RunningLab, estate: Path) -> dict[str, Any]:
    """Seconds of CPU of both processes, the start of Python included."""
    env = estates.environment(lab)
    ran: dict[str, list[Ran]] = alternated(
        RUNS,
        ours=lambda: run(bastide(estate, "validate"), env),
        floor=lambda: run([sys.executable, "-c", PARSE, str(estate)], env),
    )
    ours, floor = ([one.cpu_seconds for one in ran[name]] for name in ("ours", "floor"))
    return {
        "lines": len(estate.read_text(encoding="utf-8").splitlines()),
        "cpu_seconds": round(median(ours), 3),
        "goal_cpu_seconds": 2,
        "ours_to_floor": ratio(ours, floor),
        "ours": rounded(ours),
        "floor": rounded(floor),
        "peak_mib": round(median([one.peak_mib for one in ran["ours"]]), 1),
    }
