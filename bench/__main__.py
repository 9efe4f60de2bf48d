"""`python -m bench [PART]…`: one JSON document of ratios on stdout, progress on stderr."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import estates
from bench.apply import apply
from bench.audit import audit
from bench.harden import harden
from bench.measure import BenchError, machine, progress
from bench.observe import observe
from bench.validate import validate
from lab.running import lab_process
from lab.spec import LabSpec

PARTS = ("observe", "validate", "apply", "harden", "audit")
SITES, GUESTS = 2, 1000


def measured(parts: list[str], folder: Path) -> dict[str, Any]:
    """The chosen parts, and the machine."""
    document: dict[str, Any] = {"machine": machine()}
    if {"observe", "validate"} & set(parts):
        with lab_process(LabSpec.sized(sites=SITES, guests=GUESTS), folder / "lab") as (lab, _):
            progress(f"adopting {SITES} sites of {GUESTS} guests")
            estate = estates.adopted(lab, folder / "estate")
            document["estate"] = {"sites": SITES, "guests_of_a_site": GUESTS}
            if "observe" in parts:
                document["observe"] = observe(lab, estate, folder)
            if "validate" in parts:
                document["validate"] = validate(lab, estate)
    if "apply" in parts:
        document["apply"] = apply(folder)
    if "harden" in parts:
        document["harden"] = harden(folder)
    if "audit" in parts:
        document["audit"] = audit(folder)
    return document


def main(arguments: list[str]) -> int:
    """Measure and print. 0, 1 if something could not be measured, 2 for an unknown part, 130 after Ctrl-C."""
    if unknown := set(arguments) - set(PARTS):
        print(
            f"bench: there is no part {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}",
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            document = measured(arguments or list(PARTS), Path(folder))
        except BenchError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("bench: interrupted; nothing was measured", file=sys.stderr)
            return 130
    print(json.dumps(document, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
