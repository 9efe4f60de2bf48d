"""`python -m lab.hosts FOLDER ROOT`: the API of the machines that are up, until it is told to stop."""

import sys
from pathlib import Path

from lab.__main__ import spec_in, told
from lab.hosts.live import HostsLab
from lab.hosts.machines import Plant
from lab.hosts.topology import standard


def main() -> int:
    """Serve the lab of the two folders that are the only arguments; the exit code."""
    folder, root = map(Path, sys.argv[1:3])
    spec = spec_in(folder)
    plant = Plant(standard(spec.sites[0].pve_major), root)
    return told(lambda: HostsLab(spec, folder, plant, keys=folder, states=root / "api"))


if __name__ == "__main__":
    sys.exit(main())
