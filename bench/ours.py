"""Bastide in a process of its own: `python -m bench.ours plan|record-reads|record-writes ESTATE [FILE]`.

`plan` prints what observing and planning took, apart from starting Python and reading the estate.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import provisioner.workflows.apply as applying
from bench.recording import Asked, save
from provisioner.estate.load import load
from provisioner.model.objects import Call
from provisioner.pve.params import write_request
from provisioner.pve.session import Session
from provisioner.report.progress import progress
from provisioner.workflows.converge import planned
from provisioner.workflows.journal import Journal


def plan(estate: Path) -> dict[str, Any]:
    """Observe and plan; seconds, seconds of CPU, and what was asked of each site."""
    loaded = load(estate, strict=False)
    wall, cpu = time.monotonic(), time.process_time()
    with planned(loaded) as made:
        return {
            "seconds": time.monotonic() - wall,
            "cpu_seconds": time.process_time() - cpu,
            "empty": made.plan.empty,
            "steps": len(made.plan.steps),
            "requests": {name: site.session.requests_made for name, site in made.sites.items()},
        }


def record_reads(estate: Path, target: Path) -> None:
    """Plan, and write down every GET."""
    asked: list[Asked] = []
    original = Session.whole

    def whole(self: Session, path: str) -> Any:
        asked.append(Asked(self.name, "GET", path))
        return original(self, path)

    Session.whole = whole  # type: ignore[method-assign]  # a look over its shoulder
    plan(estate)
    save(target, asked)


def record_writes(estate: Path, target: Path) -> None:
    """Apply, and write down every write without the digests that belong to this very cluster."""
    asked: list[Asked] = []
    original = applying.send  # type: ignore[attr-defined]  # where apply finds it

    def send(session: Session, call: Call, **hooks: Any) -> Any:
        form = write_request(call.method, call.path, call.params).form or {}
        plain = {name: value for name, value in form.items() if name != "digest"}
        asked.append(Asked(session.name, call.method, call.path, plain, call.lanes))
        return original(session, call, **hooks)

    applying.send = send  # type: ignore[attr-defined]  # as above
    loaded = load(estate, strict=False)
    with planned(loaded) as made, progress(made.plan) as shown:
        journal = Journal(estate.parent, made.plan.digest, estate=made.plan.estate)
        result = applying.apply(made, journal, shown, lambda _step: False)
        journal.close()
    if result.failed:
        raise SystemExit(f"{len(result.failed)} steps failed: {result.failed[0].error}")
    save(target, asked)


def main(job: str, estate: Path, *rest: str) -> None:
    """Do one job."""
    if job == "plan":
        print(json.dumps(plan(estate)))
    elif job == "record-reads":
        record_reads(estate, Path(rest[0]))
    else:
        record_writes(estate, Path(rest[0]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
