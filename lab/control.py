"""The lab's back door: a Unix socket beside the API, for faults and questions of tests.

One JSON document a line each way: `{"call": name, ...arguments}` is answered by `{"value": ...}` or by
`{"what": ..., "hint": ...}`. Only the owner of the socket can open it.
"""

import asyncio
import json
import logging
import socket
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lab.errors import LabError, LabRefused
from lab.faults import Fault

if TYPE_CHECKING:
    from lab.place import Place
    from lab.server import Lab, LabSite

Named = TypeVar("Named")
# The kernel takes no longer path for a Unix socket (unix(7): sun_path, 108 bytes).
LONGEST_PATH = 100
TIMEOUT_SECONDS = 90.0
"""Machines that get their power back boot before the answer."""


class Control:
    """The client side: what tests and `bastide lab` do to a running lab. Raises LabError and LabRefused."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ask(self, call: str, **arguments: Any) -> Any:
        """One question and its answer."""
        with socket.socket(socket.AF_UNIX) as channel, channel.makefile("rwb") as lines:
            channel.settimeout(TIMEOUT_SECONDS)
            try:
                channel.connect(str(self.path))
            except OSError as problem:
                raise LabError(
                    f"no lab answers at {self.path}", "Start one with: bastide lab up"
                ) from problem
            lines.write(json.dumps({"call": call, **arguments}).encode() + b"\n")
            lines.flush()
            answer = json.loads(lines.readline() or b'{"what": "the lab went away", "hint": ""}')
        if "what" in answer:
            raise LabRefused(answer["what"], answer["hint"])
        return answer["value"]

    def fault(self, name: str, site: str, **how: Any) -> int:
        """Put a fault in force (see lab.faults.Fault for `how`); its id."""
        return int(self.ask("fault.add", name=name, site=site, **how)["id"])

    def lift(self, fault_id: int | None = None, *, name: str | None = None, site: str | None = None) -> int:
        """Lift one fault of a site, all of a kind, or all; how many were lifted."""
        return int(self.ask("fault.lift", id=fault_id, name=name, site=site))

    @contextmanager
    def faulted(self, name: str, site: str, **how: Any) -> Iterator[int]:
        """A fault that lasts as long as the block."""
        fault_id = self.fault(name, site, **how)
        try:
            yield fault_id
        finally:
            self.lift(fault_id, site=site)

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force at all sites."""
        return list(self.ask("fault.list"))

    def write_count(self, site: str) -> int:
        """How many writes the site has received in its life."""
        return int(self.ask("writes", site=site)["count"])

    def writes(self, site: str) -> list[dict[str, Any]]:
        """The writes since the lab started: number, method, path, template, user, time."""
        return list(self.ask("writes", site=site)["calls"])

    def requests(self, site: str) -> int:
        """How many requests of any kind the site has received since it started."""
        return int(self.ask("requests", site=site))

    def settle(self, site: str) -> None:
        """Return when what the site does in the background, such as moves by HA, has been done once."""
        self.ask("settle", site=site)

    def illegal(self, site: str | None = None) -> list[dict[str, Any]]:
        """Calls that the API schema does not allow."""
        return list(self.ask("illegal", site=site))

    def forget_illegal(self) -> None:
        """Forget the illegal calls: a test that made them on purpose cleans up after itself."""
        self.ask("illegal.forget")

    def expire_certificate(self, site: str, *, expired: bool = True) -> None:
        """Serve a certificate that ended yesterday (or a good one again) to new connections."""
        self.ask("certificate", site=site, expired=expired)

    def status(self) -> dict[str, Any]:
        """Every site: endpoints, quorum, counts and faults."""
        return dict(self.ask("status"))

    def stop(self) -> None:
        """Take the lab down; its state stays."""
        self.ask("stop")


