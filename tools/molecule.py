"""Run Molecule's scenarios one after the other, and say how long each step of each took."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEP = re.compile(r"\[(?P<scenario>[\w-]+) > (?P<step>\w+)\] (?P<what>Executing|Executed)")


@dataclass(frozen=True)
class Outcome:
    """How a scenario ended, and its steps with their seconds, in their order."""

    scenario: str
    succeeded: bool
    seconds: float
    steps: tuple[tuple[str, float], ...]

    def __str__(self) -> str:
        steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in self.steps)
        failed = "" if self.succeeded else " FAILED"
        return f"molecule/{self.scenario}{failed}: {self.seconds:.1f} s ({steps})"


def present() -> list[str]:
    """The names of all scenarios."""
    return sorted(file.parent.name for file in ROOT.glob("molecule/*/molecule.yml"))


def run(scenario: str) -> Outcome:
    """Run one scenario, passing on what it prints."""
    began = step_began = time.monotonic()
    steps: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="molecule-") as state, _started(scenario, state) as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
            if found := STEP.search(line):
                now = time.monotonic()
                if found["what"] == "Executed":
                    steps.append((found["step"], now - step_began))
                step_began = now
    return Outcome(scenario, running.returncode == 0, time.monotonic() - began, tuple(steps))


def _started(scenario: str, state: str) -> subprocess.Popen[str]:
    here = Path(sys.executable).parent
    return subprocess.Popen(
        [str(here / "molecule"), "test", "--scenario-name", scenario],
        cwd=ROOT,
        env=os.environ
        | {
            "PATH": f"{here}{os.pathsep}{os.environ['PATH']}",
            "NO_COLOR": "1",
            "MOLECULE_EPHEMERAL_DIRECTORY": state,  # whoever works on the same scenario has another
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def main() -> int:
    """Run the scenarios named on the command line, or all; 1 if one failed."""
    outcomes = [run(name) for name in sys.argv[1:] or present()]
    for outcome in outcomes:
        print(outcome)
    return 0 if all(outcome.succeeded for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
