"""Worker tasks of Proxmox VE: wait for their end, and tell how it was (PVE/UPID.pm, PVE/API2/Tasks.pm)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from provisioner.errors import (
    AnswerLost,
    ApiError,
    BastideError,
    LockTimeout,
    TaskFailed,
    TaskTimeout,
    Unreachable,
)
from provisioner.pve.answers import NODE_TROUBLE, PROXY_TROUBLE, is_lock_timeout
from provisioner.pve.session import Session

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
NODE_SILENT_SECONDS = 120.0
"""A node that is silent for so long has been fenced or has failed, and its tasks with it."""
LOG_LINES = 5000
LAST_LINES = 5

_UPID = re.compile(
    r"UPID:(?P<node>[a-zA-Z0-9][a-zA-Z0-9-]*):(?P<pid>[0-9A-Fa-f]{8}):(?P<pstart>[0-9A-Fa-f]{8,9})"
    r":(?P<start>[0-9A-Fa-f]{8}):(?P<type>[^:\s]+):(?P<id>[^:\s]*):(?P<user>[^:\s]+):"
)


@dataclass(frozen=True, slots=True)
class Upid:
    """The identity of a task. `id` is what it works on (a VMID), or empty; `user` may hold `!token`."""

    text: str
    node: str
    pid: int
    pstart: int
    started: datetime
    type: str
    id: str
    user: str

    @classmethod
    def parse(cls, text: str) -> Upid:
        """Read a UPID. Raises ValueError for anything else."""
        match = _UPID.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is no UPID")
        return cls(
            text=text,
            node=match["node"],
            pid=int(match["pid"], 16),
            pstart=int(match["pstart"], 16),
            started=datetime.fromtimestamp(int(match["start"], 16), UTC),
            type=match["type"],
            id=match["id"],
            user=match["user"],
        )

    def __str__(self) -> str:
        """`qmclone 110 on ventoux-1`, as people name a task."""
        return f"{' '.join(filter(None, (self.type, self.id)))} on {self.node}"

    @property
    def path(self) -> str:
        """The API path of the task."""
        return f"/nodes/{self.node}/tasks/{quote(self.text, safe=':@!')}"


def is_upid(answer: Any) -> bool:
    """Whether the answer of a call is a task that has been started."""
    return isinstance(answer, str) and _UPID.fullmatch(answer) is not None


def wait(
    session: Session,
    upid: Upid,
    timeout_seconds: float,
    *,
    on_progress: Callable[[float], None] | None = None,
) -> tuple[str, ...]:
    """Wait for the end of a task; return its warnings. `on_progress` is told the seconds waited so far.

    Raises TaskFailed, LockTimeout if the task waited for a lock in vain, and TaskTimeout if it still runs or
    nothing can be learned of it any more. A node or an endpoint that is silent for a while is waited for.
    """
    begun = answered = time.monotonic()
    pause = FIRST_PAUSE_SECONDS
    while True:
        status, trouble = _look(session, upid)
        now = time.monotonic()
        if status.get("status") == "stopped":
            return _ended(session, upid, str(status.get("exitstatus", "")))
        answered = answered if trouble else now
        if now + pause > begun + timeout_seconds or now - answered > NODE_SILENT_SECONDS:
            raise _timed_out(session, upid, now - begun, trouble)
        if on_progress:
            on_progress(now - begun)
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def _look(session: Session, upid: Upid) -> tuple[dict[str, Any], BastideError | None]:
    """The status of a task, or why nothing can be learned of it just now."""
    try:
        return session.get(f"{upid.path}/status"), None
    except (Unreachable, AnswerLost) as error:
        return {}, error
    except ApiError as error:
        if error.status in NODE_TROUBLE | PROXY_TROUBLE:
            return {}, error
        if error.status == HTTPStatus.BAD_REQUEST:
            raise TaskFailed(
                f"{session.name}: {upid.node} does not know the task {upid} ({upid.text})",
                "it may have been lost with its node: look at the object, and run the same command again",
            ) from error
        raise


def _ended(session: Session, upid: Upid, exit_status: str) -> tuple[str, ...]:
    """The warnings of a task that went well. Raises TaskFailed or LockTimeout for any other."""
    if exit_status == "OK":
        return ()
    if exit_status.startswith("WARNINGS: "):
        warned = tuple(line for line in _log(session, upid) if line.startswith("WARN"))
        return warned or (f"{upid}: {exit_status}",)
    what = f"{session.name}: the task {upid} failed: {exit_status or 'it gave no exit status'}"
    last = "\n".join(f"  {line}" for line in _log(session, upid)[-LAST_LINES:])
    failure = LockTimeout if is_lock_timeout(exit_status) else TaskFailed
    raise failure(
        session.redaction.text(what), f"the log of {upid.text} ends with:\n{last}" if last else upid.text
    )


def _log(session: Session, upid: Upid) -> list[str]:
    """The lines of a task's log without secrets; none if it cannot be read, which hides no failure."""
    try:
        lines = session.get(f"{upid.path}/log?limit={LOG_LINES}")
    except BastideError:
        return []
    return [session.redaction.text(str(line["t"])) for line in lines if line.get("t")]


def _timed_out(session: Session, upid: Upid, seconds: float, trouble: BastideError | None) -> TaskTimeout:
    what = f"{session.name}: the task {upid} had not ended after {seconds:.0f} s ({upid.text})"
    if trouble:
        return TaskTimeout(f"{what}; nothing can be learned of it: {trouble.what}", trouble.hint)
    return TaskTimeout(
        what,
        f"it still runs: read its log on node {upid.node} (`pvenode task log {upid.text}`); "
        "stop it there if it hangs, then run the same command again",
    )
