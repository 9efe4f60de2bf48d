"""Run Molecule's scenarios one after the other, and say how long each step of each took."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEP = re.compile(r"\[(?P<scenario>\w+) > (?P<step>\w+)\] (?P<what>Executing|Executed)")


def main() -> int:
    """Run the scenarios named on the command line, or all; 1 if one failed."""
    present = sorted(file.parent.name for file in ROOT.glob("molecule/*/molecule.yml"))
    failed = [name for name in sys.argv[1:] or present if not run(name)]
    for name in failed:
        print(f"molecule/{name} FAILED")
    return bool(failed)


def run(scenario: str) -> bool:
    """Run one scenario, passing on what it prints; whether it succeeded."""
    began = time.monotonic()
    times: list[str] = []
    command = [str(Path(sys.executable).parent / "molecule"), "test", "--scenario-name", scenario]
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "NO_COLOR": "1",
    }
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        step_began = began
        for line in running.stdout or ():
            print(line, end="", flush=True)
            if found := STEP.search(line):
                if found["what"] == "Executed":
                    times.append(f"{found['step']} {time.monotonic() - step_began:.1f} s")
                step_began = time.monotonic()
    print(f"molecule/{scenario}: {time.monotonic() - began:.1f} s ({', '.join(times)})")
    return running.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
