"""One apply at a time, for everybody: the lock is a resource pool of the cluster itself.

Creating a pool is atomic in Proxmox VE (it happens under the lock of `user.cfg`), needs no server of
ours, and is seen from every administrator's machine. The pool's comment says who holds the lock.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from provisioner.errors import AnswerLost, ApiError, BastideError, Locked
from provisioner.workflows.sites import OpenSite

POOL = "bastide-lock"

SETTLE_SECONDS = 1.0
"""Two runs may take over one lock at the same moment: whoever wrote last has it, and both look again."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as the pool's comment says it: `user@host/1f2e3d4c pid 123 boot … since …`."""

    user: str
    host: str
    pid: int
    boot: str
    since: str

    def __str__(self) -> str:
        """The comment of the pool."""
        return f"{self.user}@{self.host} pid {self.pid} boot {self.boot} since {self.since}"

    @classmethod
    def me(cls) -> Holder:
        """This very run."""
        return cls(
            getpass.getuser(),
            _machine(),
            os.getpid(),
            _boot(),
            f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        )

    @classmethod
    def read(cls, comment: str) -> Holder | None:
        """The holder that a comment names; None if it names none."""
        words = comment.split()
        if len(words) != 7 or words[1::2] != ["pid", "boot", "since"] or not words[2].isdigit():  # noqa: PLR2004 - the words of __str__
            return None
        user, _, host = words[0].partition("@")
        return cls(user, host, int(words[2]), words[4], words[6])

    def is_gone(self) -> bool:
        """Whether the run has surely ended: it was on this machine, and is no longer there."""
        if self.host != _machine():
            return False
        return self.boot != _boot() or not Path(f"/proc/{self.pid}").exists()


@contextmanager
def locked(sites: tuple[OpenSite, ...], *, take: bool = False, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of each site, in the order of their names, while the block runs.

    `take` takes over a lock whose holder cannot be asked; `tell` is told of a lock that could not be given
    back, which hides nothing of what the block came to. Raises Locked, which says who holds it.
    """
    me = Holder.me()
    with ExitStack() as held:
        for site in sorted(sites, key=lambda one: one.name):
            _acquire(site, me, take=take)
            held.callback(_give_back, site, me, tell)
        yield


def _acquire(site: OpenSite, me: Holder, *, take: bool) -> None:
    if _create(site, me):
        return
    holder = _holder(site)
    known = Holder.read(holder)
    if holder == str(me):
        return
    if not take and not (known and known.is_gone()):
        raise Locked(
            f"{site.name}: another apply is running, by {holder}",
            "wait for it; if you know that it has ended, run again with --take-lock",
        )
    site.session.write("PUT", "/pools", {"poolid": POOL, "comment": str(me)})
    time.sleep(SETTLE_SECONDS)
    if (holder := _holder(site)) != str(me):
        raise Locked(f"{site.name}: another apply took the lock over as well, {holder}", "wait for it")


def _create(site: OpenSite, me: Holder) -> bool:
    """Whether the pool was surely made by this call; after a lost answer the comment tells."""
    try:
        site.session.write("POST", "/pools", {"poolid": POOL, "comment": str(me)})
    except AnswerLost:
        return False
    except ApiError as error:
        if "already exists" not in error.what:
            raise
        return False
    return True


def _holder(site: OpenSite) -> str:
    rows = site.session.get("/pools")
    return next((str(row.get("comment", "")) for row in rows if row["poolid"] == POOL), "")


def _give_back(site: OpenSite, me: Holder, tell: Callable[[str], None]) -> None:
    """Give the lock back if it still is ours; what hinders that is told, not raised."""
    try:
        _release(site, me)
    except BastideError as error:
        tell(
            f"The lock of {site.name} stays behind, and the next apply of this machine takes it: {error.what}"
        )


def _release(site: OpenSite, me: Holder) -> None:
    """Give the lock back, unless somebody took it over; after a lost answer it is looked for once more."""
    if _holder(site) != str(me):
        return
    try:
        site.session.write("DELETE", "/pools", {"poolid": POOL})
    except AnswerLost:
        if _holder(site) == str(me):
            site.session.write("DELETE", "/pools", {"poolid": POOL})


def _machine() -> str:
    """The name of this machine, and what tells it from another of that name, or from a container on it."""
    identity = Path("/etc/machine-id")
    own = identity.read_text(encoding="ascii").strip() if identity.exists() else ""
    told = hashlib.sha256(f"{own} {Path('/proc/self/ns/pid').readlink()}".encode()).hexdigest()
    return f"{socket.gethostname()}/{told[:8]}"


def _boot() -> str:
    """The kernel's id of this boot, so that a pid of an earlier boot is not taken for a living run."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
