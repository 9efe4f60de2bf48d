"""The calls that change a guest that is there, and those that finish one whose creation was begun.

One round writes the configuration, grows and moves disks, joins the pool, and at the end of a creation starts
the guest and replaces the *building* mark by the final one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from provisioner.errors import Refused
from provisioner.model.base import format_size
from provisioner.model.objects import (
    Call,
    Desired,
    Mark,
    Observed,
    Value,
    Work,
    building_mark,
    guest_mark,
    with_mark,
)
from provisioner.resources.cloudinit import DRIVE, STORAGE
from provisioner.resources.dialect import OPTION, Dialect
from provisioner.resources.guest import path_of
from provisioner.resources.guest_make import LONG_SECONDS, UNWRITTEN, Params, cloud_drive, lanes

POOL_LANES = ("file-user_cfg",)
WITH_DIGEST = ("/config", "/resize", "/move_disk", "/move_volume")


@dataclass(frozen=True, slots=True)
class Update:
    """A guest that is there, and what is wanted of it."""

    dialect: Dialect
    work: Work
    desired: Desired
    observed: Observed

    def calls(self) -> tuple[Call, ...]:
        """The calls of this round; the first carries the digest of what was seen, if its kind takes one."""
        if self._misplaced():
            return (self._migrate(),)
        made = [*self._configure(), *self._grow(), *self._move(), *self._join(), *self._freeze()]
        if self._building():
            made += self._finish()
        if not made and self.work.restart and self.observed.running and self.observed.active:
            made = [self._power("reboot")]
        if made and self.observed.digest and made[0].path.endswith(WITH_DIGEST):
            made[0] = replace(made[0], params={**made[0].params, "digest": self.observed.digest})
        return tuple(made)

    def _building(self) -> bool:
        return self.observed.mark is Mark.BUILDING

    def _path(self, action: str) -> str:
        return f"{path_of(str(self.observed.node), self.dialect.kind, self.observed.ref.id)}/{action}"

    def _power(self, action: str) -> Call:
        return Call("POST", self._path(f"status/{action}"), lanes=(f"node:{self.observed.node}",))

    def _misplaced(self) -> bool:
        """A clone on local storage comes to life where its template is, and moves before it first runs."""
        elsewhere = self.observed.node != self.desired.at_creation["node"]
        return self._building() and elsewhere and not self.observed.running

    def _migrate(self) -> Call:
        params: Params = {"target": str(self.desired.at_creation["node"])}
        held = lanes(self.observed.attributes)
        return Call("POST", self._path("migrate"), params, lanes=held, timeout_seconds=LONG_SECONDS)

    def _configure(self) -> Iterator[Call]:
        """One write of all keys that differ; a virtual machine's new disks are made by a task."""
        params, gone = self._written()
        building_clone = self._building() and bool(self.desired.at_creation.get("clone"))
        told = building_clone and "cipassword" in self.desired.secrets
        secrets = self.desired.secrets if told else {}
        if not (params or gone or secrets):
            return
        if gone:
            params["delete"] = ",".join(sorted(gone))
        held = lanes({name: self._merged().get(name) for name in self._new_disks()})
        method = "POST" if held and self.dialect.kind == "vm" else "PUT"
        yield Call(
            method,
            self._path("config"),
            params,
            secrets=secrets,
            lanes=held,
            timeout_seconds=LONG_SECONDS,
        )

    def _written(self) -> tuple[Params, set[str]]:
        """Keys with their new text, and keys to delete."""
        params: Params = {}
        gone: set[str] = set()
        merged = self._merged()
        for key in sorted({self.dialect.key(name) for name in self.work.changed if self._is_text(name)}):
            text = self.dialect.write(key, merged) if key not in self._dropped() else None
            if text is None:
                gone |= {key, *self._addresses_of(key)}
            else:
                params[key] = text
        if DRIVE in self.work.changed:
            params |= cloud_drive(merged)
            gone |= {str(old) for old in (self.observed.attributes.get(DRIVE),) if old}
        if "description" in self.work.changed:
            text = self._description()
            params |= {"description": text} if text else {}
            gone |= set() if text else {"description"}
        return params, gone - params.keys()

    def _is_text(self, name: str) -> bool:
        """Whether an attribute is written with the configuration, as size and place of a disk are not."""
        if name.partition(".")[0] in UNWRITTEN:
            return False
        return not (name in self.desired.attributes and self._of_disk(name))

    def _of_disk(self, name: str) -> bool:
        disk, _, setting = name.partition(".")
        return setting in {"size", "storage"} and f"{disk}.volume" in self.observed.attributes

    def _dropped(self) -> set[str]:
        """Keys that are owned and not wanted any more."""
        return {self.dialect.key(name) for name in self.work.changed if name not in self.desired.attributes}

    def _addresses_of(self, key: str) -> set[str]:
        """What cloud-init knew of a card that goes."""
        card = key.replace("net", "ipconfig")
        known = any(name.startswith(f"{card}.") for name in self.observed.attributes)
        return {card} if key.startswith("net") and known else set()

    def _merged(self) -> dict[str, Value]:
        """What was seen with what is wanted over it; a disk's size is what it is until it is grown."""
        seen = self.observed.attributes
        kept = {name: value for name, value in seen.items() if not name.startswith(OPTION)}
        sizes = {name: value for name, value in seen.items() if name.endswith(".size")}
        return {**self.desired.at_creation, **kept, **self.desired.attributes, **sizes}

    def _new_disks(self) -> list[str]:
        """The `storage` attributes of disks that are to be made."""
        names = [name for name in self.work.changed if name.endswith(".storage") and self._is_text(name)]
        return sorted([*names, STORAGE] if DRIVE in self.work.changed else names)

    def _grow(self) -> Iterator[Call]:
        """Sizes are absolute, so that asking twice grows once."""
        for name, size in self._disk_changes("size"):
            disk, before = name.partition(".")[0], self.observed.attributes.get(name)
            if isinstance(before, int) and isinstance(size, int) and size < before:
                raise Refused(
                    f"{self.desired.ref} ({self.desired.label}): {disk} is {format_size(before)} and cannot "
                    f"shrink to {format_size(size)}",
                    f"write {format_size(before)} in the estate, or use a smaller template",
                )
            params: Params = {"disk": disk, "size": format_size(int(str(size)))}
            yield Call("PUT", self._path("resize"), params, timeout_seconds=LONG_SECONDS)

    def _move(self) -> Iterator[Call]:
        """Disks change their storage while a virtual machine runs; a container's volumes do not."""
        for name, storage in self._disk_changes("storage"):
            disk = name.partition(".")[0]
            if self.dialect.kind == "ct" and self.observed.running:
                raise Refused(
                    f"{self.desired.ref} ({self.desired.label}) runs, and {disk} can only move to {storage} "
                    "while it does not",
                    "stop the container, then apply again",
                )
            action, key = ("move_disk", "disk") if self.dialect.kind == "vm" else ("move_volume", "volume")
            params: Params = {key: disk, "storage": str(storage), "delete": 1}
            held = (f"storage:{storage}",)
            yield Call("POST", self._path(action), params, lanes=held, timeout_seconds=LONG_SECONDS)

    def _disk_changes(self, setting: str) -> list[tuple[str, Value]]:
        wanted = self.desired.attributes
        names = sorted(name for name in self.work.changed if name.endswith(f".{setting}") and name in wanted)
        return [(name, wanted[name]) for name in names if self._of_disk(name)]

    def _join(self) -> Iterator[Call]:
        """A guest is in one pool at most: it leaves its old one by joining another."""
        if "pool" not in self.work.changed:
            return
        old, new = self.observed.attributes.get("pool"), self.desired.attributes["pool"]
        params: Params = {"poolid": str(new or old), "vms": self.desired.ref.id}
        if old:
            params["allow-move" if new else "delete"] = 1
        yield Call("PUT", "/pools", params, lanes=POOL_LANES)

    def _freeze(self) -> Iterator[Call]:
        """Turn it into a template, which cannot be undone."""
        if "template" not in self.work.changed:
            return
        what = f"{self.desired.ref} ({self.desired.label})"
        if not self.desired.attributes["template"]:
            raise Refused(f"{what} is a template, and stays one", "clone it, or say `template: true`")
        if self.observed.running:
            raise Refused(f"{what} runs and cannot become a template", "stop it, then apply again")
        yield Call("POST", self._path("template"), timeout_seconds=LONG_SECONDS)

    def _finish(self) -> Iterator[Call]:
        if self.desired.at_creation["started"] and not self.observed.running:
            yield self._power("start")
        text = with_mark(str(self.desired.attributes["description"]), self._mark())
        yield Call("PUT", self._path("config"), {"description": text})

    def _mark(self) -> str:
        return guest_mark(self.work.mark, self.desired.ref.id)

    def _description(self) -> str:
        """The text with the mark that the guest carries already; what was adopted carries none."""
        text = str(self.desired.attributes["description"])
        marks = {Mark.OURS: self._mark(), Mark.BUILDING: building_mark(self._mark())}
        mark = marks.get(self.observed.mark)
        return with_mark(text, mark) if mark else text
