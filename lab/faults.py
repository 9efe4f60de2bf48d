"""Bad days on demand: what is broken at a site, for whom, and how many times more.

A fault is a value; the board of a site keeps those in force. The rooms of the cluster ask the board at the
place where the real thing would break (`take`), so a fault acts exactly where Proxmox would feel it.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from itertools import count
from typing import Any, Literal

from lab.errors import LabRefused

# What each fault does, and how many times it strikes when nobody says (None: until it is lifted).
KINDS: Mapping[str, tuple[str, int | None]] = {
    "lock": ("a guest's or storage's lock is held by another: writes end in a lock time-out", None),
    "no-quorum": ("the cluster lost its quorum: it can be read, not written", None),
    "node-down": ("a node is dead: its endpoint refuses, the others answer 595 for it", None),
    "site-down": ("no endpoint of the site answers", None),
    "slow": ("every answer takes `seconds` longer", None),
    "drop-connection": ("the connection breaks before or after the request was executed", 1),
    "error": ("requests are answered with `status` and `message`", 1),
    "task-fail": ("the next task of a type ends in an error", 1),
    "task-warn": ("the next task of a type ends in WARNINGS: 1", 1),
    "task-endless": ("the next task of a type never ends", 1),
    "ticket-expired": ("login tickets are no longer accepted", 1),
    "token-revoked": ("API tokens are no longer accepted", None),
    "link-cut": ("the site's link to the site `match`, or all its links, drop everything", None),
    "disk-full": ("the site's disk has no room left", None),
    "clock-skew": ("a machine's clock is wrong by `seconds`", None),
    "bit-rot": ("a bit of a machine's file `match` flips on the disk", 1),
    "service-kill": ("a machine's service `match` is killed", 1),
}
LINK_CUT, DISK_FULL, CLOCK_SKEW = "link-cut", "disk-full", "clock-skew"
BIT_ROT, SERVICE_KILL = "bit-rot", "service-kill"
# These break a thing that only a lab of real hosts has.
NEED_MACHINES = (LINK_CUT, DISK_FULL, CLOCK_SKEW, BIT_ROT, SERVICE_KILL)
LOCK, NODE_DOWN, SITE_DOWN, NO_QUORUM = "lock", "node-down", "site-down", "no-quorum"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `match` is a shell pattern on "METHOD /path", on a task's type, or on a token's id.

    It lets the first `skip` matching events pass and strikes the next `times` (None: all). `at_write` strikes
    the site's write of that number only (numbers count from 1 for the life of the lab). `when` says whether a
    dropped request is executed (`after`) or not (`before`). `seconds` are real ones. A `lock` without `guest`
    is on the storage that `match` names. Faults of machines strike the machine of `guest`, or else of `node`.
    """

    name: str
    site: str
    node: str | None = None
    guest: int | None = None
    match: str | None = None
    times: int | None = None
    skip: int = 0
    at_write: int | None = None
    when: Literal["before", "after"] = "after"
    seconds: float = 1.0
    status: int = 500
    message: str | None = None
    id: int = 0

    def __post_init__(self) -> None:
        if self.name not in KINDS:
            raise LabRefused(f"there is no fault named {self.name}", f"Known: {', '.join(KINDS)}.")
        if self.name == NODE_DOWN and not self.node:
            raise LabRefused("node-down needs to know which node", "Add --node.")
        if self.seconds < 0 and self.name != CLOCK_SKEW:
            raise LabRefused(f"{self.name} takes no negative seconds")
        if self.name == LOCK and self.guest is None and not self.match:
            raise LabRefused("lock needs a guest or a storage", "Add --guest ID, or --match STORAGE.")

    def hits(self, event: "Event") -> bool:
        """Whether this fault is meant for what happens now."""
        return (
            (self.node is None or self.node == event.node)
            and (self.guest is None or self.guest == event.guest)
            and (self.match is None or fnmatchcase(event.subject, self.match))
            and (self.at_write is None or self.at_write == event.write)
        )

    def as_json(self) -> dict[str, Any]:
        """The fault as the control channel says it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a fault can strike. `subject` is what a fault's `match` is compared with."""

    subject: str = ""
    node: str | None = None
    guest: int | None = None
    write: int | None = None


class FaultBoard:
    """The faults in force at one site. `changed` is called whenever the set of faults is another one."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._faults: dict[int, Fault] = {}
        self._ids = count(1)
        self._changed = changed

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force; the fault with its id and the number of times that its kind strikes."""
        times = fault.times if fault.times is not None else KINDS[fault.name][1]
        kept = replace(fault, id=next(self._ids), times=times)
        self._faults[kept.id] = kept
        self._changed()
        return kept

    def lift(self, fault_id: int | None = None, name: str | None = None) -> int:
        """Lift one fault, all of a kind, or all; how many were lifted."""
        gone = [
            one.id for one in self._faults.values() if fault_id in (None, one.id) and name in (None, one.name)
        ]
        for one in gone:
            del self._faults[one]
        if gone:
            self._changed()
        return len(gone)

    def listed(self) -> tuple[Fault, ...]:
        """Every fault in force."""
        return tuple(self._faults.values())

    def standing(self, name: str) -> tuple[Fault, ...]:
        """The faults of a kind, for kinds that are a state and not an event."""
        return tuple(one for one in self._faults.values() if one.name == name)

    def take(self, name: str, event: Event, **only: Any) -> Fault | None:
        """The fault of this kind that strikes now, counted as one stroke; None when nothing breaks.

        `only` narrows to faults with these attributes.
        """
        if not self._faults:
            return None
        for fault in self.standing(name):
            if fault.hits(event) and all(getattr(fault, key) == value for key, value in only.items()):
                if fault.skip:
                    self._faults[fault.id] = replace(fault, skip=fault.skip - 1)
                    continue
                self._strike(fault)
                return fault
        return None

    def _strike(self, fault: Fault) -> None:
        if fault.times is None:
            return
        if fault.times > 1:
            self._faults[fault.id] = replace(fault, times=fault.times - 1)
            return
        del self._faults[fault.id]
        self._changed()
