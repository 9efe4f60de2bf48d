"""`python -m lab FOLDER`: the lab of FOLDER/spec.json, in the foreground until it is told to stop."""

import asyncio
import signal
import sys
from pathlib import Path

from lab.errors import LabError
from lab.server import Lab
from lab.spec import LabSpec


async def live(spec: LabSpec, folder: Path) -> None:
    """Run a lab until its control channel or a signal says stop. Raises LabError when it cannot come up."""
    lab = Lab(spec, folder)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lab.done.set)
    await lab.start()
    await lab.run()


def main() -> int:
    """Run the lab of the folder that is the only argument; the exit code."""
    folder = Path(sys.argv[1])
    try:
        asyncio.run(live(LabSpec.from_json((folder / "spec.json").read_text(encoding="utf-8")), folder))
    except LabError as problem:
        sys.stderr.write(f"{problem.what}\n{problem.hint}\n")
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
