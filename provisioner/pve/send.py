"""Carry out one call: fetch its secrets, send it, keep what it reveals, and wait for its task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from provisioner.errors import ApiError
from provisioner.model.base import SecretRef
from provisioner.model.objects import Call
from provisioner.pve.session import Session
from provisioner.pve.tasks import Upid, is_upid, wait

Fetch = Callable[[SecretRef], str]
Keep = Callable[[SecretRef, str], object]
Tell = Callable[[float], None]

PASSES_WITHIN_SECONDS = 90.0
"""How long a refusal that passes by itself is waited out; the HA manager looks round every ten seconds."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call: the UPID and warnings of its task if it had one, its answer without secrets."""

    upid: str | None
    warnings: tuple[str, ...]
    value: Any


def send(
    session: Session, call: Call, *, secret: Fetch, reveal: Keep, on_progress: Tell | None = None
) -> Outcome:
    """Carry out a call and wait for its task.

    `secret` fetches the value of a reference, `reveal` keeps one where it belongs, `on_progress` is told the
    seconds waited for the task. Raises AnswerLost if the call may have been executed, and what
    `Session.write` and `tasks.wait` raise.
    """
    hidden = {name: session.redaction.learn(secret(ref)) for name, ref in call.secrets.items()}
    if hidden and call.method == "DELETE":
        raise ValueError("the parameters of a DELETE stand in its address, where no secret may be")
    answer = _patiently(call)(session.write, call.method, call.path, {**call.params, **hidden})
    if call.reveals:
        reveal(call.reveals, _revealed(session, call, answer))
    if not is_upid(answer):
        return Outcome(None, (), session.redaction.value(answer))
    warnings = wait(session, Upid.parse(answer), call.timeout_seconds, on_progress=on_progress)
    return Outcome(answer, warnings, answer)


def _patiently(call: Call) -> Retrying:
    """Try again while the refusal is one that passes by itself."""
    return Retrying(
        retry=retry_if_exception(
            lambda error: isinstance(error, ApiError) and any(text in error.what for text in call.passing)
        ),
        stop=stop_after_delay(PASSES_WITHIN_SECONDS),
        wait=wait_exponential(max=5),
        reraise=True,
    )


def _revealed(session: Session, call: Call, answer: Any) -> str:
    """The secret of a token that was just made: Proxmox VE shows it this once."""
    if isinstance(answer, dict) and isinstance(answer.get("value"), str):
        return session.redaction.learn(answer["value"])
    raise ApiError(
        f"{session.name}: {call.method} {call.path} did not show the secret of the token",
        "run the same command again: the token is made anew if its secret is not known",
        status=200,
    )
