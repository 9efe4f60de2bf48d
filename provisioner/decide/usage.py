"""Guests that still hang on what is to be removed, whoever made them."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.decide.conflict import GUESTS
from provisioner.model.objects import Desired, Mark, Observed, Ref, Traits
from provisioner.model.observation import Observation
from provisioner.model.plan import Blocker

USES: Mapping[str, tuple[str, ...]] = {
    "interface": ("net*.bridge",),
    "sdn_vnet": ("net*.bridge",),
    "storage": ("*.storage",),
}
"""Attributes of guests that name an object of a kind. Proxmox VE removes it under them without a word."""


def still_used(
    seen: Observed, wanted: Mapping[Ref, Desired], observation: Observation, traits: Mapping[str, Traits]
) -> Blocker | None:
    """A conflict if a guest that stays uses the object, or is to use it."""
    patterns = USES.get(seen.ref.kind)
    node, _, name = seen.ref.id.rpartition("/")
    for ref, guest in observation.objects.items() if patterns else ():
        leaves = guest.mark is not Mark.NONE and ref not in wanted
        if ref.kind not in GUESTS or leaves or (node and guest.node != node):
            continue
        values = wanted.get(ref, guest).attributes
        if any(
            value == name and traits[ref.kind].matches(key, patterns or ()) for key, value in values.items()
        ):
            return Blocker(
                f"{seen.ref} ('{seen.label}') is to be removed, and {guest.label} ({ref}) still uses it",
                f"keep it in the estate, or let {guest.label} use another first",
                refs=(seen.ref,),
                kind="conflict",
            )
    return None
