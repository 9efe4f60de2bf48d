"""A session with one cluster: any of its endpoints, one identity, and errors that say what to do.

Proxmoxer's authentication and HTTP session are used; its resources are not, for they log what they send.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tenacity import RetryCallState, Retrying, stop_after_attempt, stop_after_delay, wait_random_exponential

from provisioner.errors import AnswerLost, ApiError, BastideError, Unreachable
from provisioner.model.base import SecretRef
from provisioner.model.site import Api
from provisioner.pve import answers
from provisioner.pve.endpoints import Endpoints
from provisioner.pve.login import TicketLogin, TokenLogin
from provisioner.pve.params import write_request
from provisioner.pve.redaction import Redaction
from provisioner.pve.shared import SharedReads
from provisioner.pve.trust import Trust, Untrusted
from provisioner.pve.wire import Lines, Lost, NotSent, Request


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a request is tried. Waits grow, with jitter; `total_seconds` bounds them all."""

    attempts: int = 5
    first_wait_seconds: float = 0.3
    longest_wait_seconds: float = 5.0
    total_seconds: float = 60.0
    connect_seconds: float = 5.0
    aside_seconds: float = 30.0
    """How long an endpoint that failed is tried last."""


PATIENCE = Patience()


class Session:
    """A session with one cluster. Nothing is sent before the first read; safe to use from several threads.

    `secret` fetches what a SecretRef refers to; `folder` is the estate's, to which `api.ca` is relative.
    """

    def __init__(
        self,
        name: str,
        api: Api,
        *,
        secret: Callable[[SecretRef], str],
        folder: Path,
        patience: Patience = PATIENCE,
    ) -> None:
        self.name = name
        self.folder = folder
        self.identity = str(api.token or api.user)
        self.redaction = Redaction()
        self._endpoints = Endpoints([_base(str(url)) for url in api.endpoints], patience.aside_seconds)
        trust = Trust(folder / api.ca if api.ca else None, api.fingerprint, patience.connect_seconds)
        self._lines = Lines(trust, api.timeout.total_seconds())
        self._login = self._login_of(api, lambda: self.redaction.learn(secret(api.secret)))
        self._closed = threading.Event()
        self._reading = self._retrying(patience, _read_again)
        self._writing = self._retrying(patience, _write_again)
        self.shared = SharedReads(self.whole)

    def get(self, path: str) -> Any:
        """The `data` of a GET; `path` begins after `/api2/json` and may hold a query. Raises as `whole`."""
        return self.whole(path)["data"]

    def whole(self, path: str) -> Mapping[str, Any]:
        """The answer of a GET: its `data`, and what a few paths tell beside it, such as `changes`.

        Repeated after connection trouble. Raises Unreachable if no endpoint can be connected to, AnswerLost
        if none answers, ApiError if Proxmox VE refuses.
        """
        answer: Mapping[str, Any] = self._reading(self._once, Request("GET", path))
        return answer

    def write(self, method: str, path: str, params: Mapping[str, Any]) -> Any:
        """The `data` of a POST, PUT or DELETE with these parameters.

        Repeated only if it was surely not executed. Raises AnswerLost if it may have been executed,
        Unreachable if it could not be sent, NoQuorum, and ApiError if Proxmox VE refuses.
        """
        return self._writing(self._once, write_request(method, path, params))["data"]

    @property
    def requests_made(self) -> int:
        """How many HTTP requests were sent, retries and logins included."""
        return self._lines.requests_made

    def close(self) -> None:
        """Close the connections and end the waiting between tries."""
        self._closed.set()
        self._lines.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _login_of(self, api: Api, secret: Callable[[], str]) -> TokenLogin | TicketLogin:
        if api.token:
            return TokenLogin(self.identity, secret)
        return TicketLogin(self.identity, secret, lambda request, auth: self._ask(request, auth)["data"])

    def _retrying(self, patience: Patience, again: Callable[[RetryCallState], bool]) -> Retrying:
        return Retrying(
            retry=again,
            stop=stop_after_attempt(patience.attempts) | stop_after_delay(patience.total_seconds),
            wait=wait_random_exponential(patience.first_wait_seconds, patience.longest_wait_seconds),
            sleep=self._pause,
            reraise=True,
        )

    def _pause(self, seconds: float) -> None:
        self._closed.wait(seconds)

    def _once(self, request: Request) -> Any:
        auth = self._login.auth()
        try:
            return self._ask(request, auth)
        except ApiError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                self._login.refused(auth)
            raise

    def _ask(self, request: Request, auth: Any) -> Any:
        """Ask the first endpoint that can be connected to, and read its answer."""
        unsent: dict[str, NotSent] = {}
        for url in self._endpoints.order():
            try:
                answer = self._lines.exchange(url, request, auth)
            except NotSent as trouble:
                unsent[url] = trouble
                self._endpoints.failed(url, str(trouble))
            except Lost as trouble:
                raise self._lost(url, request, trouble) from trouble
            else:
                self._endpoints.answered(url)
                return self._read(answer, url, request)
        raise self._unreachable(unsent)

    def _read(self, answer: Any, url: str, request: Request) -> Any:
        question = answers.Question(self.name, self.identity, url, request.method, request.path)
        try:
            return answers.read(answer, question)
        except BastideError as error:
            raise self._without_secrets(error) from None

    def _without_secrets(self, error: BastideError) -> BastideError:
        error.what, error.hint = self.redaction.text(error.what), self.redaction.text(error.hint)
        error.args = (error.what,)
        if isinstance(error, ApiError):
            error.fields = self.redaction.value(error.fields)
        return error

    def _lost(self, url: str, request: Request, trouble: Lost) -> AnswerLost:
        if trouble.timed_out:
            self._endpoints.failed(url, str(trouble))
        what = f"{self.name}: {request.method} {request.path.partition('?')[0]} at {url}: {trouble}"
        if request.method == "GET":
            return AnswerLost(what, "if the node only works slowly, raise `api.timeout`")
        return AnswerLost(
            f"{what}; it may have been executed", "run the same command again: it looks before it writes"
        )

    def _unreachable(self, unsent: Mapping[str, NotSent]) -> Unreachable:
        reasons = "; ".join(f"{url}: {trouble}" for url, trouble in unsent.items())
        hints = dict.fromkeys(trouble.hint for trouble in unsent.values() if trouble.hint)
        error = Untrusted if all(trouble.untrusted for trouble in unsent.values()) else Unreachable
        return error(self.name, f"no endpoint can be used ({reasons})", "; ".join(hints))


