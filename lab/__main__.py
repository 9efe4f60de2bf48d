"""`python -m lab FOLDER`: the lab of FOLDER/spec.json, in the foreground until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from lab.errors import LabError
from lab.server import Lab
from lab.spec import LabSpec


async def live(lab: Lab) -> None:
    """Run a lab until its control channel or a signal says stop. Raises LabError when it cannot come up."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lab.done.set)
    await lab.start()
    await lab.run()


def told(lab: Callable[[], Lab]) -> int:
    """Make and run a lab, and say in two lines why it could not be; the exit code."""

    async def run() -> None:
        await live(lab())

    try:
        asyncio.run(run())
    except LabError as problem:
        sys.stderr.write(f"{problem.what}\n{problem.hint}\n")
        return problem.exit_code
    return 0


def spec_in(folder: Path) -> LabSpec:
    """The spec that whoever starts a lab wrote into its folder."""
    return LabSpec.from_json((folder / "spec.json").read_text(encoding="utf-8"))


def main() -> int:
    """Run the lab of the folder that is the only argument; the exit code."""
    folder = Path(sys.argv[1])
    return told(lambda: Lab(spec_in(folder), folder))


if __name__ == "__main__":
    sys.exit(main())
