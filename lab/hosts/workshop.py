"""A workshop of Debian machines to try roles on: any number of them, for any number of people at once.

They are machines like those of a lab, on a site of their own that comes with the first and goes with the
last. It has a name of its own, so that it stands beside a lab; who is in it is read from the names that its
DNS serves, a file a machine.
"""

import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
from filelock import FileLock

from lab import spoken, ssh_config
from lab.errors import LabRefused
from lab.hosts import cgroups, cleanup, disks, dns, host, images, machines, names, network, preflight
from lab.hosts.access import Access
from lab.hosts.build import Say
from lab.hosts.disks import SiteDisk
from lab.hosts.machines import Plant
from lab.hosts.shell import succeeds
from lab.hosts.topology import WORKSHOP, Host, Site, Topology

SITE = "atelier"
PREFIXES = tuple(f"10.{number}" for number in range(85, 95))
FOLDER = "workshop"
NUMBERS = range(11, 251)
COMMAND = "python -m lab.hosts.workshop"
BOOTER = "boot-"
"""What the control group of a process begins with that is booting machines."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """The workshop of this machine, when it is open; `prefix` is where it is among the addresses."""

    root: Path
    prefix: str

    @classmethod
    def find(cls) -> "Workshop | None":
        """The one that is open: its network is there, its disk, and its keys, which come last."""
        root = names.folder()
        address = network.uplink_address(SITE)
        if address and SiteDisk.of(root, SITE).top.is_mount() and _access(root).known_hosts.exists():
            return cls(root, ".".join(address.split(".")[:2]))
        return None

    @property
    def site(self) -> Site:
        """Its only site."""
        return _site(self.prefix)

    @property
    def plant(self) -> Plant:
        """It as a lab."""
        return Plant(Topology(sites=(self.site,), links=()), self.root)

    def machines(self) -> dict[str, str]:
        """The machines by name, with their addresses; also those that are being booted."""
        rows = (file.read_text(encoding="utf-8").split() for file in sorted(self.plant.names.glob("*")))
        return {name: address for address, name, *_ in rows}

    @property
    def ssh_config(self) -> Path:
        """The file for `ssh -F`, for all machines."""
        return self.root / FOLDER / ssh_config.FILE

    def write_ssh_config(self) -> None:
        """Write it again."""
        places = {name: (address, host.SSH) for name, address in self.machines().items()}
        ssh_config.write(self.root / FOLDER, places)


def lock() -> FileLock:
    """Taken while anything changes that machines share; not in the folder that goes with the last one."""
    names.cache().mkdir(parents=True, exist_ok=True)
    return FileLock(names.cache() / "workshop.lock")


def boot(wishes: Mapping[str, int], say: Say) -> Path:
    """Boot machines, each of a Debian release, and return the file for `ssh -F` when all answer.

    Raises LabRefused when a name is taken or this machine lacks something, LabError when one does not come
    up; then none of them is left.
    """
    base = images.ensure(names.cache(), say)
    hosts: list[Host] = []
    try:
        with ExitStack() as group:
            with lock():
                # Not while it waits for the lock: who closes the workshop ends all that is in its groups.
                group.enter_context(cgroups.joined(_booter()))
                shop = _reserve(wishes, base, hosts)
            _boot(shop, hosts)
    except LabRefused:
        raise  # nothing was made
    except BaseException:
        _remove([one.name for one in hosts])
        raise
    return shop.ssh_config


def drop(unwanted: Iterable[str]) -> tuple[str, ...]:
    """Throw machines away, and the workshop with the last one; those that were there.

    Raises LabRefused when none of them was.
    """
    wanted = tuple(unwanted)
    shop = Workshop.find()
    present = shop.machines() if shop else {}
    found = tuple(name for name in wanted if name in present)
    if not found:
        raise LabRefused(f"not in the workshop: {', '.join(wanted)}", "Nothing was removed.")
    _remove(found)
    return found


def down() -> None:
    """Remove everything, in whatever state it is. Raises LabRefused when there is nothing."""
    booting = [name for name in cgroups.names() if name.startswith(BOOTER)]
    for name in booting:
        host.kill(name)  # it may hold the lock
    with lock():
        if not booting and not cleanup.leftovers(names.folder()):
            raise LabRefused("there is no workshop on this machine", "Nothing was stopped.")
        cleanup.clean(names.folder())


def _site(prefix: str) -> Site:
    return Site(SITE, "Atelier", prefix, hosts=())


def _access(root: Path) -> Access:
    return Access(root / FOLDER)


def _booter() -> str:
    """The control group of this process while it boots machines."""
    return f"{BOOTER}{os.getpid()}"


def _reserve(wishes: Mapping[str, int], base: Path, hosts: list[Host]) -> Workshop:
    """Give each machine an address that is free, and make the site if nobody did; adds to `hosts`."""
    shop = Workshop.find() or _open(base)
    present = shop.machines()
    if taken := sorted(present.keys() & wishes.keys()):
        raise LabRefused(
            f"in the workshop already: {', '.join(taken)}", f"Remove them: {COMMAND} drop {' '.join(taken)}"
        )
    used = {int(address.rpartition(".")[2]) for address in present.values()}
    free = [number for number in NUMBERS if number not in used]
    if len(free) < len(wishes):
        raise LabRefused("the workshop is full", f"Remove what nobody needs: {COMMAND} drop NAME…")
    for (name, release), number in zip(wishes.items(), free, strict=False):
        hosts.append(Host(name, WORKSHOP, number, release))
        machines.name_in_dns(shop.plant, name, shop.site.address(hosts[-1]))
    return shop


def _open(base: Path) -> Workshop:
    """Make the site: network, disk, names, keys."""
    root = names.folder()
    left = tuple(one for one in cleanup.leftovers(root) if not one.startswith(f"machine {_booter()} "))
    if left:
        raise LabRefused(
            "part of a workshop is on this machine already: " + "; ".join(left[:4]),
            f"Remove what a crash left: {COMMAND} down",
        )
    shop = Workshop(root, _free_prefix())
    preflight.check(shop.plant.topology, root)
    network.up(shop.plant.topology)
    shop.plant.disk(SITE).make(base)
    dns.start(shop.plant, SITE)
    _access(root).ensure()
    return shop


def _free_prefix() -> str:
    """Where no other network of this machine is; the first, when it is the preflight's to refuse."""
    sites = {prefix: Topology(sites=(_site(prefix),), links=()) for prefix in PREFIXES}
    return next((prefix for prefix, one in sites.items() if not network.collisions(one)), PREFIXES[0])