class ControlServer:
    """The server side, in the lab's own event loop."""

    def __init__(self, lab: "Lab") -> None:
        self._lab = lab
        self._server: asyncio.Server | None = None
        wanted = lab.folder.absolute() / "control.sock"
        fits = len(str(wanted)) <= LONGEST_PATH
        self.path = wanted if fits else Path(tempfile.mkdtemp(prefix="bastide-lab-")) / "control.sock"
        self._calls: dict[str, Callable[..., Awaitable[Any]]] = {
            "fault.add": self._add,
            "fault.lift": self._lift,
            "fault.list": self._list,
            "writes": self._writes,
            "requests": self._requests,
            "settle": self._settle,
            "illegal": self._illegal,
            "illegal.forget": self._forget,
            "certificate": self._certificate,
            "status": self._status,
            "stop": self._stop,
        }

    async def start(self) -> None:
        """Listen; a socket file that a killed lab left is replaced."""
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))
        self.path.chmod(0o600)

    async def stop(self) -> None:
        """Stop listening and remove the socket."""
        if self._server:
            self._server.close()
        self.path.unlink(missing_ok=True)
        if self.path.parent != self._lab.folder.absolute():
            with suppress(OSError):
                self.path.parent.rmdir()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            writer.write(json.dumps(await self._answer(json.loads(line))).encode() + b"\n")
            await writer.drain()
        finally:
            writer.close()

    async def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            act = self._calls[question.pop("call")]
            return {"value": await act(**question)}
        except LabError as refusal:
            return {"what": refusal.what, "hint": refusal.hint}
        except (TypeError, KeyError) as problem:
            return {"what": f"the lab does not understand that: {problem}", "hint": ""}
        except Exception as problem:  # a mistake of the lab: said and logged, instead of a closed door
            logging.getLogger("lab").exception("the lab failed at %s", question)
            return {"what": f"the lab made a mistake of its own: {problem}", "hint": "See its log."}

    def _site(self, name: str) -> "LabSite":
        return _named(name, self._lab.sites)

    def _place(self, name: str) -> "Place":
        return _named(name, self._lab.places)

    async def _add(self, **fault: Any) -> dict[str, Any]:
        place = self._place(fault["site"])
        wanted = Fault(**fault)
        place.check(wanted)
        kept = place.faults.add(wanted)
        try:
            await place.refresh()
        except LabError:
            place.faults.lift(kept.id)
            raise
        return kept.as_json()

    async def _lift(self, id: int | None, name: str | None, site: str | None) -> int:  # noqa: A002  # the word on the wire
        chosen = [self._place(site)] if site else list(self._lab.places.values())
        lifted = 0
        for one in chosen:
            lifted += one.faults.lift(id, name)
            await one.refresh()
        if lifted:
            for one in chosen:
                await one.recovered()
        return lifted

    async def _list(self) -> list[dict[str, Any]]:
        return [fault.as_json() for place in self._lab.places.values() for fault in place.faults.listed()]

    async def _writes(self, site: str) -> dict[str, Any]:
        cluster = self._site(site).cluster
        return {"count": cluster.write_count, "calls": cluster.writes}

    async def _requests(self, site: str) -> int:
        return int(self._site(site).cluster.request_count)

    async def _settle(self, site: str) -> None:
        await self._site(site).cluster.settled()

    async def _illegal(self, site: str | None) -> list[dict[str, Any]]:
        chosen = [self._site(site)] if site else list(self._lab.sites.values())
        return [asdict(call) for one in chosen for call in one.cluster.illegal]

    async def _forget(self) -> None:
        for site in self._lab.sites.values():
            site.cluster.illegal.clear()

    async def _certificate(self, site: str, *, expired: bool) -> None:
        self._site(site).serve_certificate(self._lab.authority, expired=expired)

    async def _status(self) -> dict[str, Any]:
        return {name: place.report() for name, place in self._lab.places.items()}

    async def _stop(self) -> None:
        asyncio.get_running_loop().call_later(0.05, self._lab.done.set)


def _named(name: str, places: Mapping[str, Named]) -> Named:
    """The place of a name. Raises LabRefused."""
    if name not in places:
        raise LabRefused(f"the lab has no site {name}", f"Its sites: {', '.join(places)}.")
    return places[name]
