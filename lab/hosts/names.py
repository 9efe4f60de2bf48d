"""What everything that a lab makes is called and where it is kept: it is found by name, also after a crash.

Two stand on one machine at once when their names differ: $BASTIDE_LAB_NAME gives another to a lab, and a
workshop, which stands beside a lab, has that of its lab and a letter more.
"""

import os
import re
from pathlib import Path

from lab.errors import LabRefused

VARIABLE = "BASTIDE_LAB_NAME"
DEFAULT = "lab"
WORKSHOP = "w"
BASE_VARIABLE = "BASTIDE_LAB_ROOT"
DEFAULT_BASE = Path("/var/lib/bastide-lab")


def word() -> str:
    """The lab's name: `lab`, or what $BASTIDE_LAB_NAME says. Raises LabRefused for one that does not fit."""
    told = os.environ.get(VARIABLE) or DEFAULT
    if not re.fullmatch(rf"[a-z][a-z0-9]{{0,3}}{WORKSHOP}?", told):
        raise LabRefused(f"{VARIABLE} is {told!r}", "A lab's name is one to four small letters or digits.")
    return told


def enter_workshop() -> None:
    """From now on this process is about the lab's workshop instead of the lab."""
    os.environ[VARIABLE] = word() + WORKSHOP


def whole() -> str:
    """The name of what there is one of: the control group that holds all, the nft table."""
    return f"bastide-{word()}"


def machine(name: str) -> str:
    """A machine's name as systemd-nspawn is told it."""
    return f"bastide-{word()}-{name}"


def links() -> str:
    """What the names of network namespaces and links begin with; short, for a link has 15 letters."""
    return f"b{word()}-"


def base() -> Path:
    """Where all labs of this machine keep what they make: $BASTIDE_LAB_ROOT, else /var/lib/bastide-lab."""
    return Path(os.environ.get(BASE_VARIABLE) or DEFAULT_BASE)


def folder() -> Path:
    """Where this lab keeps its machines, disks and logs; it goes with the lab."""
    return base() / word()


def cache() -> Path:
    """Where images are kept for the next time, for all labs."""
    return base() / "cache"
