"""Hardening: every chosen host to its level, batch by batch; the first that is worse off ends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from filelock import FileLock, Timeout

from provisioner.decide.batches import batches
from provisioner.decide.disturbance import Clock, closed_for
from provisioner.errors import Locked, Refused
from provisioner.estate.load import Loaded
from provisioner.hosts import ansible
from provisioner.model.hardening import Level, number
from provisioner.model.hosts import Batch, HostOutcome, Seen
from provisioner.report.hosts import HostProgress
from provisioner.share import share
from provisioner.workflows.converge import public_holidays
from provisioner.workflows.hosts import chosen_machines
from provisioner.workflows.journal import Journal

PLAYBOOK, RETURNED = "harden", "returned"
LOCK = ".bastide/harden.lock"


@dataclass(frozen=True, slots=True)
class Wish:
    """What to harden: the hosts of some sites, by name or pattern; to which level; with which roles alone.

    An empty choice means all, no level means each host's own. `break_glass` is the reason for disturbing
    services outside their windows.
    """

    sites: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    level: Level | None = None
    tags: tuple[str, ...] = ()
    break_glass: str = ""


@dataclass(frozen=True, slots=True)
class Hardened:
    """What became of each host that was reached, and which were not begun because another went wrong."""

    outcomes: tuple[HostOutcome, ...]
    not_begun: tuple[str, ...]
    waiting: Mapping[str, tuple[str, ...]]
    """Hosts whose services must not be disturbed now, and why: what needs a restart waits there."""


def chosen(loaded: Loaded, wish: Wish) -> tuple[Batch, ...]:
    """The hosts that are meant, in their order. Raises Refused when a name or tag means nothing."""
    known = ansible.tags() if wish.tags else frozenset()
    if unknown := set(wish.tags) - known:
        raise Refused(
            f"no task has the tag {', '.join(sorted(unknown))}: nothing was looked at",
            f"the roles are {', '.join(sorted(known & {role.name for role in share('roles').iterdir()}))}",
        )
    return batches(chosen_machines(loaded, wish.sites, wish.limit), loaded.estate)


def look(loaded: Loaded, order: tuple[Batch, ...], wish: Wish, shown: HostProgress) -> Hardened:
    """What hardening would change, batch by batch, whatever goes wrong on some host; nothing is changed.

    Raises Locked as `harden` does.
    """
    with _alone(loaded.folder):
        run = _Run(loaded, wish, shown, _waiting(loaded, order, wish), check=True)
        outcomes = tuple(one for batch in order for one in run.batch(batch))
    return Hardened(outcomes, (), run.waiting)


def harden(loaded: Loaded, order: tuple[Batch, ...], wish: Wish, shown: HostProgress) -> Hardened:
    """Work on the batches in their order and stop after the first with a host that is worse off.

    What became of every host is in the journal before the next batch begins. Raises Locked when another run
    hardens from this folder, Refused when the journal cannot be written.
    """
    with _alone(loaded.folder), _recorded(loaded, order, wish) as journal:
        run = _Run(loaded, wish, shown, _waiting(loaded, order, wish))
        outcomes: list[HostOutcome] = []
        left = list(order)
        while left and not any(one.trouble for one in outcomes):
            found = run.batch(left.pop(0))
            for one in found:
                journal.write("host", host=one.host, became=one.word, changes=len(one.changes))
            outcomes += found
    return Hardened(tuple(outcomes), tuple(host for batch in left for host in batch.hosts), run.waiting)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    file = folder / LOCK
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file, timeout=0):
            yield
    except Timeout:
        raise Locked(
            f"another run looks at or hardens the hosts of this estate, and holds {file}",
            "wait for it to end; nothing was done",
        ) from None
    except PermissionError as error:
        raise Refused(
            f"{file} cannot be written: {error.strerror}", "let the estate's folder be written to"
        ) from error


@contextmanager
def _recorded(loaded: Loaded, order: tuple[Batch, ...], wish: Wish) -> Iterator[Journal]:
    hosts = sum(len(batch.hosts) for batch in order)
    journal = Journal(loaded.folder, "harden", estate=loaded.estate.estate, hosts=hosts)
    try:
        if wish.break_glass:
            journal.write("break-glass", reason=wish.break_glass)
        yield journal
    finally:
        journal.close()


def _waiting(loaded: Loaded, order: Iterable[Batch], wish: Wish) -> dict[str, tuple[str, ...]]:
    if wish.break_glass:
        return {}
    now = datetime.now(UTC)
    clock = Clock(now, ZoneInfo(loaded.estate.timezone), public_holidays(loaded.estate, now.date()))
    reasons = {host: closed_for(host, loaded.estate, clock) for batch in order for host in batch.hosts}
    return {host: found for host, found in reasons.items() if found}


@dataclass(frozen=True, slots=True)
class _Run:
    """What is the same for all batches of a run."""

    loaded: Loaded
    wish: Wish
    shown: HostProgress
    waiting: Mapping[str, tuple[str, ...]]
    check: bool = False

    def batch(self, batch: Batch) -> list[HostOutcome]:
        """What becomes of the hosts of a batch, worked on together; each to its end or its trouble."""
        self.shown.begins(batch)
        seen: dict[str, list[Seen]] = {host: [] for host in batch.hosts}

        def notice(one: Seen) -> None:
            seen.setdefault(one.host, []).append(one)
            self.shown.seen(one)

        ansible.run(self._play(batch), notice)
        return [self._outcome(host, batch, tasks) for host, tasks in seen.items()]

    def _outcome(self, host: str, batch: Batch, seen: list[Seen]) -> HostOutcome:
        found = _outcome(host, batch, seen)
        # A host on which nothing ran has nothing to put back.
        worked_on = any(one.state in {"ok", "changed"} for one in seen)
        return self._returned(found) if found.trouble and worked_on and not self.check else found

    def _play(self, batch: Batch) -> ansible.Play:
        return ansible.Play(
            PLAYBOOK,
            self.loaded.folder,
            batch.hosts,
            check=self.check,
            tags=self.wish.tags,
            variables={"bastide_level": number(self.wish.level)} if self.wish.level else {},
            of_hosts={host: {"bastide_restarts": host not in self.waiting} for host in batch.hosts},
        )

    def _returned(self, outcome: HostOutcome) -> HostOutcome:
        """The outcome of a host on which something went wrong, after it had time to put its access back."""
        came_back = False

        def notice(one: Seen) -> None:
            nonlocal came_back
            came_back = came_back or one.state == "changed"

        self.shown.waits(outcome.host)
        ansible.run(ansible.Play(RETURNED, self.loaded.folder, (outcome.host,)), notice)
        return replace(outcome, came_back=came_back)


def _outcome(host: str, batch: Batch, seen: list[Seen]) -> HostOutcome:
    trouble = next((one for one in seen if one.state in {"failed", "unreachable"}), None)
    if trouble is None and not seen:
        trouble = Seen(host, "", "", "failed", message="Ansible said nothing of it")
    changes = tuple(one for one in seen if one.state == "changed")
    return HostOutcome(host, batch.title, changes, trouble)
