"""A power switch for each machine: as much of Redfish as a fence agent needs (DMTF DSP0266, DSP2046).

Every machine has a baseboard controller with an address of its own in the site's management network, which
answers whether the machine has power or not.
"""

import base64
import hmac
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

ROOT = "/redfish/v1"
SYSTEM = ROOT + "/Systems/1"
RESET = SYSTEM + "/Actions/ComputerSystem.Reset"
KINDS = ("On", "ForceOff", "GracefulShutdown", "ForceRestart")

Reset = Callable[[str], Awaitable[None]]


class Controller:
    """The baseboard controller of one machine.

    `is_on` tells its power, `reset` is called with one of KINDS; `login` is the user and the password that it
    asks for.
    """

    def __init__(self, name: str, login: tuple[str, str], is_on: Callable[[], bool], reset: Reset) -> None:
        self._name, self._is_on, self._reset = name, is_on, reset
        self._basic = "Basic " + base64.b64encode(":".join(login).encode()).decode()

    def application(self) -> web.Application:
        """What answers for this controller."""
        app = web.Application(middlewares=[self._guarded])
        app.router.add_get(ROOT, self._root)
        app.router.add_get(ROOT + "/Systems", self._systems)
        app.router.add_get(SYSTEM, self._system)
        app.router.add_post(RESET, self._press)
        return app

    @web.middleware
    async def _guarded(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if request.path.rstrip("/") != ROOT and not hmac.compare_digest(given.encode(), self._basic.encode()):
            return _refusal(401, "Base.1.0.NoValidSession", "The login is not valid.")
        return await handler(request)

    async def _root(self, _request: web.Request) -> web.Response:
        return _resource(ROOT, Name="Root Service", RedfishVersion="1.6.0", Systems=_link(ROOT + "/Systems"))

    async def _systems(self, _request: web.Request) -> web.Response:
        members = [_link(SYSTEM)]
        return _resource(ROOT + "/Systems", Name="Computer Systems", Members=members)

    async def _system(self, _request: web.Request) -> web.Response:
        actions = {"#ComputerSystem.Reset": {"target": RESET, "ResetType@Redfish.AllowableValues": KINDS}}
        state = "On" if self._is_on() else "Off"
        return _resource(SYSTEM, Name=self._name, HostName=self._name, PowerState=state, Actions=actions)

    async def _press(self, request: web.Request) -> web.Response:
        try:
            kind = (await request.json())["ResetType"]
        except (ValueError, KeyError, TypeError):
            kind = None
        if kind not in KINDS:
            return _refusal(400, "Base.1.0.ActionParameterNotSupported", f"ResetType is one of {KINDS}.")
        await self._reset(kind)
        return web.Response(status=204)


def _link(path: str) -> dict[str, str]:
    return {"@odata.id": path}


def _resource(path: str, **properties: object) -> web.Response:
    return web.json_response(_link(path) | properties, headers={"OData-Version": "4.0"})


def _refusal(status: int, code: str, message: str) -> web.Response:
    answer: Mapping[str, object] = {"error": {"code": code, "message": message}}
    return web.json_response(answer, status=status, headers={"OData-Version": "4.0"})
