"""An estate in Ansible's words: hosts with their variables, and the groups that they are in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioner.ansible.strict_ssh import strict_ssh_args
from provisioner.decide.inbound import inbound
from provisioner.decide.machines import machines
from provisioner.decide.profile import profile
from provisioner.model.estate import Estate
from provisioner.model.machine import Machine
from provisioner.model.service import Service

COLLECTIONS = ("sites", "services", "tiers", "kinds", "policies", "profiles")
"""Groups of groups, so that a play can name them all and a graph stays readable."""

PROMISES = ("backup", "replication", "hardening")
"""The policies of a service, whose names are groups as well: `backup_daily`."""


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """A group of hosts, and the group of groups that it is in; a group without stands at the top."""

    name: str
    within: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """A host of the inventory, and the groups that it is in."""

    name: str
    variables: Mapping[str, object]
    groups: frozenset[Group]


def hosts(estate: Estate, folder: Path) -> tuple[Host, ...]:
    """Every machine of the estate as a host of Ansible.

    `folder` is where the estate's relative paths begin.
    """
    return tuple(_host(machine, estate, folder) for machine in machines(estate))


def _host(machine: Machine, estate: Estate, folder: Path) -> Host:
    guest = estate.guests.get(machine.name) if machine.kind in {"vm", "ct"} else None
    chosen = profile(machine, estate)
    serving = {key: one for key, one in estate.services.items() if guest and machine.name in one.guests}
    told: dict[str, object] = {
        "bastide_estate": estate.estate,
        "bastide_kind": machine.kind,
        "bastide_services": sorted(serving),
        "bastide_profile": chosen.level,
        "bastide_level": chosen.number,
        "bastide_profile_because": chosen.because,
    }
    if machine.site:
        told |= {"bastide_site": machine.site, "bastide_cluster": estate.sites[machine.site].cluster}
    if machine.kind == "node" and machine.site:
        nodes = estate.sites[machine.site].nodes.values()
        told["bastide_peers"] = [str(node.address) for node in nodes]
    told |= _inbound(machine, estate)
    if guest:
        told |= {"bastide_vmid": guest.vmid, "bastide_node": guest.node}
    if serving:
        told["bastide_tier"] = min(service.tier for service in serving.values())
    groups = frozenset({*_place(machine), *_purposes(serving), Group(f"profile_{chosen.level}", "profiles")})
    return Host(machine.name, _connection(machine, estate, folder) | told, groups)


def _connection(machine: Machine, estate: Estate, folder: Path) -> dict[str, object]:
    """How Ansible reaches the machine.

    `ansible_host_key_checking` as a variable outweighs Ansible's environment and configuration.
    """
    connection: dict[str, object] = {
        "ansible_host": machine.address,
        "ansible_user": machine.user,
        "ansible_become": machine.user != "root",
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_host_key_checking": True,
        "ansible_ssh_args": strict_ssh_args(machine.name, folder / estate.ssh.known_hosts),
    }
    if estate.ssh.key:
        connection["ansible_ssh_private_key_file"] = str((folder / estate.ssh.key).resolve())
    return connection


def _inbound(machine: Machine, estate: Estate) -> dict[str, object]:
    """What the role `firewall` lets in, and why it lets in everything if it does."""
    found = inbound(machine, estate)
    told: dict[str, object] = {"bastide_administration": list(found.administration)}
    if found.unfiltered:
        told["bastide_unfiltered"] = found.unfiltered
    elif machine.kind != "node":
        told["bastide_inbound"] = [
            {"name": one.name, "protocol": one.protocol, "ports": list(one.ports), "from": list(one.sources)}
            for one in found.accepted
        ]
    return told


def _place(machine: Machine) -> Iterator[Group]:
    yield Group({"node": "nodes", "witness": "witnesses"}.get(machine.kind, "guests"))
    if machine.site:
        yield Group(_identifier("site", machine.site), "sites")
    if machine.kind in {"vm", "ct"}:
        yield Group(_identifier("kind", machine.kind), "kinds")


def _purposes(serving: Mapping[str, Service]) -> Iterator[Group]:
    for key, service in serving.items():
        yield Group(_identifier("service", key), "services")
        yield Group(_identifier("tier", str(service.tier)), "tiers")
        for promise in PROMISES:
            if policy := getattr(service, promise):
                yield Group(_identifier(promise, policy), "policies")


def _identifier(prefix: str, name: str) -> str:
    """`service_patient_record`: Ansible wants identifiers; our names have no underscore of their own."""
    return f"{prefix}_{name.replace('-', '_')}"
