"""Hardening: every chosen host to its level, batch by batch; the first that is worse off ends it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from provisioner.decide.batches import batches
from provisioner.decide.disturbance import Clock, closed_for
from provisioner.decide.machines import machines
from provisioner.errors import Refused
from provisioner.estate.load import Loaded
from provisioner.hosts import ansible
from provisioner.model.hardening import Level, number
from provisioner.model.hosts import Batch, HostOutcome, Seen
from provisioner.report.hosts import HostProgress
from provisioner.workflows.converge import public_holidays
from provisioner.workflows.journal import Journal
from provisioner.workflows.sites import chosen_sites

PLAYBOOK, RETURNED = "harden", "returned"


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
    """The hosts that are meant, in their order. Raises Refused when there are none, EstateInvalid never."""
    sites = chosen_sites(loaded, wish.sites)
    found = [
        machine
        for machine in machines(loaded.estate)
        if (machine.site in sites if machine.site else not wish.sites)
        and (not wish.limit or any(fnmatchcase(machine.name, pattern) for pattern in wish.limit))
    ]
    if not found:
        names = ", ".join(machine.name for machine in machines(loaded.estate))
        raise Refused(
            f"no host is meant by {' '.join(wish.limit) or 'that choice'}: nothing was looked at",
            f"the hosts of this estate are {names}",
        )
    return batches(found, loaded.estate)


def harden(
    loaded: Loaded, order: tuple[Batch, ...], wish: Wish, shown: HostProgress, *, check: bool
) -> Hardened:
    """Work on the batches in their order and stop after the first with a host that is worse off.

    With `check` nothing is changed, and every batch is looked at whatever the others say.
    Every host's outcome is in the journal before the next batch begins.
    """
    waiting = _waiting(loaded, order, wish)
    hosts = sum(len(batch.hosts) for batch in order)
    journal = None if check else Journal(loaded.folder, "harden", estate=loaded.estate.estate, hosts=hosts)
    outcomes: list[HostOutcome] = []
    left = list(order)
    try:
        while left:
            batch = left.pop(0)
            shown.begins(batch)
            found = _batch(loaded, batch, wish, shown, check=check, waiting=waiting)
            if not check:
                found = [_returned(loaded, one, shown) for one in found]
            outcomes += found
            if journal:
                for one in found:
                    journal.write("host", host=one.host, became=one.word, changes=len(one.changes))
            if not check and any(one.trouble for one in found):
                break
    finally:
        if journal:
            journal.close()
    return Hardened(tuple(outcomes), tuple(host for batch in left for host in batch.hosts), waiting)


def _waiting(loaded: Loaded, order: Iterable[Batch], wish: Wish) -> dict[str, tuple[str, ...]]:
    if wish.break_glass:
        return {}
    now = datetime.now(UTC)
    clock = Clock(now, ZoneInfo(loaded.estate.timezone), public_holidays(loaded.estate, now.date()))
    reasons = {host: closed_for(host, loaded.estate, clock) for batch in order for host in batch.hosts}
    return {host: found for host, found in reasons.items() if found}


def _batch(  # noqa: PLR0913 - what a run is told
    loaded: Loaded,
    batch: Batch,
    wish: Wish,
    shown: HostProgress,
    *,
    check: bool,
    waiting: Mapping[str, tuple[str, ...]],
) -> list[HostOutcome]:
    seen: dict[str, list[Seen]] = {host: [] for host in batch.hosts}

    def notice(one: Seen) -> None:
        seen.setdefault(one.host, []).append(one)
        shown.seen(one)

    level: dict[str, object] = {"bastide_level": number(wish.level)} if wish.level else {}
    play = ansible.Play(
        PLAYBOOK,
        loaded.folder,
        batch.hosts,
        check=check,
        tags=wish.tags,
        variables=level,
        of_hosts={host: {"bastide_restarts": host not in waiting} for host in batch.hosts},
    )
    code = ansible.run(play, notice)
    return [_outcome(host, batch, found, code) for host, found in seen.items()]


def _outcome(host: str, batch: Batch, seen: list[Seen], code: int) -> HostOutcome:
    trouble = next((one for one in seen if one.state in {"failed", "unreachable"}), None)
    if trouble is None and not seen:
        said = "another host of the batch went wrong first" if code else "Ansible said nothing of it"
        trouble = Seen(host, "", "", "failed", message=said)
    changes = tuple(one for one in seen if one.state == "changed")
    return HostOutcome(host, batch.title, changes, trouble)


def _returned(loaded: Loaded, outcome: HostOutcome, shown: HostProgress) -> HostOutcome:
    """The outcome of a host after it had time to put its access back, if something went wrong on it."""
    if outcome.trouble is None or not outcome.trouble.host:
        return outcome
    came_back = False

    def notice(one: Seen) -> None:
        nonlocal came_back
        came_back = came_back or one.state == "changed"

    shown.waits(outcome.host)
    ansible.run(ansible.Play(RETURNED, loaded.folder, (outcome.host,)), notice)
    return replace(outcome, came_back=came_back)
