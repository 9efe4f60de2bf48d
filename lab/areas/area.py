"""What all stateful areas of the simulated API share.

An area is a mixin of fakepve's FakePve. It keeps its state in one attribute of plain JSON types, named in
`persists`, and lists its routes in a method `_routes_<area>` in fakepve's form: `(method, schema template,
handler)`. A handler is `async (self, values, user)`; it runs after the schema and permission checks and
returns the `data` of the answer, or raises PveError.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web
from fakepve import schema, server
from fakepve.model import PveError
from fakepve.routing import StatefulRoutes, die, split_list

Values = dict[str, Any]
Handler = Callable[[Values, str], Awaitable[Any]]
Route = tuple[str, str, Handler]

NOT_IN_SCHEMA = "property is not defined in schema and the schema does not allow additional properties"


@dataclass(frozen=True, slots=True)
class Beside:
    """An answer with more than `data`: the other keys of its envelope."""

    data: Any
    keys: Mapping[str, Any]


class Area(StatefulRoutes):  # type: ignore[misc]  # fakepve ships no types
    """Base of the areas: cluster-wide locks, and what happens to a guest that is destroyed."""

    persists: ClassVar[tuple[str, ...]] = ()
    # Major version of the Proxmox VE that is simulated, 8 or 9, and the site's place among the lab's.
    pve_major = 9
    ordinal = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._purging: set[int] = set()
        self._chores: set[asyncio.Task[None]] = set()

    def _stateful_handler(self, template: str, handler: Handler) -> Callable[[Any], Awaitable[Any]]:
        """Fakepve's handler of a route, for answers that hold more than `data`."""
        match = schema.load().paths[template]

        async def serve(request: Any) -> Any:
            found = schema.Match(template, dict(request.match_info), match)
            user = request[server.USER]

            async def call(_match: Any, values: Values) -> Any:
                return await handler(values, user)

            data = await self.answer(request, found, None, user, call)
            extra = data.keys if isinstance(data, Beside) else {}
            return web.json_response({"data": data.data if isinstance(data, Beside) else data, **extra})

        return serve

    def need_lock(self, lock: str, fail: str = "") -> None:
        """Raise PveError if the cluster-wide `lock` cannot be taken for want of quorum."""
        if not self.quorate:
            raise die(f"{fail}cfs-lock '{lock}' error: no quorum!")

    @contextmanager
    def locked(self, lock: str, fail: str = "") -> Iterator[None]:
        """Run a write under the cluster-wide `lock`; without quorum it cannot be taken.

        Proxmox prefixes whatever goes wrong inside with `fail` and answers 500, parameter errors included
        (PVE/Cluster.pm cfs_lock, PVE/Exception.pm).
        """
        self.need_lock(lock, fail)
        try:
            yield
        except PveError as error:
            raise die(fail + as_text(error)) from error

    def later(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        """Run `act` in the background after `seconds` of Proxmox time (at time scale 0: at once)."""

        async def run() -> None:
            await self.pause(seconds)
            with suppress(PveError):  # refused now; the next occasion tries again
                await act()
            await self.saved()

        chore = asyncio.get_running_loop().create_task(run())
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)

    async def settled(self) -> None:
        """Return when nothing runs in the background; what repeats itself never lets that be."""
        while self._chores:
            await asyncio.wait(set(self._chores))

    async def end_tasks(self) -> None:
        """The lab goes down: what runs in the background ends too."""
        for chore in list(self._chores):
            chore.cancel()
        await super().end_tasks()

    def _build_app(self) -> Any:
        app = super()._build_app()

        async def resume(_app: Any) -> None:
            self.cluster_changed()

        app.on_startup.append(resume)
        return app

    def cluster_changed(self) -> None:
        """Look again: the lab came up, or nodes or the quorum came or went. Areas extend it."""
        return

    def removal_blocker(self, _vmid: int) -> str | None:
        """Why a guest must not be destroyed without `purge`, or None; areas extend it."""
        return None

    def guest_gone(self, _vmid: int, *, purge: bool) -> None:  # noqa: ARG002  # areas extend it
        """Forget a destroyed guest; `purge` also removes it from jobs and HA. Areas extend it."""
        return

    def _admit_removal(self, values: Values) -> None:
        vmid = int(values["vmid"])
        purge = bool(values.get("purge"))
        blocker = None if purge else self.removal_blocker(vmid)
        if blocker:
            raise die(blocker)
        (self._purging.add if purge else self._purging.discard)(vmid)

    async def _qm_destroy(self, values: Values, user: str) -> Any:
        self._admit_removal(values)
        return await super()._qm_destroy(values, user)

    async def _lxc_destroy(self, user: str, values: Values) -> Any:
        self._admit_removal(values)
        return await super()._lxc_destroy(user, values)

    def _pool_leave(self, vmid: int) -> None:
        """Fakepve calls this when a guest is gone for good."""
        super()._pool_leave(vmid)
        self.guest_gone(vmid, purge=vmid in self._purging)
        self._purging.discard(vmid)


def as_text(error: PveError) -> str:
    """An API error as Perl prints it: the status stands before the message of parameter errors."""
    if not error.errors:
        return str(error.message)
    lines = [f"{error.status} {error.message}", *(f"{key}: {text}" for key, text in error.errors.items())]
    return "\n".join(lines)


def digest_of(content: object) -> str:
    """SHA-1 (40 hex digits) of a configuration, as Proxmox computes it of the file."""
    return hashlib.sha1(  # the API's own algorithm, no secret depends on it
        json.dumps(content, sort_keys=True).encode(), usedforsecurity=False
    ).hexdigest()


def without(values: Mapping[str, Any], *keys: str) -> Values:
    """A copy of `values` that lacks `keys`."""
    return {key: value for key, value in values.items() if key not in keys}


def delete_options(target: Values, names: object, fixed: tuple[str, ...] = ()) -> None:
    """Apply the `delete` parameter of a section config: drop `names` from `target`.

    Raises PveError for a `fixed` option (PVE/SectionConfig.pm).
    """
    for name in split_list(names):
        if name in fixed:
            raise die(f"unable to delete required option '{name}'")
        target.pop(name, None)
