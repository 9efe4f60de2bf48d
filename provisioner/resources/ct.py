"""Containers (PVE::API2::LXC, PVE::LXC::Config)."""

from __future__ import annotations

from functools import partial

from provisioner.model.base import MIB
from provisioner.model.estate import Estate
from provisioner.model.guest import Ct
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Value, Work
from provisioner.model.site import Site
from provisioner.resources import ct_adopt, disks, guest, guest_calls, nics
from provisioner.resources.dialect import Dialect
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.properties import FLAG, INTEGER, MEBIBYTES, NUMBER, SPACED, Field, Form

AT_RESTART = (
    *("features", "nameserver", "searchdomain", "ostype"),
    *("rootfs.acl", "rootfs.quota", "rootfs.replicate", "rootfs.read_only"),
    *("mp*.mount", "mp*.backup", "mp*.replicate", "mp*.acl", "mp*.quota", "mp*.read_only"),
    *(f"options.{key}" for key in ("cmode", "console", "debug", "entrypoint", "env", "timezone", "tty")),
)
"""What a running container does not take: all but its name, cores, limits, memory, swap, network cards and
new mount points (PVE::LXC::Config::vmconfig_hotplug_pending)."""

TRAITS = Traits(
    kind="ct",
    title="container",
    rank=60,
    audit=(("/vms", "VM.Audit"),),
    immutable=("unprivileged",),
    restart=AT_RESTART,
    capacity=("cores", "memory"),
    grow_only=("*.size",),
    disks=(*disks.CT_DISKS, "rootfs.size"),
    owned=(*nics.OWNED, *disks.CT_DISKS),
    destroys=True,
)

INHERITED = ("unprivileged", "features", "ostype")
"""What a clone has as its template has it, unless the estate says otherwise."""

DEFAULT_SWAP = 512 * MIB
FEATURES = Form(
    lambda text: tuple(sorted(part for part in text.split(",") if part and not part.endswith("=0"))), ",".join
)
NO_LIMIT = Form(lambda text: NUMBER.read(text) or None, NUMBER.write)

DIALECT = Dialect(
    kind="ct",
    path="lxc",
    name="hostname",
    fields=(
        Field("hostname", "hostname"),
        *guest.COMMON,
        Field("cores", "cores", INTEGER),
        Field("cpulimit", "cpulimit", NO_LIMIT),
        Field("memory", "memory", MEBIBYTES, default=512 * MIB),
        Field("swap", "swap", MEBIBYTES, default=DEFAULT_SWAP),
        Field("unprivileged", "unprivileged", FLAG, default=False),
        Field("features", "features", FEATURES, default=()),
        Field("ostype", "ostype"),
        Field("nameserver", "nameserver", SPACED, default=()),
        Field("searchdomain", "searchdomain"),
    ),
    groups={
        "startup": guest.STARTUP,
        "net": nics.CT_NIC,
        "rootfs": disks.CT_DISK,
        "mp": disks.CT_DISK,
    },
    always=("startup",),
    silent=guest.SILENT | {"arch"},
)


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The containers of a site."""
    return tuple(_desired(estate, name, ct) for name, ct in estate.guests_of(site) if isinstance(ct, Ct))


def _desired(estate: Estate, name: str, declared: Ct) -> Desired:
    site = estate.sites[declared.site]
    found = estate.guests.get(declared.clone) if declared.clone else None
    template = found if isinstance(found, Ct) else None
    ct = _as_cloned(declared, template) if template else declared
    return Desired(
        ref=Ref(ct.site, "ct", str(ct.vmid)),
        label=ct.name or name,
        attributes={"hostname": ct.name or name, **guest.common(ct), **_attributes(ct, site)},
        at_creation=_at_creation(ct, template, site),
        secrets={"password": ct.password} if ct.password else {},
        requires=guest.requires(ct, template, site),
    )


def _as_cloned(ct: Ct, template: Ct) -> Ct:
    """The container with the settings and the volumes of its template where it says nothing of its own."""
    held = {field: getattr(template, field) for field in INHERITED if field not in ct.model_fields_set}
    return ct.model_copy(
        update={
            **held,
            "storage": ct.storage or template.storage,
            "disks": {**template.disks, **ct.disks},
        }
    )


def _attributes(ct: Ct, site: Site) -> dict[str, Value]:
    detected: dict[str, Value] = {"ostype": ct.ostype} if ct.ostype else {}
    swap = DEFAULT_SWAP if ct.swap_bytes is None else ct.swap_bytes
    return {
        "cores": ct.cores or None,
        "cpulimit": ct.cpulimit or None,
        "swap": swap,
        "unprivileged": ct.unprivileged,
        "features": tuple(sorted(ct.features)),
        "nameserver": _nameservers(ct, site),
        "searchdomain": _search_domain(ct, site),
        **detected,
        **disks.wanted(ct),
        **nics.wanted(ct, site),
    }


def _nameservers(ct: Ct, site: Site) -> tuple[str, ...]:
    """Its own, else those of its first network that has any; none means those of its node."""
    told = ct.nameservers or next((net.nameservers for net in nics.networks(ct, site) if net.nameservers), ())
    return tuple(map(str, told))


def _search_domain(ct: Ct, site: Site) -> str | None:
    known = (net.search_domain for net in nics.networks(ct, site) if net.search_domain)
    return ct.search_domain or next(known, None)


def _at_creation(ct: Ct, template: Ct | None, site: Site) -> dict[str, Value]:
    keys = "\n".join(key.strip() for key in ct.ssh_keys)
    return {**guest.origin(ct, template, site), "ostemplate": ct.image, "ssh-public-keys": keys or None}


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """All containers, templates too, whose configuration is among the answers."""
    return guest.parse(DIALECT, scope, answers)


def calls(work: Work) -> tuple[Call, ...]:
    """The next calls towards what is wanted."""
    return guest_calls.calls(DIALECT, work)


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `guests` of an estate."""
    return ct_adopt.adopt(seen)


KIND = Kind(
    traits=TRAITS,
    reads=guest.reads,
    details=partial(guest.details, "ct"),
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=partial(guest.refresh, "ct"),
)
