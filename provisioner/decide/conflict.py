"""What no permission can lift: the estate and the cluster cannot both be right."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.model.base import format_size
from provisioner.model.objects import Desired, Mark, Observed, Ref, Traits, Value
from provisioner.model.plan import Blocker

GUESTS: Mapping[str, str] = {"vm": "virtual machine", "ct": "container"}
"""The kinds that share one range of ids, the VMIDs."""

NAMES = ("name", "hostname")
"""Attributes that hold a guest's name."""


def less(after: Value, before: Value) -> bool:
    """Whether both are numbers and the first is the smaller."""
    return _number(after) and _number(before) and after < before  # type: ignore[operator]  # both are numbers


def keeps_less(after: Value, before: Value) -> bool:
    """Whether a retention (`keep-daily=7,keep-weekly=4`) gives up backups that another keeps.

    Nothing, and `keep-all=1`, keeps them all. What is given up goes with the next backup (PVE::VZDump).
    """
    kept, held = _keeps(after), _keeps(before)
    return bool(kept) and (not held or any(kept.get(name, 0) < count for name, count in held.items()))


def _keeps(value: Value) -> dict[str, int]:
    """How many of each are kept; empty where all are."""
    if not isinstance(value, str) or not value.startswith("keep-") or value.startswith("keep-all"):
        return {}
    pairs = (part.partition("=") for part in value.split(","))
    return {name: int(count) for name, _, count in pairs}


def _number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def cannot_shrink(desired: Desired, observed: Observed, traits: Traits) -> tuple[Blocker, ...]:
    """Sizes that the estate wants smaller and Proxmox VE can only make larger."""
    if _replaced(desired, observed, traits):
        return ()
    return tuple(
        Blocker(
            f"Proxmox VE cannot shrink a disk: {name} of {desired.label} ({desired.ref}) is "
            f"{_size(held)} and the estate says {_size(wanted)}",
            f"write {_size(held)} in the estate, or make a new disk and move what the old one holds",
            refs=(desired.ref,),
            kind="conflict",
        )
        for name, wanted in sorted(desired.attributes.items())
        if traits.matches(name, traits.grow_only) and less(wanted, held := observed.attributes.get(name))
    )


def _replaced(desired: Desired, observed: Observed, traits: Traits) -> bool:
    return any(
        traits.matches(name, traits.immutable) and observed.attributes.get(name) != wanted
        for name, wanted in desired.attributes.items()
    )


def _size(value: Value) -> str:
    return format_size(value) if isinstance(value, int) else str(value)


def place_taken(desired: Desired, seen: Mapping[Ref, Observed]) -> Blocker | None:
    """A guest of another kind or name under the VMID of one that the estate wants.

    One of another kind that carries our mark is on its way out: the new one is made after that.
    """
    if desired.ref.kind not in GUESTS:
        return None
    for kind, title in GUESTS.items():
        found = seen.get(Ref(desired.ref.site, kind, desired.ref.id))
        if found and kind != desired.ref.kind:
            by = f"the {title} '{found.label}', and the estate wants a {GUESTS[desired.ref.kind]}"
            return _taken(desired, by, ours=found.mark is not Mark.NONE)
        if found and found.mark is Mark.NONE and (name := _other_name(desired, found)):
            return _taken(desired, f"'{name}', which the estate does not know")
    return None


def _other_name(desired: Desired, found: Observed) -> str:
    """The name of what was found if it is another than the estate's."""
    for attribute in NAMES:
        name = found.attributes.get(attribute)
        if name and desired.attributes.get(attribute) not in {name, None}:
            return str(name)
    return ""


def _taken(desired: Desired, by: str, *, ours: bool = False) -> Blocker:
    foreign = f"choose another VMID for {desired.label}, adopt what is there, or remove it by hand"
    return Blocker(
        f"VMID {desired.ref.id} on {desired.ref.site} is {by}",
        "apply this plan, which removes it, then plan again" if ours else foreign,
        refs=(desired.ref,),
        kind="later" if ours else "conflict",
    )


def not_ours(seen: Observed) -> Blocker:
    """An object under `remove` that could carry a mark and does not: somebody else made it."""
    return Blocker(
        f"{seen.ref} ('{seen.label}') is listed under `remove`, but Bastide did not make it",
        "remove it by hand; `remove` is for objects without room for a mark",
        refs=(seen.ref,),
        kind="conflict",
    )


def still_needed(seen: Observed, by: Desired) -> Blocker:
    """An object that would be removed although the estate still needs it."""
    return Blocker(
        f"{seen.ref} ('{seen.label}') is to be removed, and {by.label} ({by.ref}) still needs it",
        f"declare it in the estate again, or take it from {by.label}",
        refs=(seen.ref,),
        kind="conflict",
    )
