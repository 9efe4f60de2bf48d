"""Who asks: API tokens and tickets, and how they are refused (pve-http-server, pve-access-control)."""

import time
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from fakepve import FakePve, PveError
from fakepve.server import USER

from lab.call import CALL, LOGIN, READS, Call, empty
from lab.faults import Event, FaultBoard


class Login(FakePve):  # type: ignore[misc]  # fakepve ships no types
    """Every request is somebody's, or is refused with an empty 401."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.faults = FaultBoard(lambda: None)

    async def _refused_login(self, request: web.Request, call: Call) -> web.StreamResponse | None:
        try:
            call.user = request[USER] = self._authenticate(request)
        except PveError as refusal:
            if call.match and self.is_world(call.match, call.method):
                call.user = request[USER] = None
                return None
            await self.pause(3)
            return empty(refusal.status, refusal.message)
        return None

    def _authenticate(self, request: web.Request) -> str | None:
        if request[CALL].template == LOGIN and request.method == "POST":
            return None
        header = request.headers.get("Authorization", "")
        if header.startswith("PVEAPIToken="):
            return self._token_user(header.removeprefix("PVEAPIToken="))
        ticket = request.cookies.get("PVEAuthCookie")
        if ticket is None:
            raise PveError(401, "No ticket" if not header else "Authentication failed!")
        return self._ticket_user(request, unquote(ticket))

    def token_opens(self, tokenid: str, secret: str) -> bool:
        """Whether a token with this secret may come in; the access area knows more."""
        return bool(self.apitokens.get(tokenid) == secret)

    def _token_user(self, credentials: str) -> str:
        tokenid, _, secret = credentials.partition("=")
        if not self.token_opens(tokenid, secret) or self.faults.take("token-revoked", Event(subject=tokenid)):
            raise PveError(401, "Authentication failed!")
        return tokenid

    def _ticket_user(self, request: web.Request, ticket: str) -> str:
        session = self.tickets.get(ticket)
        if session and self.faults.take("ticket-expired", Event(subject=session["user"])):
            del self.tickets[ticket]
            session = None
        if session is None or session["expires"] < time.time():
            raise PveError(401, "Authentication failed!")
        if request.method not in READS and request.headers.get("CSRFPreventionToken") != session["csrf"]:
            raise PveError(401, "Permission denied - invalid csrf token")
        return str(session["user"])
