"""Virtual machines (PVE::API2::Qemu, PVE::QemuServer)."""

from __future__ import annotations

import re
from functools import partial

from provisioner.model.base import SecretRef
from provisioner.model.estate import Estate
from provisioner.model.guest import Vm
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Value, Work
from provisioner.model.site import Site
from provisioner.resources import cloudinit, disks, guest, guest_calls, nics, vm_adopt
from provisioner.resources.dialect import Dialect
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.properties import CPU, FLAG, INTEGER, MEBIBYTES, TYPED, Field, Form, Group

AT_RESTART = (
    *("cores", "sockets", "cpu", "memory", "numa", "ostype", "bios", "machine", "scsihw", "vga", "serial"),
    *("agent.*", "boot", "*.discard", "*.ssd", "*.iothread", "*.cache"),
    *("ide*.size", "sata*.size", "efidisk0.*", "tpmstate0.*"),
    *(f"options.{key}" for key in ("args", "acpi", "arch", "audio0", "freeze", "hostpci*", "hugepages")),
    *(f"options.{key}" for key in ("ivshmem", "keyboard", "kvm", "localtime", "numa*", "rng0", "startdate")),
    *(f"options.{key}" for key in ("spice_enhancements", "virtiofs*", "watchdog")),
)
"""What a running machine does not take with Proxmox VE's default `hotplug` of network, disk and USB
(PVE::QemuServer::vmconfig_hotplug_pending)."""

TRAITS = Traits(
    kind="vm",
    title="virtual machine",
    rank=60,
    audit=(("/vms", "VM.Audit"),),
    restart=AT_RESTART,
    capacity=("cores", "sockets", "memory"),
    grow_only=("*.size",),
    disks=disks.VM_DISKS,
    owned=(*nics.OWNED, *disks.VM_DISKS),
    destroys=True,
)

INHERITED = ("sockets", "cpu", "numa", "ostype", "bios", "machine", "scsihw", "vga", "serial", "agent")
"""What a clone has as its template has it, unless the estate says otherwise."""

WINDOWS = re.compile(r"w(2k|xp|vista|in)")
UNVERSIONED = (None, "pc", "q35", "virt")

SERIAL = Form(lambda text: text == "socket", lambda value: "socket" if value else "")
BOOT = Form(lambda text: tuple(text.removeprefix("order=").split(";")), lambda v: f"order={';'.join(v)}")
AGENT = Group("enabled", (Field("enabled", "enabled", FLAG, default=False),))

DIALECT = Dialect(
    kind="vm",
    path="qemu",
    name="name",
    fields=(
        Field("name", "name"),
        *guest.COMMON,
        Field("cores", "cores", INTEGER, default=1),
        Field("sockets", "sockets", INTEGER, default=1),
        Field("cpu", "cpu", CPU),
        Field("memory", "memory", MEBIBYTES, default=MEBIBYTES.read("512")),
        Field("balloon", "balloon", MEBIBYTES),
        Field("numa", "numa", FLAG, default=False),
        Field("ostype", "ostype", default="other"),
        Field("bios", "bios", default="seabios"),
        Field("machine", "machine", TYPED),
        Field("scsihw", "scsihw", default="lsi"),
        Field("vga", "vga", TYPED),
        Field("serial0", "serial", SERIAL, default=False),
        Field("boot", "boot", BOOT, default=()),
        *cloudinit.FIELDS,
    ),
    groups={
        "startup": guest.STARTUP,
        "agent": AGENT,
        "net": nics.VM_NIC,
        "ipconfig": nics.IPCONFIG,
        **dict.fromkeys(("scsi", "virtio", "sata", "ide"), disks.VM_DISK),
        **dict.fromkeys(("efidisk", "tpmstate"), disks.STATE_DISK),
    },
    always=("startup", "agent"),
    silent=guest.SILENT | {"meta", "vmgenid", "smbios", "cipassword", "bootdisk"},
    refine=cloudinit.lift,
)


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The virtual machines of a site."""
    return tuple(_desired(estate, name, vm) for name, vm in estate.guests_of(site) if isinstance(vm, Vm))


def _desired(estate: Estate, name: str, declared: Vm) -> Desired:
    site = estate.sites[declared.site]
    template = template_of(estate, declared)
    vm = _as_cloned(declared, template) if template else declared
    return Desired(
        ref=Ref(vm.site, "vm", str(vm.vmid)),
        label=vm.name or name,
        attributes={"name": vm.name or name, **guest.common(vm), **_attributes(vm, site)},
        at_creation=_at_creation(vm, template, site),
        secrets=_secrets(vm),
        requires=guest.requires(vm, template, site),
    )


def template_of(estate: Estate, vm: Vm) -> Vm | None:
    """The template that a machine is cloned from."""
    found = estate.guests.get(vm.clone) if vm.clone else None
    return found if isinstance(found, Vm) else None


def _as_cloned(vm: Vm, template: Vm) -> Vm:
    """The machine with the hardware and the disks of its template where it says nothing of its own."""
    held = {field: getattr(template, field) for field in INHERITED if field not in vm.model_fields_set}
    return vm.model_copy(
        update={
            **held,
            "storage": vm.storage or template.storage,
            "disks": {**template.disks, **vm.disks},
        }
    )


def _attributes(vm: Vm, site: Site) -> dict[str, Value]:
    boot: dict[str, Value] = {"boot": vm.boot} if vm.boot else {}
    machine: dict[str, Value] = {} if is_pinned(vm) else {"machine": vm.machine}
    return {
        "cores": vm.cores,
        "sockets": vm.sockets,
        "cpu": vm.cpu,
        "balloon": vm.balloon_bytes,
        "numa": vm.numa,
        "ostype": vm.ostype,
        "bios": vm.bios,
        **machine,
        "scsihw": vm.scsihw,
        "vga": vm.vga,
        "serial": vm.serial,
        "agent.enabled": vm.agent,
        **boot,
        **disks.wanted(vm),
        **nics.wanted(vm, site),
        **cloudinit.wanted(vm, site),
    }


def is_pinned(vm: Vm) -> bool:
    """Whether Proxmox VE chooses the version of the machine, and keeps it, when it makes the guest.

    It does so for Windows, which takes another version for new hardware and forgets its network settings
    (PVE::QemuServer::Machine, windows_get_pinned_machine_version).
    """
    return WINDOWS.match(vm.ostype) is not None and vm.machine in UNVERSIONED


def _at_creation(vm: Vm, template: Vm | None, site: Site) -> dict[str, Value]:
    made = {**guest.origin(vm, template, site), **disks.at_creation(vm)}
    if is_pinned(vm):
        made["machine"] = vm.machine
    if vm.image:
        made[f"{disks.first_disk(vm)}.import-from"] = vm.image
    if vm.cloud_init:
        made[cloudinit.STORAGE] = vm.cloud_init.storage or made["storage"]
    return made


def _secrets(vm: Vm) -> dict[str, SecretRef]:
    password = vm.cloud_init.password if vm.cloud_init else None
    return {"cipassword": password} if password else {}


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """All virtual machines, templates too, whose configuration is among the answers."""
    return guest.parse(DIALECT, scope, answers)


def calls(work: Work) -> tuple[Call, ...]:
    """The next calls towards what is wanted."""
    return guest_calls.calls(DIALECT, work)


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `guests` of an estate."""
    return vm_adopt.adopt(seen)


KIND = Kind(
    traits=TRAITS,
    reads=guest.reads,
    details=partial(guest.details, "vm"),
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=partial(guest.refresh, "vm"),
)