def _boot(shop: Workshop, hosts: Sequence[Host]) -> None:
    access = _access(shop.root)
    with ThreadPoolExecutor(len(hosts)) as threads:
        keys = list(threads.map(lambda one: _switch_on(shop, one, access.public_key), hosts))
        with lock():
            for one, key in zip(hosts, keys, strict=True):
                access.pin(key, one.name, shop.site.address(one))
            shop.write_ssh_config()
        waits = [threads.submit(_wait, shop, one) for one in hosts]
        for wait in waits:
            wait.result()


def _switch_on(shop: Workshop, one: Host, public_key: str) -> str:
    key = machines.make(shop.plant, shop.site, one, public_key)
    machines.switch_on(shop.plant, shop.site, one)
    return key


def _wait(shop: Workshop, one: Host) -> None:
    host.wait_ssh(shop.plant.machine(shop.site, one), shop.site.address(one))


def _remove(unwanted: Sequence[str]) -> None:
    """Remove machines, and the workshop when none is left in it, or it never was whole."""
    shop = Workshop.find()
    if shop:
        _throw_away(shop, unwanted)
    with lock():
        if shop and shop.machines():
            shop.write_ssh_config()
        else:
            cleanup.clean(names.folder())


def _throw_away(shop: Workshop, unwanted: Sequence[str]) -> None:
    for name in unwanted:
        # The next machine of this name is another: end the connection that was kept for the next command.
        succeeds("ssh", "-F", shop.ssh_config, "-O", "exit", name)
        machines.switch_off(shop.site, Host(name, WORKSHOP, 0), kill=True)
        disks.delete(shop.plant.disk(SITE).machine(name))
        (shop.plant.names / name).unlink(missing_ok=True)  # last: until then nobody gets its address


def wish(text: str) -> tuple[str, int]:
    """Name and Debian release out of `NAME=RELEASE`. Raises click.BadParameter."""
    found = re.fullmatch(r"([a-z][a-z0-9-]{0,39})=(\d+)", text)
    if not found or int(found[2]) not in images.RELEASES:
        releases = " or ".join(map(str, images.RELEASES))
        raise click.BadParameter(f"{text!r} is no NAME=RELEASE, such as web=13; RELEASE is {releases}")
    return found[1], int(found[2])


@click.group()
def workshop() -> None:
    """Boot Debian machines to try roles on, and throw them away."""
    names.enter_workshop()


@workshop.command("boot")
@click.argument("wishes", nargs=-1, required=True, type=wish, metavar="NAME=RELEASE…")
def boot_them(*, wishes: tuple[tuple[str, int], ...]) -> None:
    """Boot machines; prints the file for `ssh -F`."""
    began = time.monotonic()
    click.echo(boot(dict(wishes), lambda text: click.echo(text, err=True)))
    click.echo(f"booted after {time.monotonic() - began:.1f} s", err=True)


@workshop.command("drop")
@click.argument("unwanted", nargs=-1, required=True, metavar="NAME…")
def drop_them(*, unwanted: tuple[str, ...]) -> None:
    """Throw machines away; the last one takes the workshop with it."""
    click.echo(f"removed {', '.join(drop(unwanted))}", err=True)


@workshop.command("down")
def close() -> None:
    """Remove everything, also what a crash left."""
    down()


if __name__ == "__main__":
    sys.exit(spoken.run(workshop))
