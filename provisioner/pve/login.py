"""Who the session is for Proxmox VE: an API token, or a user with a ticket that is renewed in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from proxmoxer.backends.https import ProxmoxHTTPApiTokenAuth, ProxmoxHTTPAuthBase
from requests import PreparedRequest

from provisioner.errors import ApiError, BastideError
from provisioner.pve.wire import Request

TICKET_SECONDS = 2 * 3600
RENEW_AFTER_SECONDS = TICKET_SECONDS * 3 // 4
"""A ticket is valid for two hours (PVE/AccessControl.pm)."""

Ask = Callable[[Request, Any], Any]
"""Send a request with an authentication and return the `data` of its answer."""


class TokenLogin:
    """An API token; its secret is fetched when the first request is sent."""

    def __init__(self, identity: str, secret: Callable[[], str]) -> None:
        self._identity = identity
        self._secret = secret
        self._auth: Any = None
        self._lock = threading.Lock()

    def auth(self) -> Any:
        """What signs a request."""
        with self._lock:
            if self._auth is None:
                user, _, name = self._identity.partition("!")
                self._auth = ProxmoxHTTPApiTokenAuth(user, name, self._secret(), verify_ssl=True)
            return self._auth

    def refused(self, auth: Any) -> None:
        """Do nothing: a token cannot be renewed, and a good one is refused while pve-cluster restarts."""


class TicketLogin:
    """A user's ticket, renewed with the password before it ends and after it was refused."""

    def __init__(self, identity: str, secret: Callable[[], str], ask: Ask) -> None:
        self._identity = identity
        self._secret = secret
        self._ask = ask
        self._ticket: _Ticket | None = None
        self._refusal: ApiError | None = None
        self._was_in = False
        self._lock = threading.Lock()

    def auth(self) -> Any:
        """What signs a request; logs in if need be. Raises ApiError if the password is refused."""
        with self._lock:
            if self._refusal:
                raise self._refusal
            if self._ticket is None or time.monotonic() - self._ticket.born > RENEW_AFTER_SECONDS:
                self._ticket = self._log_in()
            return _TicketAuth(self._ticket)

    def refused(self, auth: Any) -> None:
        """Forget the ticket that was refused, unless another thread has renewed it already."""
        with self._lock:
            if self._ticket is auth.ticket:
                self._ticket = None

    def _log_in(self) -> _Ticket:
        form = {"username": self._identity, "password": self._secret()}
        try:
            answer = self._ask(Request("POST", "/access/ticket", form), ProxmoxHTTPAuthBase(verify_ssl=True))
        except ApiError as error:
            if error.status == HTTPStatus.UNAUTHORIZED and not self._was_in:
                self._refusal = (
                    error  # a wrong password is not tried again: directories lock accounts for that
                )
            raise
        if answer.get("NeedTFA"):
            raise BastideError(
                f"{self._identity} needs a second factor to log in, which Bastide cannot give",
                "make an API token for it, and name it in `api.token` instead of `api.user`",
            )
        self._was_in = True
        return _Ticket(answer["ticket"], answer["CSRFPreventionToken"], time.monotonic())


@dataclass(frozen=True, slots=True)
class _Ticket:
    ticket: str
    csrf: str
    born: float


class _TicketAuth(ProxmoxHTTPAuthBase):  # type: ignore[misc]  # proxmoxer ships no types
    def __init__(self, ticket: _Ticket) -> None:
        super().__init__(verify_ssl=True)
        self.ticket = ticket

    def get_cookies(self) -> dict[str, str]:
        return {"PVEAuthCookie": self.ticket.ticket}

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if request.method != "GET":
            request.headers["CSRFPreventionToken"] = self.ticket.csrf
        return request
