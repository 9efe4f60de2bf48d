"""What a lab is made of: its sites, their nodes, storages, templates and images.

The default is described in `lab.yml` beside this file; a test asks for another size with `LabSpec.sized`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import yaml

from lab.errors import LabError

RELEASES = {8: "8.4.14", 9: "9.2.11"}
DEFAULT = Path(__file__).with_name("lab.yml")


@dataclass(frozen=True, slots=True)
class TemplateSpec:
    """A VM template that a site is born with; `disk_gib` is the size of its scsi0 on `storage`."""

    vmid: int
    name: str
    storage: str
    disk_gib: int = 4


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """One site: one Proxmox VE cluster. `guests` ordinary VMs are seeded round the nodes.

    `ordinal` is its place among the sites, from 0: no two have a guest's id or a node's address in common.
    `addresses` of nodes that are machines: they answer there on port 8006, the others on loopback.
    `extra_votes` are those of a quorum device, which two nodes need to lose one.
    """

    name: str
    cluster: str
    nodes: tuple[str, ...]
    pve_major: int = 9
    storages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    templates: tuple[TemplateSpec, ...] = ()
    files: tuple[str, ...] = ()
    guests: int = 0
    ordinal: int = 0
    addresses: Mapping[str, str] = field(default_factory=dict)
    extra_votes: int = 0

    @property
    def version(self) -> str:
        """The Proxmox VE version that the site's API names."""
        return RELEASES[self.pve_major]


@dataclass(frozen=True, slots=True)
class LabSpec:
    """A whole lab.

    `time_scale` turns Proxmox seconds into real ones (0.1: a clone of 5 s takes 0.5 s; 0: tasks end before
    the answer). `port` is the first of the nodes' ports on 127.0.0.1, a site's nodes ten apart from the next
    site's; 0 takes free ones.
    """

    sites: tuple[SiteSpec, ...]
    time_scale: float = 0.1
    port: int = 18006

    @classmethod
    def default(cls) -> Self:
        """Carpentras and Cavaillon, three nodes each, as `lab.yml` describes them."""
        return cls.load(DEFAULT)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The lab that a YAML file describes. Raises LabError when it does not describe one."""
        try:
            text = yaml.safe_load(path.read_text(encoding="utf-8"))
            return cls(sites=tuple(_site(*one, text) for one in enumerate(text["sites"])))
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as problem:
            raise LabError(
                f"{path} does not describe a lab: {problem}", f"Compare it with {DEFAULT}."
            ) from problem

    def to_json(self) -> str:
        """The spec as one JSON document, for a lab in another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The spec that `to_json` wrote."""
        whole = json.loads(text)
        sites = tuple(
            SiteSpec(
                **one
                | {
                    "nodes": tuple(one["nodes"]),
                    "files": tuple(one["files"]),
                    "templates": tuple(TemplateSpec(**template) for template in one["templates"]),
                }
            )
            for one in whole.pop("sites")
        )
        return cls(sites=sites, **whole)

    @classmethod
    def sized(cls, *, sites: int = 2, nodes: int = 3, guests: int = 0, pve_major: int = 9) -> Self:
        """The first `sites` sites of the default lab, with `nodes` nodes and `guests` VMs each.

        Free ports, and tasks that end before their answer is sent: what a test wants unless it says
        otherwise.
        """
        whole = cls.default()
        chosen = tuple(
            replace(site, nodes=_nodes(site, nodes), guests=guests, pve_major=pve_major)
            for site in whole.sites[:sites]
        )
        return cls(sites=chosen, time_scale=0.0, port=0)


def _nodes(site: SiteSpec, count: int) -> tuple[str, ...]:
    return tuple(f"{site.cluster}-{number}" for number in range(1, count + 1))


def _site(ordinal: int, one: Mapping[str, Any], common: Mapping[str, Any]) -> SiteSpec:
    return SiteSpec(
        name=one["name"],
        cluster=one["cluster"],
        nodes=tuple(one["nodes"]),
        storages=common["storages"],
        templates=tuple(TemplateSpec(**template) for template in common["templates"]),
        files=tuple(common["files"]),
        ordinal=ordinal,
    )
