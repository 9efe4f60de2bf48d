"""A report of an audit of 200 hosts by 300 checks: `python -m bench.large_report html|pdf FILE`.

Prints the seconds and the seconds of CPU that rendering took, apart from starting Python and reading the
catalogue. One verdict in five is no pass, with a reason and a value of its own on every fifth host.
"""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from provisioner.estate.catalogue import load_catalogue
from provisioner.model.catalogue import Catalogue, Check
from provisioner.model.finding import Audit, Finding, Subject, Verdict
from provisioner.workflows.report import Told, rendered

HOSTS, CHECKS = 200, 300
KINDS, SITES = ("node", "vm", "ct", "vm"), ("carpentras", "cavaillon")


def large(catalogue: Catalogue) -> Audit:
    """The same audit whenever it is made."""
    checks = [one for one in catalogue.checks.values() if one.of == "host"][:CHECKS]
    hosts = [
        Subject(f"host-{number:03}", "host", KINDS[number % 4], 3, SITES[number % 2], "Debian 13.2")
        for number in range(HOSTS)
    ]
    found = (
        _finding(check, host.name, number, place)
        for number, host in enumerate(hosts)
        for place, check in enumerate(checks)
    )
    return Audit(datetime.now(UTC), "synergia", "lab", catalogue.version, tuple(hosts), tuple(found))


def _finding(check: Check, host: str, number: int, place: int) -> Finding:
    turn, value = (number * 7 + place * 13) % 20, str(number % 5)
    if turn < 3:  # noqa: PLR2004 - three of twenty
        return Finding(check.id, host, Verdict.FAIL, f"{check.fact} is {value}, not 7", value)
    if turn == 3:  # noqa: PLR2004 - one of twenty
        why = f"{check.fact.partition('.')[0]} could not be looked at: it took too long"
        return Finding(check.id, host, Verdict.UNKNOWN, why)
    return Finding(check.id, host, Verdict.PASS, "as expected", str(place % 4))


def main(form: str, target: str) -> None:
    """Render and tell."""
    catalogue, _ = load_catalogue(Path("controls"))
    told = Told(large(catalogue), catalogue, None, "fr")
    wall, cpu = time.monotonic(), time.process_time()
    Path(target).write_bytes(rendered(told, form))
    took = {"seconds": time.monotonic() - wall, "cpu_seconds": time.process_time() - cpu}
    print(json.dumps({name: round(number, 2) for name, number in took.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
