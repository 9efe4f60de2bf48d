"""The call that makes a guest: a clone of a template, or a new one from an image or empty.

It carries the *building* mark, so that whoever finds the guest half-made knows to finish it.
"""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.errors import BastideError
from provisioner.model.objects import Call, Desired, Ref, Value, Work, building_mark, guest_mark, with_mark
from provisioner.resources.cloudinit import DRIVE, STORAGE
from provisioner.resources.dialect import Dialect
from provisioner.resources.guest import path_of

Params = dict[str, str | int]

UNWRITTEN = {"description", "pool", "template", "cloudinit"}
"""Attributes, or the first part of one, that are not written as a key of the configuration."""

LONG_SECONDS = 4 * 3600
"""For tasks that copy whole disks."""


def make(dialect: Dialect, desired: Desired, work: Work) -> Call:
    """The call that makes a guest. Raises BastideError for a container without template or image."""
    text = with_mark(
        str(desired.attributes["description"]), building_mark(guest_mark(work.mark, desired.ref.id))
    )
    pool = desired.attributes["pool"]
    born: Params = {"description": text, **({"pool": str(pool)} if pool else {})}
    if desired.at_creation.get("clone"):
        return _clone(dialect, desired, work, born)
    return _create(dialect, desired, born)


def _clone(dialect: Dialect, desired: Desired, work: Work, born: Params) -> Call:
    """The template is cloned where it is; a clone on shared storage is handed to its node at once."""
    made = desired.at_creation
    source = work.seen.get(Ref(desired.ref.site, dialect.kind, str(made["clone"])))
    node = source.node if source and source.node else str(made["clone_node"])
    params: Params = {**born, "newid": desired.ref.id, dialect.name: str(desired.attributes[dialect.name])}
    params["full"] = int(bool(made["full"]))
    if made["full"] and made["storage"]:
        params["storage"] = str(made["storage"])
    if made["shared"] and node != made["node"]:
        params["target"] = str(made["node"])
    path = f"{path_of(node, dialect.kind, str(made['clone']))}/clone"
    return Call("POST", path, params, lanes=lanes(desired.attributes), timeout_seconds=LONG_SECONDS)


def _create(dialect: Dialect, desired: Desired, born: Params) -> Call:
    made, values = desired.at_creation, {**desired.at_creation, **desired.attributes}
    if dialect.kind == "ct" and not made.get("ostemplate"):
        raise BastideError(
            f"{desired.ref} ({desired.label}) cannot be made: a container comes from somewhere",
            "give it an `image` or a `clone`",
        )
    keys = dict.fromkeys(dialect.key(name) for name in desired.attributes)
    written = {key: dialect.write(key, values) for key in keys if key not in UNWRITTEN}
    params = {key: text for key, text in written.items() if text is not None}
    extra = {key: str(made[key]) for key in ("machine", "ostemplate", "ssh-public-keys") if made.get(key)}
    return Call(
        "POST",
        path_of(str(made["node"]), dialect.kind, "").rstrip("/"),
        {**params, **cloud_drive(values), **extra, **born, "vmid": desired.ref.id},
        secrets=desired.secrets,
        lanes=lanes(desired.attributes),
        timeout_seconds=LONG_SECONDS,
    )


def cloud_drive(values: Mapping[str, Value]) -> Params:
    """The parameter that makes a cloud-init drive, if one is wanted."""
    return {str(values[DRIVE]): f"{values[STORAGE]}:cloudinit"} if values.get(DRIVE) else {}


def lanes(values: Mapping[str, Value]) -> tuple[str, ...]:
    """The storages that hold a guest's disks: copies to one storage take turns under its lock."""
    return tuple(sorted({f"storage:{v}" for name, v in values.items() if name.endswith(".storage") and v}))
