"""What an HTTP answer of Proxmox VE means: its data, or one clear sentence and what to do.

The error text is the reason phrase, and since pve-http-server 5.2 also the body's `message`; "does not exist"
is a 500; trouble between nodes is 595 to 599 with an empty body (PVE/APIServer/AnyEvent.pm).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests

from provisioner.errors import AnswerLost, ApiError, BastideError, NoQuorum
from provisioner.pve.permissions import how_to_grant

NODE_SILENT = 595
"""The endpoint could not connect to the node that the path names: the node has executed nothing."""
NODE_TROUBLE = frozenset({NODE_SILENT, 596, 597, 598, 599})
PROXY_TROUBLE = frozenset({502, 503, 504})
"""Proxmox VE never answers these; a reverse proxy in front of it does."""

_LOCK = re.compile(r"can't lock file .* - got timeout|got lock request timeout")
_LOCK_BROKEN = "got lock timeout - aborting command"
_NO_QUORUM = re.compile(r"no quorum|unable to open file '/etc/pve/.*Permission denied")
_DENIED = re.compile(r"Permission check failed \((?P<path>/[^,]*), (?P<privileges>[^)]+)\)")
_NODE_HINT = "the endpoint cannot reach the node that the path names: check that the node runs"
_PROXY_HINT = "a proxy stands before the endpoint and cannot reach it: name the nodes in `api.endpoints`"


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, of which endpoint, as whom: for the sentences."""

    site: str
    identity: str
    endpoint: str
    method: str
    path: str

    @property
    def is_write(self) -> bool:
        """Whether it may have changed something."""
        return self.method != "GET"

    def __str__(self) -> str:
        """`carpentras: POST /pools`, without the query."""
        return f"{self.site}: {self.method} {self.path.partition('?')[0]}"


def is_lock_timeout(text: str) -> bool:
    """Whether Proxmox VE waited for a lock in vain and executed nothing (PVE/Tools.pm, PVE/Cluster.pm)."""
    return _LOCK.search(text) is not None


def read(answer: requests.Response, question: Question) -> dict[str, Any]:
    """An answer as it is: its `data`, and what a few paths tell beside it.

    Raises ApiError, NoQuorum, or AnswerLost for a write with an unclear end.
    """
    body = _json(answer)
    if answer.status_code == HTTPStatus.OK and body is not None and "data" in body:
        return body
    if HTTPStatus.OK <= answer.status_code < HTTPStatus.BAD_REQUEST:
        raise _foreign(answer, question)
    raise _refusal(answer.status_code, _text(answer, body), _fields(body), question)


def _json(answer: requests.Response) -> dict[str, Any] | None:
    try:
        body = json.loads(answer.content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _text(answer: requests.Response, body: dict[str, Any] | None) -> str:
    """The error text in one line. http.client reads the reason phrase as Latin-1, and it is UTF-8."""
    message = str((body or {}).get("message") or "")
    reason = (answer.reason or "").encode("latin-1", "replace").decode(errors="replace")
    return " ".join((message or reason or "no reason given").split())


def _fields(body: dict[str, Any] | None) -> dict[str, str]:
    errors = (body or {}).get("errors")
    return (
        {name: " ".join(str(text).split()) for name, text in errors.items()}
        if isinstance(errors, dict)
        else {}
    )


def _foreign(answer: requests.Response, question: Question) -> ApiError:
    kind = answer.headers.get("Content-Type", "no content type").partition(";")[0]
    return ApiError(
        f"{question}: {question.endpoint} answered {answer.status_code} with {kind}, not as Proxmox VE does",
        "check that `api.endpoints` leads to port 8006 of a node, and to no login page or proxy on the way",
        status=answer.status_code,
    )


def _refusal(status: int, text: str, fields: dict[str, str], question: Question) -> BastideError:
    if status == HTTPStatus.UNAUTHORIZED:
        return _unauthorized(text, question)
    if status == HTTPStatus.FORBIDDEN:
        return _forbidden(text, question)
    if _NO_QUORUM.search(text):
        return NoQuorum(
            f"{question}: the cluster has no quorum ({text})",
            "nothing can be written until enough nodes are back; `pvecm status` tells which are missing",
        )
    if question.is_write and (
        status in (NODE_TROUBLE | PROXY_TROUBLE) - {NODE_SILENT} or _LOCK_BROKEN in text
    ):
        return AnswerLost(f"{question}: {status} {text} from {question.endpoint}; it may have been executed")
    named = "; ".join(f"{name}: {problem}" for name, problem in fields.items())
    what = f"{question} was refused by {question.endpoint}: {status} {text}{' ' + named if named else ''}"
    return ApiError(what, _hint(status, text, fields), status=status, fields=fields)


def _unauthorized(text: str, question: Question) -> ApiError:
    what = f"{question.site}: {question.identity} was refused by {question.endpoint}: 401 {text}"
    if "!" in question.identity:
        user, _, name = question.identity.partition("!")
        hint = (
            f"the token was revoked, has expired, or has another secret (`pveum user token list {user}`): "
            f"renew it with `pveum user token add {user} {name}` and store its secret where `api.secret` says"
        )
    else:
        hint = (
            "check the password that `api.secret` refers to, and that the user is enabled and has not expired"
        )
    return ApiError(what, hint, status=HTTPStatus.UNAUTHORIZED)


def _forbidden(text: str, question: Question) -> ApiError:
    denied = _DENIED.search(text)
    if not denied:
        what = f"{question}: {question.identity} may not do this: {text}"
        hint = f"see what it holds with `pveum user permissions {question.identity}`"
        return ApiError(what, hint, status=HTTPStatus.FORBIDDEN)
    path, privileges = denied["path"], " or ".join(denied["privileges"].split("|"))
    what = f"{question}: {question.identity} needs {privileges} on {path}"
    return ApiError(what, how_to_grant(question.identity, path), status=HTTPStatus.FORBIDDEN)


def _hint(status: int, text: str, fields: dict[str, str]) -> str:
    if fields:
        return f"correct {', '.join(fields)}"
    if is_lock_timeout(text):
        return "another task holds the lock: look at the task list of the node, and try again"
    if "is locked" in text:
        return "a task (a backup, a migration) works on the guest: wait for its end, and try again"
    if status in NODE_TROUBLE:
        return _NODE_HINT
    return _PROXY_HINT if status in PROXY_TROUBLE else ""
