"""Bringing the machines of a lab up: networks, disks, root file systems, boot; all of it or nothing."""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from lab.errors import LabRefused
from lab.hosts import cgroups, cleanup, dns, host, images, machines, names, network
from lab.hosts.access import Access
from lab.hosts.introduce import introduce
from lab.hosts.machines import Plant
from lab.pki import Authority, write_private
from lab.platform.cloud_init import CLINICS, Clinic, Identity, Secrets, snippets

Say = Callable[[str], None]


def raise_machines(plant: Plant, access: Access, say: Say) -> None:
    """Boot every host of the topology and return when all answer to SSH.

    Raises LabRefused when something of a lab is there already, LabError when a part does not come up; what
    was made so far is removed again.
    """
    found = cleanup.leftovers(plant.root)
    if found:
        raise LabRefused(
            "something of a lab is on this machine already: " + "; ".join(found[:4]),
            "Take it down with `bastide lab down`, or remove what a crash left: bastide lab clean",
        )
    try:
        with cgroups.joined("up"):
            _raise(plant, access, say)
    except BaseException:
        cleanup.clean(plant.root)
        raise


def _raise(plant: Plant, access: Access, say: Say) -> None:
    base = images.ensure(names.cache(), say)
    public_key = access.ensure()
    started = time.monotonic()
    network.up(plant.topology)
    for site in plant.topology.sites:
        plant.disk(site.name).make(base)
        dns.start(plant, site.name)
    say(f"networks and disks in {time.monotonic() - started:.1f} s")
    places = plant.topology.places()
    keys = {}
    for site, one in places:
        keys[one.name] = machines.make(plant, site, one, public_key)
        access.pin(keys[one.name], one.name, site.address(one), f"{one.name}.lab")
        machines.switch_on(plant, site, one)
    for site in plant.topology.clusters:
        introduce(plant, site, keys, public_key)
    with ThreadPoolExecutor(len(places)) as waiters:
        list(
            waiters.map(
                lambda place: host.wait_ssh(plant.machine(*place), place[0].address(place[1])), places
            )
        )
    say(f"{len(places)} machines booted in {time.monotonic() - started:.1f} s")


def place_snippets(plant: Plant, authority: Authority) -> None:
    """Put the cloud-init documents of the patient platform on every node, where its guests ask for them."""
    passwords = secrets.token_urlsafe(18), secrets.token_urlsafe(18)
    proxies = {clinic.site: _identity(authority, clinic) for clinic in CLINICS}
    documents = snippets(Secrets(*passwords, proxies))
    for site in plant.topology.clusters:
        for node in site.nodes:
            folder = plant.disk(site.name).storage(node.name, "local", shared=False) / "snippets"
            for name, text in documents.items():
                write_private(folder / name, text.encode())


def _identity(authority: Authority, clinic: Clinic) -> Identity:
    """A certificate for a clinic's proxy, by the authority that the API's own certificates are of."""
    pair = authority.issue(authority.cafile.parent, f"proxy-{clinic.site}", clinic.front)
    return Identity(*(file.read_text(encoding="ascii") for file in pair))
