"""Reports of a large audit, each form in a process of its own: what it took, and how large it is."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from bench.measure import progress, run

GOAL_SECONDS = {"html": 5, "pdf": 30}
GOAL_HTML_MEGABYTES = 15


def audit(folder: Path) -> dict[str, Any]:
    """Reports of 200 hosts and 300 checks."""
    told: dict[str, Any] = {}
    for form, goal in GOAL_SECONDS.items():
        progress(f"a report of 200 hosts as {form}")
        target = folder / f"report.{form}"
        ran = run([sys.executable, "-m", "bench.large_report", form, str(target)], os.environ)
        told[form] = json.loads(ran.out) | {
            "goal_seconds": goal,
            "peak_mib": round(ran.peak_mib),
            "megabytes": round(target.stat().st_size / 1e6, 1),
        }
    told["html"]["goal_megabytes"] = GOAL_HTML_MEGABYTES
    return {"report": told}
