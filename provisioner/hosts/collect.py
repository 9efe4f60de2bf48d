"""What hosts say of themselves: one connection to each, and one program that only reads."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from provisioner.hosts.connection import Answer, Connection, Trouble
from provisioner.hosts.program import program
from provisioner.model.finding import Collected, Subject
from provisioner.model.machine import Machine
from provisioner.model.ssh import Ssh

AT_ONCE = 32
"""Hosts that are looked at together."""
LONGEST = 9 * 1024 * 1024
"""Bytes that are read of a host; the program itself says no more than 8 MiB."""
SECONDS = 90.0
"""For one host to answer; the program itself ends after 60."""
CLOCK_OFF = timedelta(minutes=2)
"""A clock that is further off is told of at once."""

FORMAT = "bastide-facts/1"
_BEGIN = f'{{"format": "{FORMAT}"'.encode()

_NO_PYTHON = re.compile(r"python3\W.*(not found|no such file)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """A host to look at, and the subject of the audit that it is."""

    machine: Machine
    subject: Subject


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a host answered: its sections and what they rest on, and how far its clock is off."""

    sections: Mapping[str, Mapping[str, Any]]
    raw: Mapping[str, str]
    clock_off: timedelta


@dataclass(frozen=True, slots=True)
class _Way:
    """How hosts are reached: the estate's folder and what it says of ssh, and the time."""

    folder: Path
    ssh: Ssh
    now: Callable[[], datetime]

    def to(self, connection: Connection) -> _Seen:
        """Look at a host. Raises Trouble."""
        try:
            connection.log_in(self.ssh, self.folder)
            sent = self.now()
            asked = command(connection.machine.user)
            answer = connection.ask(asked, program(), longest=LONGEST, seconds=SECONDS)
        finally:
            connection.close()
        return understood(answer, sent, self.now())


def collect(
    targets: Sequence[Target],
    ssh: Ssh,
    folder: Path,
    tell: Callable[[str], None],
    *,
    now: Callable[[], datetime],
) -> tuple[Collected, ...]:
    """Look at all hosts, several at once; what was collected of each, in the order of `targets`.

    Nothing is changed on a host. One that cannot be looked at has `trouble` in place of sections, and stops
    nobody else. `folder` is the estate's; `tell` is told a line of each host as soon as it is through, from
    the caller's thread; `now` gives aware times. On KeyboardInterrupt, or what `tell` raises, all connections
    are closed first.
    """
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)  # it would print tracebacks of its own
    way = _Way(folder, ssh, now)
    connections = [Connection(target.machine) for target in targets]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {
            pool.submit(_collected, target, connection, way): number
            for number, (target, connection) in enumerate(zip(targets, connections, strict=True))
        }
        with _closed_on_trouble(running, connections):
            found = {running[one]: _told(one.result(), tell) for one in as_completed(running)}
    return tuple(found[number] for number in sorted(found))


@contextmanager
def _closed_on_trouble(
    running: Mapping[Future[tuple[Collected, str]], int], connections: Sequence[Connection]
) -> Iterator[None]:
    """Without this, whoever presses Ctrl-C would wait for the slowest host."""
    try:
        yield
    except BaseException:
        for one in running:
            one.cancel()
        for connection in connections:
            connection.close()
        raise


def _told(found: tuple[Collected, str], tell: Callable[[str], None]) -> Collected:
    collected, words = found
    tell(f"{collected.subject.name}: {words}")
    return collected


def _collected(target: Target, connection: Connection, way: _Way) -> tuple[Collected, str]:
    """What was collected of a host, and what there is to say of it at once."""
    began = way.now()
    try:
        seen = way.to(connection)
    except Trouble as trouble:
        why = str(trouble)
        return Collected(target.subject, began, {}, why), why
    except Exception as error:  # noqa: BLE001 - paramiko raises whatever a host's packets make it stumble over
        why = f"what it sent was not understood: {type(error).__name__}: {error}"
        return Collected(target.subject, began, {}, why), why
    errors = sum("error" in section for section in seen.sections.values())
    words = f"looked at, {errors} of {len(seen.sections)} sections could not be" if errors else "looked at"
    if abs(seen.clock_off) > CLOCK_OFF:
        words += f"; its clock is {_apart(seen.clock_off)}"
    return Collected(target.subject, began, seen.sections, raw=seen.raw), words


def _apart(offset: timedelta) -> str:
    minutes = round(abs(offset).total_seconds() / 60)
    return f"{minutes} minutes {'ahead' if offset > timedelta() else 'behind'}"


def command(user: str) -> str:
    """What is run on a host: at the lowest priority, with nothing of the user's own Python, no bytecode."""
    sudo = "" if user == "root" else "sudo -n "
    return f"exec nice -n 19 ionice -c 3 {sudo}python3 -ISB -X utf8 -"


def understood(answer: Answer, sent: datetime, received: datetime) -> _Seen:
    """What a host answered, checked for its form. Raises Trouble for anything else.

    What a shell's start-up files print before it is passed over. `os` gets `clock_offset_seconds`: how far
    the host's clock is ahead of ours, 0 if its time lies between the question and the answer.
    """
    at = answer.out.rfind(_BEGIN)
    if at < 0:
        raise Trouble(_why(answer))
    try:
        told = json.loads(answer.out[at:].decode("utf-8", "replace"))
        sections, raw = _sections(told["sections"]), _raw(told["raw"])
        off = _clock_off(datetime.fromisoformat(told["collected_at"]).astimezone(UTC), sent, received)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Trouble(f"its answer breaks off or is garbled, {len(answer.out)} bytes long") from None
    if isinstance(sections.get("os", {}).get("data"), dict):
        system = {**sections["os"]["data"], "clock_offset_seconds": off.total_seconds()}
        sections = {**sections, "os": {"data": system}}
    return _Seen(sections, raw, off)


def _sections(told: Any) -> dict[str, Mapping[str, Any]]:
    """Each section has data or says in a sentence why it has none. Raises ValueError."""
    for name, section in told.items():
        if not isinstance(section, dict) or ("data" not in section) is not isinstance(
            section.get("error"), str
        ):
            raise ValueError(name)
    return dict(told)


def _raw(told: Any) -> dict[str, str]:
    return {str(name): str(text) for name, text in told.items()}


def _clock_off(theirs: datetime, sent: datetime, received: datetime) -> timedelta:
    """Their clock tells whole seconds."""
    if theirs > received:
        return theirs - received
    return min(theirs + timedelta(seconds=1) - sent, timedelta())


def _why(answer: Answer) -> str:
    """What stands in the way of an answer, in the words of what was said instead."""
    said = answer.err.strip() or answer.out[:2000].decode("utf-8", "replace").strip()
    words = "".join(one if one.isprintable() else " " for one in said)[-300:]
    if _NO_PYTHON.search(said):
        return f"python3 is not installed there, which looks at it: {words}"
    if "sudo:" in said:
        return f"sudo refuses to run python3 without a password: {words}"
    if answer.code is None and not said:
        return "it ended the connection without an answer"
    return f"it answered something else than facts (exit code {answer.code}): {words or 'nothing'}"
