"""How Proxmox VE answers HTTP, whatever the request: pve-http-server's AnyEvent.pm and RESTEnvironment.pm.

The order is Proxmox's: method, login, permission, proxying to the node, parameters, handler. Every request
passes `_middleware` once; handlers find their parameters checked. What is observed on a real cluster: 401 and
595 have an empty body, errors stand in the reason phrase and in the body, and every status from 400 on closes
the connection.
"""

import asyncio
import json
import logging
import time
import weakref
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from fakepve import PveError
from fakepve.server import GENERIC, USER, collect, error

from lab import contract
from lab.call import CALL, Call, empty
from lab.login import Login

MAX_BODY_BYTES = 512 * 1024
HTTP_ERROR = 400
HELD_LOOK_SECONDS = 0.02
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
KNOWN_METHODS = ("GET", "POST", "PUT", "DELETE")

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Transport(Login):
    """The HTTP side of a cluster: refusals, logins, faults on the wire, and the record of what was asked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.site = ""
        self.illegal: deque[contract.Illegal] = deque(maxlen=contract.MAX_REMEMBERED)
        self.writes: list[dict[str, Any]] = []
        self.write_count = 0
        self.request_count = 0
        self.entries: dict[tuple[str, int], str] = {}
        self._transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    async def saved(self) -> None:
        """Return once the state is on disk; a cluster that keeps none returns at once."""

    def hang_up(self) -> None:
        """End every connection at once: the lab goes down."""
        for transport in list(self._transports):
            transport.abort()

    def resolve(self, request: web.Request, _prefix: str) -> Any:
        """The schema entry of a request; volumes and CIDRs in the path may hold bare slashes."""
        return contract.match(request.rel_url.raw_path)

    def _entry(self, request: web.Request) -> str:
        name = request.transport.get_extra_info("sockname") if request.transport else None
        return self.entries.get(name[:2] if name else ("", 0), "") or min(self.nodes)

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        call = Call(request.method, request.path, self.resolve(request, ""), self._entry(request))
        request[CALL], request[GENERIC] = call, call.match
        self.request_count += 1
        if request.transport:
            self._transports.add(request.transport)
        try:
            response = await self._serve(request, call, handler)
        except PveError as refusal:
            response = error(refusal.status, refusal.message, refusal.errors)
        except (web.HTTPException, asyncio.CancelledError):
            raise
        except Exception:  # a mistake of the lab: logged, and answered as a server would
            logging.getLogger("lab").exception("the lab failed at %s %s", call.method, call.path)
            response = error(500, "internal error of the lab")
        if call.write is not None:
            await self._slowed(call, at_write=call.write)
        return self._dress(request, call, response)

    def _dress(self, request: web.Request, call: Call, response: web.StreamResponse) -> web.StreamResponse:
        """What every answer has; and the answer that is lost on its way."""
        response.headers["Server"] = "pve-api-daemon/3.0"
        if response.status >= HTTP_ERROR:
            response.force_close()
        if call.write is not None and self.faults.take("drop-connection", call.event(), when="after"):
            return _hang_up(request, response)
        return response

    async def _serve(self, request: web.Request, call: Call, handler: Answer) -> web.StreamResponse:
        await self._slowed(call)
        if call.method not in KNOWN_METHODS:
            return empty(501, f"method '{call.method}' not available")
        refused = await self._refused_login(request, call) or await self._refused_body(request, call)
        if refused:
            return refused
        self._count(call)
        broken = self._broken(request, call)
        if broken:
            return broken
        unknown = self._unknown(call)
        if unknown:
            return unknown
        self._admit(call)
        if call.node is not None and not self.nodes[call.node].get("online", True):
            return empty(595, "No route to host")
        if call.problems:
            raise PveError(400, "Parameter verification failed.", call.problems)
        try:
            return await handler(request)
        finally:
            if call.is_write:
                await self.saved()

    # ----------------------------------------------------------- parameters

    async def _refused_body(self, request: web.Request, call: Call) -> web.StreamResponse | None:
        """Read the parameters into `call`, or the answer to a body that Proxmox does not take."""
        is_file = request.content_type == "multipart/form-data"
        if not is_file and (request.content_length or 0) > MAX_BODY_BYTES:
            return empty(501, "for data too large")
        call.raw = collect(request.query.items())
        body = b"" if is_file else await request.read()
        if not body:
            return None
        if request.content_type == "application/json":
            return _json_body(call, body)
        if request.content_type not in FORMS:
            return web.Response(
                status=506,
                reason=f"upload 'Content-Type '{request.content_type}' not implemented",
                text=f"upload 'Content-Type '{request.content_type}' not implemented",
            )
        call.raw.update(collect(parse_qsl(body.decode(errors="replace"), keep_blank_values=True)))
        return None

    def _unknown(self, call: Call) -> web.StreamResponse | None:
        """The answer to a path or method that the API does not have."""
        if call.match and call.method in call.match.methods:
            return None
        text = f"Method '{call.method} {contract.schema_path(call.path)}' not implemented"
        self._note_illegal(call, {"path": text})
        return web.json_response({"data": None, "message": text}, status=501, reason=text)

    def _admit(self, call: Call) -> None:
        """The checks before any handler: permission, node, and the parameters against the schema."""
        info = call.match.methods[call.method]
        declared = contract.declared(call.match.template, call.method, call.raw)
        values = call.raw | call.match.params
        # A few path parameters are missing from the schema; they are not checked.
        known = {
            key: value for key, value in values.items() if key not in call.match.params or key in declared
        }
        call.checked, call.problems = contract.check(call.match.template, call.method, known)
        call.checked.update(
            {key: value for key, value in call.match.params.items() if key not in call.checked}
        )
        if call.problems:
            self._note_illegal(call, call.problems)
        self.check_permissions(call.user, info.get("permissions"), call.checked, declared)
        if call.node is not None and call.node not in self.nodes:
            lookup = f"hostname lookup '{call.node}' failed - failed to get address info for: {call.node}"
            raise PveError(500, f"{lookup}: Temporary failure in name resolution")

    def check_permissions(self, user: str | None, perms: Any, values: Any, declared: Any = None) -> None:
        """Raise a 403 PveError unless `user` may make the call; nobody is asked at a world-readable path."""
        if user is not None:
            super().check_permissions(user, perms, values, declared)

    def _verify(self, request: web.Request, _values: Any, drop: Any = ()) -> dict[str, Any]:
        """The checked parameters, for fakepve's handlers that ask for them."""
        return {key: value for key, value in request[CALL].checked.items() if key not in drop}

    async def answer(
        self, request: web.Request, match: Any, _params: Any, user: str, call: Any = None
    ) -> Any:
        """The data of an answer whose request passed all checks, from the handler or from the schema."""
        values = dict(request[CALL].checked)
        if call is not None:
            return await call(match, values)
        return await self.synthesise(match, request.method, match.methods[request.method], user, values)

    async def _generic(self, request: web.Request) -> web.StreamResponse:
        """What no route took: a path with a slash at its end, or a call that nothing is kept of."""
        path = request.rel_url.path
        if not path.endswith("/"):
            answer: web.StreamResponse = await super()._generic(request)
            return answer
        bare = request.clone(rel_url=request.rel_url.with_path(path.rstrip("/")))
        found = await request.app.router.resolve(bare)
        bare._match_info = found  # noqa: SLF001  # aiohttp has no public way to route once more
        for key in (CALL, USER, GENERIC):
            bare[key] = request[key]
        return await found.handler(bare)

    # --------------------------------------------------- records and faults

    async def _slowed(self, call: Call, **only: Any) -> None:
        """Hold a request, or the answer to the write that `at_write` names, for a time or until lifted."""
        fault = self.faults.take("slow", call.event(), **only)
        ends = time.monotonic() + fault.seconds if fault else 0.0
        while fault and (left := ends - time.monotonic()) > 0:
            if fault.times is None and fault not in self.faults.standing("slow"):
                return
            await asyncio.sleep(min(left, HELD_LOOK_SECONDS))

    def _note_illegal(self, call: Call, problems: dict[str, str]) -> None:
        known = contract.Illegal(
            self.site, call.method, call.path, call.template, call.user or "", dict(problems)
        )
        self.illegal.append(known)

    def _count(self, call: Call) -> None:
        if not call.is_write:
            return
        self.write_count += 1
        call.write = self.write_count
        self.writes.append(
            {
                "number": call.write,
                "site": self.site,
                "method": call.method,
                "path": call.path,
                "template": call.template,
                "user": call.user,
                "time": time.time(),
            }
        )

    def _broken(self, request: web.Request, call: Call) -> web.StreamResponse | None:
        """The answer of a connection or proxy that fails before the request is executed."""
        event = call.event()
        if call.is_write and self.faults.take("drop-connection", event, when="before"):
            return _hang_up(request, web.Response())
        fault = self.faults.take("error", event)
        if fault is None:
            return None
        if fault.status >= 595:  # noqa: PLR2004  # AnyEvent's own range: trouble between the nodes
            return empty(fault.status, fault.message or "Connection timed out")
        raise PveError(fault.status, fault.message or "injected by the lab")


def _hang_up(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if request.transport:
        request.transport.abort()
    return response


def _json_body(call: Call, body: bytes) -> web.StreamResponse | None:
    try:
        values = json.loads(body)
    except ValueError:
        text = (
            "malformed JSON string, neither tag, array, object, number, string or atom, at character offset "
            f'{len(body)} (before "(end of string)") at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 934.'
        )
        return web.Response(status=500, reason=text, text=text + "\n")
    if isinstance(values, dict):
        call.raw.update(values)
    return None
