"""One HTTP request to one endpoint: its answer, or whether it may have been executed without one."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from proxmoxer.backends.https import ProxmoxHttpSession
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from provisioner.pve.trust import Trust, WrongFingerprint, explain

IDLE_SECONDS = 4.0
"""pve-http-server closes a connection that is idle for 5 s, perhaps just as a request is sent on it."""


class NotSent(Exception):
    """The endpoint was not reached or not trusted: nothing was sent to it."""

    def __init__(self, why: str, hint: str = "", *, untrusted: bool = False) -> None:
        super().__init__(why)
        self.hint = hint
        self.untrusted = untrusted


class Lost(Exception):
    """The request was sent and no answer came. `timed_out` if the endpoint was silent all the time."""

    def __init__(self, why: str, *, timed_out: bool = False) -> None:
        super().__init__(why)
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: the path below `/api2/json` with its query, and the form of a POST or PUT."""

    method: str
    path: str
    form: Mapping[str, Any] | None = None


class Line(ProxmoxHttpSession):  # type: ignore[misc]  # proxmoxer ships no types
    """The connections that one thread uses at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # REQUESTS_CA_BUNDLE, .netrc and proxies would override the estate
        self.endpoints: set[str] = set()
        self.used_at = time.monotonic()


class Lines:
    """Idle lines of one cluster, the warmest on top. Safe to use from several threads."""

    def __init__(self, trust: Trust, timeout_seconds: float) -> None:
        self._trust = trust
        self._timeout = (min(trust.connect_seconds, timeout_seconds), timeout_seconds)
        self._idle: deque[Line] = deque()
        self._lock = threading.Lock()
        self.requests_made = 0

    def exchange(self, url: str, request: Request, auth: Any) -> requests.Response:
        """The answer of one endpoint. Raises NotSent or Lost."""
        line = self._take(url)
        with self._lock:
            self.requests_made += 1
        try:
            answer: requests.Response = line.request(
                request.method,
                f"{url}/api2/json{request.path}",
                data=dict(request.form) if request.form else None,
                auth=auth,
                timeout=self._timeout,
                verify=True,
                allow_redirects=False,
            )
        except (requests.RequestException, OSError) as error:
            line.close()
            raise self._trouble(url, error) from None  # the cause holds the request with its secrets
        line.used_at = time.monotonic()
        self._idle.append(line)
        return answer

    def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _take(self, url: str) -> Line:
        try:
            line = self._idle.pop()
        except IndexError:
            line = Line()
        if time.monotonic() - line.used_at > IDLE_SECONDS:
            line.close()
        if url not in line.endpoints:
            try:
                line.mount(f"{url}/", self._trust.adapter(url))
            except WrongFingerprint as error:
                raise NotSent(str(error), _COMPARE, untrusted=True) from error
            except OSError as error:
                raise _unreached(error) from error
            line.endpoints.add(url)
        return line

    def _trouble(self, url: str, error: BaseException) -> NotSent | Lost:
        """What an exception of requests, urllib3 or the system means for the request."""
        for cause in causes(error):
            if isinstance(cause, ssl.SSLCertVerificationError):
                self._trust.forget(url)
                return NotSent(*explain(url, cause, self._trust.connect_seconds), untrusted=True)
            if unsent := _unsent(cause):
                return unsent
        if isinstance(error, requests.Timeout):
            return Lost(f"no answer within {self._timeout[1]:g} s", timed_out=True)
        return Lost("the connection broke before the answer came")


_COMPARE = "compare it with `pvenode cert info` on the node; if it was renewed, correct `api.fingerprint`"
_NAME = ("its name cannot be resolved", "check `api.endpoints` and the DNS of this machine")
_SILENT = ("it does not answer", "check that the node runs, and the firewall on the way to it")
_PLAIN = ("it does not speak TLS", "check the port of the endpoint: Proxmox VE listens on 8006")
_CLOSED = "check that the node runs and that its pveproxy listens"


def _unsent(cause: BaseException) -> NotSent | None:
    """The cases in which urllib3 had no connection, and so nothing was sent."""
    if _is_plain(cause):
        return NotSent(*_PLAIN)
    if isinstance(cause, NameResolutionError):
        return NotSent(*_NAME)
    if isinstance(cause, NewConnectionError):
        # Its text ends in "[Errno 111] Connection refused" or the like.
        return NotSent(str(cause).rsplit("] ", 1)[-1].rsplit(": ", 1)[-1].lower(), _CLOSED)
    return NotSent(*_SILENT) if isinstance(cause, ConnectTimeoutError) else None


def _is_plain(error: BaseException) -> bool:
    """Whether the other side answered the TLS greeting with something else, such as an HTTP error."""
    return isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER"


def _unreached(error: OSError) -> NotSent:
    """Why the certificate of a pinned endpoint could not even be looked at."""
    if isinstance(error, socket.gaierror):
        return NotSent(*_NAME)
    if isinstance(error, TimeoutError):
        return NotSent(*_SILENT)
    if _is_plain(error):
        return NotSent(*_PLAIN)
    return NotSent((error.strerror or "the connection broke").lower(), _CLOSED)


def causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it wraps; requests and urllib3 nest them in arguments."""
    pending, seen = [error], set[int]()
    while pending:
        current = pending.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = (*current.args, getattr(current, "reason", None), current.__cause__)
        pending += [one for one in inner if isinstance(one, BaseException)]
