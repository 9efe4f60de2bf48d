"""What cloud-init tells a virtual machine: its drive, its user, its keys and its addresses."""

from __future__ import annotations

from urllib.parse import quote, unquote

from provisioner.model.guest import Vm
from provisioner.model.objects import Value
from provisioner.model.site import Site
from provisioner.resources.dialect import OPTION
from provisioner.resources.disks import CLOUD_INIT
from provisioner.resources.kind import Fragment
from provisioner.resources.nics import addresses, networks
from provisioner.resources.properties import FLAG, SPACED, Field, Form

DRIVE, STORAGE = "cloudinit.drive", "cloudinit.storage"
KEYS = Form(
    lambda text: tuple(line.strip() for line in unquote(text).splitlines() if line.strip()),
    lambda keys: quote("\n".join(keys), safe=""),
)
"""Public keys, one a line, percent-encoded (PVE::QemuServer::Cloudinit)."""

FIELDS = (
    Field("ciuser", "ciuser"),
    Field("sshkeys", "sshkeys", KEYS, default=()),
    Field("nameserver", "nameserver", SPACED, default=()),
    Field("searchdomain", "searchdomain"),
    Field("ciupgrade", "ciupgrade", FLAG, default=True),
    Field("cicustom", "cicustom"),
)


def lift(values: dict[str, Value]) -> dict[str, Value]:
    """Recognise the cloud-init drive among the CD-ROMs that were read as options."""
    found = ((name, CLOUD_INIT.match(str(text))) for name, text in values.items() if name.startswith(OPTION))
    name, match = next(((name, match) for name, match in found if match), ("", None))
    if match is None:
        return values
    kept = {key: value for key, value in values.items() if key != name}
    return {**kept, DRIVE: name.removeprefix(OPTION), STORAGE: match[1]}


def wanted(guest: Vm, site: Site) -> dict[str, Value]:
    """The attributes of cloud-init; none if the estate says nothing of it."""
    told = guest.cloud_init
    if told is None:
        return {}
    values: dict[str, Value] = {
        DRIVE: told.drive,
        "ciuser": told.user,
        "sshkeys": tuple(key.strip() for key in told.ssh_keys),
        "nameserver": nameservers(guest, site),
        "searchdomain": search_domain(guest, site),
        "ciupgrade": told.upgrade,
        "cicustom": told.custom,
    }
    for key, nic in guest.nics.items():
        card = key.replace("net", "ipconfig")
        values |= {f"{card}.{name}": value for name, value in addresses(nic, site).items()}
    return values


def nameservers(guest: Vm, site: Site) -> tuple[str, ...]:
    """Those of the guest, else those of its first network that has any."""
    own = guest.cloud_init.nameservers if guest.cloud_init else ()
    told = own or next((net.nameservers for net in networks(guest, site) if net.nameservers), ())
    return tuple(map(str, told))


def search_domain(guest: Vm, site: Site) -> str | None:
    """That of the guest, else that of its first network that has one."""
    own = guest.cloud_init.search_domain if guest.cloud_init else None
    return own or next((net.search_domain for net in networks(guest, site) if net.search_domain), None)


def adopted(values: dict[str, Value], usual: str | None) -> Fragment | None:
    """`cloud_init` as an estate says it, None if there is nothing of it; `usual` is the guest's storage."""
    words = {
        "user": values["ciuser"],
        "ssh_keys": values["sshkeys"],
        "nameservers": values["nameserver"],
        "search_domain": values["searchdomain"],
        "custom": values["cicustom"],
    }
    said = {word: list(v) if isinstance(v, tuple) else v for word, v in words.items() if v}
    drive = values.get(DRIVE)
    addressed = any(name.startswith("ipconfig") for name in values)
    if not (said or drive or addressed):
        return None
    return {
        **({} if drive == "ide2" else {"drive": drive}),
        **({"storage": values[STORAGE]} if drive and values[STORAGE] != usual else {}),
        **said,
        **({"upgrade": True} if values["ciupgrade"] else {}),
    }
