"""`python -m lab.vm start NAME` and `stop NAME`: virtual machines for Molecule and for looking around."""

import sys
import time
from pathlib import Path

import click

from lab import spoken
from lab.errors import LabRefused
from lab.hosts import names
from lab.vm import disk, machine, preflight

FOLDER = "virtual"


@click.group()
def vm() -> None:
    """Start and stop real virtual machines of Debian's own kernel."""


@vm.command()
@click.argument("name")
@click.option("--port", type=click.IntRange(1024, 65535), help="On loopback; else any that is free.")
def start(*, name: str, port: int | None) -> None:
    """Restore NAME from the booted snapshot; the first time builds and boots it, which takes minutes."""
    preflight.check()
    began = time.monotonic()
    one = machine.Vm(name, _folder(name), port or machine.free_port())
    machine.check_free(one)
    image = disk.ensure(names.cache(), machine.ALIAS, lambda text: click.echo(text, err=True))
    machine.start(image, one)
    click.echo(f"{name} answers after {time.monotonic() - began:.1f} s:", err=True)
    click.echo(" ".join(one.command()))


@vm.command()
@click.argument("name")
def stop(*, name: str) -> None:
    """Take the power of NAME away and remove it."""
    if not machine.stop(name, _folder(name)):
        raise LabRefused(f"there is no virtual machine {name}", "Nothing was stopped.")


def _folder(name: str) -> Path:
    return names.base() / FOLDER / names.word() / name


if __name__ == "__main__":
    sys.exit(spoken.run(vm))
