"""`python -m lab.hosts.workshop up` and `down`: a Debian machine of each release, to try roles on.

They are machines like those of the lab, on a site of their own; a lab and a workshop are not up at once.
"""

import sys
import time
from pathlib import Path

import click

from lab import ssh_config
from lab.errors import LabError, LabRefused
from lab.hosts import build, cleanup, names, preflight
from lab.hosts.access import Access
from lab.hosts.images import RELEASES
from lab.hosts.machines import Plant
from lab.hosts.topology import WORKSHOP, Host, Site, Topology

SITE = "atelier"
FOLDER = "workshop"


def topology() -> Topology:
    """One site with `debian-12` and `debian-13`."""
    hosts = tuple(Host(f"debian-{release}", WORKSHOP, release, release) for release in RELEASES)
    return Topology(sites=(Site(SITE, "Atelier", "10.85", hosts),), links=())


def up() -> Path:
    """Boot the machines; the file for `ssh -F`. Raises LabRefused or LabError, and then nothing is left."""
    plant = Plant(topology(), names.folder())
    preflight.check(plant.topology, plant.root)
    folder = plant.root / FOLDER
    build.raise_machines(plant, Access(folder), lambda text: click.echo(text, err=True))
    places = {one.name: (site.address(one), 22) for site, one in plant.topology.places()}
    return ssh_config.write(folder, places)


def down() -> None:
    """Remove the machines and all that came with them. Raises LabRefused when they are not there."""
    root = names.folder()
    if not (root / FOLDER).is_dir():
        raise LabRefused("there is no workshop on this machine", "Nothing was stopped.")
    cleanup.clean(root)


@click.command()
@click.argument("wish", type=click.Choice(["up", "down"]))
def workshop(*, wish: str) -> None:
    """Boot a machine of each Debian release, or take them down."""
    began = time.monotonic()
    if wish == "down":
        down()
    else:
        click.echo(up())
    click.echo(f"{wish} after {time.monotonic() - began:.1f} s", err=True)


def main() -> int:
    """Run it; a problem is said in a sentence."""
    try:
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