def _base(url: str) -> str:
    """`https://host:port` and a path prefix if there is one, without credentials."""
    parts = urlsplit(url)
    return f"https://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def _read_again(state: RetryCallState) -> bool:
    error = _error(state)
    return (
        _unsent(error)
        or isinstance(error, AnswerLost)
        or _status(error) in answers.NODE_TROUBLE | answers.PROXY_TROUBLE
        or _first_401(error, state)
    )


def _write_again(state: RetryCallState) -> bool:
    """Only what was surely not executed: not sent, not passed on to its node, no lock, not logged in."""
    error = _error(state)
    return (
        _unsent(error)
        or _status(error) == answers.NODE_SILENT
        or (isinstance(error, ApiError) and answers.is_lock_timeout(error.what))
        or _first_401(error, state)
    )


def _unsent(error: BaseException | None) -> bool:
    return isinstance(error, Unreachable) and not isinstance(error, Untrusted)


def _first_401(error: BaseException | None, state: RetryCallState) -> bool:
    """What is good is refused for a moment while pve-cluster restarts; what is refused twice is not good."""
    return _status(error) == HTTPStatus.UNAUTHORIZED and state.attempt_number == 1


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _status(error: BaseException | None) -> int:
    return error.status if isinstance(error, ApiError) else 0
