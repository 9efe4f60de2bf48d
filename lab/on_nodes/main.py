"""One program by many names: which of Proxmox VE's commands it is, the name that it was called by tells."""

import sys
from collections.abc import Callable, Mapping
from functools import partial

from .cluster import PVECM, pveversion
from .errors import CommandFailed, not_offered
from .guests import PCT, QM, qmrestore, vzdump
from .ha import HA_MANAGER
from .pvesh import pvesh
from .storage import PVESM
from .table import run
from .words import read

COMMANDS: Mapping[str, Callable[[list[str]], None]] = {
    **{table.name: partial(run, table) for table in (QM, PCT, HA_MANAGER, PVESM, PVECM)},
    "pvesh": pvesh,
    "pveversion": pveversion,
    "qmrestore": lambda words: qmrestore(read(words)),
    "vzdump": lambda words: vzdump(read(words)),
}
# Commands that Proxmox VE has and the lab has not; they are there to say so.
ABSENT = (
    "pveam",
    "pveceph",
    "pvenode",
    "pvesr",
    "pvesubscription",
    "pveum",
    "pveupgrade",
    "proxmox-boot-tool",
)


def main(name: str, words: list[str]) -> int:
    """Run the command of a name; its exit code."""
    try:
        if name not in COMMANDS:
            raise not_offered(name, "ask the API, `pvesh` reaches all of it that the lab has")
        COMMANDS[name](words)
    except CommandFailed as failed:
        sys.stderr.write(failed.said.rstrip("\n") + "\n")
        return failed.code
    except BrokenPipeError:
        return 1
    return 0
