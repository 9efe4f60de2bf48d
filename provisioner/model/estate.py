"""The estate: both sites, every guest, and what they are for."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from provisioner.model.audit import AuditPolicy
from provisioner.model.base import Model, Name
from provisioner.model.evidence import Evidence
from provisioner.model.guest import Ct, Guest, Vm
from provisioner.model.hardening import Hardening
from provisioner.model.service import Contact, Policies, Service, Window
from provisioner.model.site import Site, Witness
from provisioner.model.ssh import Ssh


class Estate(Model):
    """All that one group runs, as one frozen value."""

    estate: Name = Field(description="The name of the estate; part of the mark on objects that Bastide made.")
    title: str = ""
    timezone: str = "Europe/Paris"
    country: str = Field("FR", pattern=r"^[A-Z]{2}$", description="Whose public holidays count.")
    sites: dict[Name, Site] = Field(min_length=1)
    witness: Witness | None = None
    ssh: Ssh = Field(default_factory=Ssh)
    guests: dict[Name, Guest] = Field(default_factory=dict)
    services: dict[Name, Service] = Field(default_factory=dict)
    policies: Policies = Field(default_factory=Policies)
    hardening: Hardening = Field(default_factory=Hardening)
    evidence: Evidence = Field(default_factory=Evidence)
    audit: AuditPolicy = Field(default_factory=AuditPolicy)
    windows: dict[Name, Window] = Field(default_factory=dict)
    contacts: dict[Name, Contact] = Field(default_factory=dict)

    def guests_of(self, site: str) -> Iterator[tuple[str, Vm | Ct]]:
        """The guests of a site, by name."""
        return ((name, guest) for name, guest in self.guests.items() if guest.site == site)
