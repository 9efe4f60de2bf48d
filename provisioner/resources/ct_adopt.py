"""Containers that are there already, in the words of an estate."""

from __future__ import annotations

from provisioner.model.objects import Observed, Value
from provisioner.resources import disks, guest_adopt, nics
from provisioner.resources.disks import size_word
from provisioner.resources.kind import Fragment

USUAL_SWAP = 512 * 1024**2


def adopt(seen: tuple[Observed, ...]) -> Fragment:
    """The `guests` of an estate."""
    return guest_adopt.adopt(seen, _words)


def _words(ct: Observed) -> Fragment:
    values = ct.attributes
    words = {
        "cpulimit": values["cpulimit"],
        "features": guest_adopt.list_of(values["features"]),
        "ostype": values["ostype"],
        "nameservers": guest_adopt.list_of(values["nameserver"]),
        "search_domain": values["searchdomain"],
    }
    cores = values["cores"] or 0
    return {
        "kind": "ct",
        **guest_adopt.common(ct),
        **({} if cores == 1 else {"cores": cores}),
        **({} if values["swap"] == USUAL_SWAP else {"swap": size_word(values["swap"])}),
        **{word: value for word, value in words.items() if value},
        **({} if values["unprivileged"] else {"unprivileged": False}),
        **disks.adopted(guest_adopt.parts(values, disks.CT_KEY)),
        **_nics(dict(values)),
    }


def _nics(values: dict[str, Value]) -> Fragment:
    made = {}
    for key, card in guest_adopt.parts(values, nics.KEY).items():
        usual = card["name"] == key.replace("net", "eth")
        made[key] = {**({} if usual else {"name": card["name"]}), **nics.adopted(card, card)}
    return {"nics": made} if made else {}
