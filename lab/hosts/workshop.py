"""A workshop of Debian machines to try roles on: any number of them, for any number of people at once.

They are machines like those of a lab, on a site of their own that comes with the first and goes with the
last. It has a name of its own, so that it stands beside a lab; who is in it is read from the names that its
DNS serves, a file a machine.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
from filelock import FileLock

from lab import ssh_config
from lab.errors import LabError, LabRefused
from lab.hosts import cgroups, cleanup, disks, dns, host, images, machines, names, network, preflight
from lab.hosts.access import Access
from lab.hosts.machines import Plant
from lab.hosts.shell import succeeds
from lab.hosts.topology import WORKSHOP, Host, Site, Topology

Say = Callable[[str], None]
SITE = Site("atelier", "Atelier", "10.85", hosts=())
FOLDER = "workshop"
NUMBERS = range(11, 251)
COMMAND = "python -m lab.hosts.workshop"
BOOTER = "boot-"
"""What the control group of a process begins with that is booting machines."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """The workshop of this machine; `root` is the folder in which everything is."""

    root: Path

    @property
    def plant(self) -> Plant:
        """It as a lab of one site."""
        return Plant(Topology(sites=(SITE,), links=()), self.root)

    @property
    def access(self) -> Access:
        """Its keys."""
        return Access(self.root / FOLDER)

    def lock(self) -> FileLock:
        """Taken while anything changes that machines share; it is outside of what goes with the last one."""
        names.cache().mkdir(parents=True, exist_ok=True)
        return FileLock(names.cache() / f"{names.word()}.lock")

    def machines(self) -> dict[str, str]:
        """The machines by name, with their addresses; also those that are being booted."""
        rows = (file.read_text(encoding="utf-8").split() for file in sorted(self.plant.names.glob("*")))
        return {name: address for address, name, *_ in rows}

    def is_open(self) -> bool:
        """Whether its site is there, as a whole."""
        return self.access.known_hosts.exists() and self.plant.disk(SITE.name).top.is_mount()

    def write_ssh_config(self) -> Path:
        """Write the file for `ssh -F` again; the file."""
        places = {name: (address, host.SSH) for name, address in self.machines().items()}
        return ssh_config.write(self.root / FOLDER, places)

    @property
    def ssh_config(self) -> Path:
        """The file for `ssh -F`, for all machines."""
        return self.root / FOLDER / ssh_config.FILE


def boot(wishes: Mapping[str, int], say: Say) -> Path:
    """Boot machines, each of a Debian release, and return the file for `ssh -F` when all answer.

    Raises LabRefused when a name is taken or this machine lacks something, LabError when one does not come
    up; then none of them is left.
    """
    shop = Workshop(names.folder())
    base = images.ensure(names.cache(), say)
    hosts: list[Host] = []
    try:
        with ExitStack() as group:
            with shop.lock():
                # Not while it waits for the lock: who closes the workshop ends all that is in its groups.
                group.enter_context(cgroups.joined(f"{BOOTER}{os.getpid()}"))
                hosts += _reserve(shop, wishes, base)
            return _boot(shop, hosts)
    except LabRefused:
        raise  # nothing was made
    except BaseException:
        _remove(shop, [one.name for one in hosts])
        raise


def drop(unwanted: Iterable[str]) -> tuple[str, ...]:
    """Throw machines away, and the workshop with the last one; those that were there.

    Raises LabRefused when none of them was.
    """
    shop = Workshop(names.folder())
    wanted = tuple(unwanted)
    present = shop.machines()
    found = tuple(name for name in wanted if name in present)
    if not found:
        raise LabRefused(f"not in the workshop: {', '.join(wanted)}", "Nothing was removed.")
    _remove(shop, found)
    return found


def down() -> None:
    """Remove everything, in whatever state it is. Raises LabRefused when there is nothing."""
    shop = Workshop(names.folder())
    for name in cgroups.names():
        if name.startswith(BOOTER):
            host.kill(name)  # it may hold the lock
    with shop.lock():
        if not cleanup.leftovers(shop.root):
            raise LabRefused("there is no workshop on this machine", "Nothing was stopped.")
        cleanup.clean(shop.root)


def _reserve(shop: Workshop, wishes: Mapping[str, int], base: Path) -> Iterator[Host]:
    """Give each machine an address that is free, and make the site if nobody did."""
    present = shop.machines()
    if taken := sorted(present.keys() & wishes.keys()):
        raise LabRefused(
            f"in the workshop already: {', '.join(taken)}", f"Remove them: {COMMAND} drop {' '.join(taken)}"
        )
    free = [number for number in NUMBERS if SITE.address(_host("", number)) not in present.values()]
    if len(free) < len(wishes):
        raise LabRefused("the workshop is full", f"Remove what nobody needs: {COMMAND} drop NAME…")
    if not shop.is_open():
        _open(shop, base)
    for (name, release), number in zip(wishes.items(), free, strict=False):
        one = _host(name, number, release)
        machines.name_in_dns(shop.plant, name, SITE.address(one))
        yield one


def _host(name: str, number: int = 0, release: int | None = None) -> Host:
    return Host(name, WORKSHOP, number, release)


def _open(shop: Workshop, base: Path) -> None:
    """Make the site: network, disk, names, keys. The keys come last, for they tell that it is whole."""
    own = f"machine {BOOTER}{os.getpid()} "
    left = tuple(one for one in cleanup.leftovers(shop.root) if not one.startswith(own))
    if left:
        raise LabRefused(
            "part of a workshop is on this machine already: " + "; ".join(left[:4]),
            f"Remove what a crash left: {COMMAND} down",
        )
    plant = shop.plant
    preflight.check(plant.topology, plant.root)
    network.up(plant.topology)
    plant.disk(SITE.name).make(base)
    dns.start(plant, SITE.name)
    shop.access.ensure()


def _boot(shop: Workshop, hosts: Sequence[Host]) -> Path:
    with ThreadPoolExecutor(len(hosts)) as threads:
        keys = list(threads.map(lambda one: _switch_on(shop, one), hosts))
        with shop.lock():
            for one, key in zip(hosts, keys, strict=True):
                shop.access.pin(key, one.name, SITE.address(one))
            file = shop.write_ssh_config()
        waits = [
            threads.submit(host.wait_ssh, shop.plant.machine(SITE, one), SITE.address(one)) for one in hosts
        ]
        for wait in waits:
            wait.result()
    return file


def _switch_on(shop: Workshop, one: Host) -> str:
    key = machines.make(shop.plant, SITE, one, shop.access.public_key)
    machines.switch_on(shop.plant, SITE, one)
    return key


def _remove(shop: Workshop, unwanted: Sequence[str]) -> None:
    for name in unwanted:
        # The next machine of this name is another: end the connection that was kept for the next command.
        succeeds("ssh", "-F", shop.ssh_config, "-O", "exit", name)
        machines.switch_off(SITE, _host(name), kill=True)
        disks.delete(shop.plant.disk(SITE.name).machine(name))
    with shop.lock():
        for name in unwanted:
            (shop.plant.names / name).unlink(missing_ok=True)
        if shop.machines():
            shop.write_ssh_config()
        else:
            cleanup.clean(shop.root)


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


def main() -> int:
    """Run a command; a problem is said in a sentence."""
    try:
        names.enter_workshop()
        workshop.main(standalone_mode=False)
    except LabError as error:
        click.echo(f"Error: {error.what}\n{error.hint}".rstrip(), err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
