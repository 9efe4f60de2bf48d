"""Guests as machines: what a guest of the API is, its machine becomes.

Nothing follows step by step what the API does. After each task, and every second for what no task did, the
machine is compared with the guest: its disks, its snapshots, where it is, whether it runs; and what differs
is done. So whatever moves a guest, its machine arrives.
"""

from pathlib import Path

from lab.errors import LabError
from lab.hosts import cgroups, cloudinit, host, machines, network
from lab.hosts.access import Access
from lab.hosts.guest import Guest
from lab.hosts.guest_disks import MOVES, GuestDisks
from lab.hosts.hooks import POST_START, POST_STOP, PRE_STOP, Hooks
from lab.hosts.machines import Plant
from lab.hosts.topology import Site

RESTARTS = ("qmreboot", "vzreboot", "qmreset")
ROLLBACKS = ("qmrollback", "vzrollback")
STARTS = ("qmstart", "vzstart")
HA_STOP = "hastop"
STOPS = ("qmstop", "vzstop", "qmshutdown", "vzshutdown", "qmreboot", "vzreboot", HA_STOP)
ORDERLY = ("qmshutdown", "vzshutdown", "vzmigrate", "qmreboot", "vzreboot", HA_STOP)
# The guest does not stop for its hookscript: it is reset, or goes on elsewhere.
SILENT = ("qmreset", "vzmigrate")


def machine_name(site: str, vmid: int) -> str:
    """The name of a guest's machine: unique on this system, and so short that its cables fit."""
    return f"g{vmid}-{site}"


class GuestMachines:
    """The machines of one site's guests. Its methods block."""

    def __init__(self, plant: Plant, site: Site, access: Access) -> None:
        self._plant, self._site, self._access = plant, site, access
        self.disks = GuestDisks(plant.disk(site.name), access)
        self._hooks = Hooks(site)

    def name(self, vmid: int) -> str:
        """The name of a guest's machine."""
        return machine_name(self._site.name, vmid)

    def settle(self, guest: Guest, work: str) -> list[str]:
        """Make the machine what the guest is, after work of a type; what its hookscript said.

        Raises LabError when it cannot be, or when the hookscript forbids a start.
        """
        name, said = self.name(guest.vmid), []
        moved = self.disks.bring(guest)
        if work in ROLLBACKS or work in RESTARTS or not guest.runs or (moved and work == "vzmigrate"):
            said += self._end(guest, work)
        self.disks.match(guest, moves=work in MOVES)
        self.disks.match_snapshots(guest)
        if work in ROLLBACKS and guest.parent:
            self.disks.roll_back(guest, guest.parent)
        if guest.runs and not host.is_running(name):
            said += self._begin(guest, work)
        elif guest.runs:
            self._limit(guest)
        if guest.runs and host.is_running(name):
            cgroups.freeze(name, frozen=guest.is_paused)
        return said

    def _end(self, guest: Guest, work: str) -> list[str]:
        """Switch a machine off, with what its hookscript has to do before and after."""
        name, said = self.name(guest.vmid), []
        ran = host.is_running(name)
        if ran and work in STOPS:
            said += self._hooks.call(guest, PRE_STOP)
        self._off(name, in_order=work in ORDERLY)
        if ran and work not in SILENT:
            said += self._hooks.call(guest, POST_STOP)
        return said

    def _begin(self, guest: Guest, work: str) -> list[str]:
        """Switch a machine on, unless its hookscript says no; as in life a VM without a system runs too."""
        machine = self.machine(guest)
        if machine is None and work not in STARTS:
            return []
        said = [] if work in SILENT else self._hooks.before_start(guest)
        if machine:
            self._on(guest, machine)
        return said + ([] if work in SILENT else self._hooks.call(guest, POST_START))

    def ended(self, guest: Guest) -> None:
        """A guest's machine went down by itself."""
        self._off(self.name(guest.vmid), in_order=False)
        self._hooks.call(guest, POST_STOP)

    def remove(self, vmid: int) -> None:
        """Take a guest's machine and all its disks away."""
        self._off(self.name(vmid), in_order=False)
        self.disks.remove(vmid)
        (self._plant.names / self.name(vmid)).unlink(missing_ok=True)

    def kill(self, vmid: int) -> None:
        """Kill a guest's machine: its node died."""
        self._off(self.name(vmid), in_order=False)

    def machine(self, guest: Guest) -> host.Machine | None:
        """The machine of a guest; None when no disk of it has a system."""
        system = guest.system
        if system is None:
            return None
        root = self.disks.path(guest, system)
        if not (root / "sbin/init").is_symlink() and not (root / "usr/sbin/init").is_symlink():
            return None
        name = self.name(guest.vmid)
        return host.Machine(
            name,
            root,
            guest.name,
            self._plant.log(name),
            binds=tuple(
                (self.disks.path(guest, disk), disk.mount) for disk in guest.disks if disk.mount != "/"
            ),
            memory_bytes=guest.memory_bytes,
            cpus=guest.cpus,
        )

    def _on(self, guest: Guest, machine: host.Machine) -> None:
        if guest.has_seed:
            custom, key = self._custom(guest), self._access.public_key
            cloudinit.write_seed(guest, machine.root, self._site.router(), custom, key=key)
        self._off(machine.name, in_order=False)
        network.plug(machine.name, self._site.name, self._cables(guest))
        self._make_known(guest, machine.root)
        host.boot(machine)

    def _make_known(self, guest: Guest, root: Path) -> None:
        """Tell the names and the host key that a machine boots with; a rollback may have changed them."""
        key = root / "etc/ssh/ssh_host_ed25519_key.pub"
        if guest.address:
            machines.name_in_dns(self._plant, guest.name, guest.address)
            if key.is_file():
                self._access.pin(key.read_text(encoding="utf-8"), guest.address, guest.name)

    def _custom(self, guest: Guest) -> dict[str, str]:
        """The documents that `cicustom` puts in place of Proxmox VE's own: `{kind: text}`."""
        told = str(guest.config.get("cicustom", ""))
        documents = {}
        for kind, _, volume in (word.partition("=") for word in told.split(",") if word):
            storage, _, place = volume.partition(":")
            tops = [
                self._plant.disk(self._site.name).storage(guest.node, storage, shared=shared)
                for shared in (False, True)
            ]
            file = next((top / place for top in tops if (top / place).is_file()), None)
            if file is None:
                raise LabError(f"volume '{volume}' does not exist on {guest.node}")
            documents[kind] = file.read_text(encoding="utf-8")
        return documents

    def _cables(self, guest: Guest) -> tuple[tuple[str, str, str | None], ...]:
        return tuple(
            (card.name, network.carrier(self._site, card.bridge, card.vlan), card.mac)
            for card in guest.cards
            if card.is_up
        )

    def _off(self, name: str, *, in_order: bool) -> None:
        """Take a machine down, in order or at once; of one that went by itself, what it left behind."""
        cgroups.freeze(name, frozen=False)
        if in_order and host.is_running(name):
            host.stop(name)
        else:
            host.kill(name)
        if network.netns_path(network.netns_of(name)).exists():
            network.unplug(name, self._site.name)

    def _limit(self, guest: Guest) -> None:
        cgroups.limit(self.name(guest.vmid), memory_bytes=guest.memory_bytes, cpus=guest.cpus)
