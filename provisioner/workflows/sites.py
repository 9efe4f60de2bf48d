"""One site as a job works on it: its session, its kinds, its scope. Where rooms meet for one cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType

from provisioner.errors import BastideError, Exit
from provisioner.estate.load import Loaded
from provisioner.estate.secrets import api_secret, resolve, store
from provisioner.model.base import SecretRef
from provisioner.model.objects import Desired, Ref, estate_mark
from provisioner.model.site import Site
from provisioner.pve.session import Session
from provisioner.resources.catalogue import BY_NAME, KINDS
from provisioner.resources.kind import Kind, Scope

TRAITS = {kind.traits.kind: kind.traits for kind in KINDS}


class NoSuchSite(BastideError):
    """A site was named that the estate does not have."""

    exit_code = Exit.USAGE


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that the estate wants of one site."""

    site: str
    desired: Mapping[Ref, Desired]
    removals: frozenset[Ref]

    @property
    def refs(self) -> frozenset[Ref]:
        """What is wanted or wanted removed."""
        return frozenset(self.desired) | self.removals


@dataclass(frozen=True, slots=True)
class OpenSite(AbstractContextManager["OpenSite"]):
    """A site with an open session; close it when the job ends."""

    name: str
    site: Site
    session: Session
    secret: Callable[[SecretRef], str]
    """Fetches a secret."""
    keep: Callable[[SecretRef, str], None]
    """Writes a secret that Proxmox VE shows once."""
    mark: str

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.session.close()

    def scope(self, version: int, wanted: Iterable[Ref]) -> Scope:
        """What kinds may know of this site when they say what to read."""
        return Scope(self.name, version, self.mark, frozenset(wanted), nodes=tuple(self.site.nodes))


def open_site(loaded: Loaded, name: str) -> OpenSite:
    """Open a session to a site's cluster; nothing is sent before the first read.

    Raises BastideError if the secret of its API cannot be had.
    """
    site, folder = loaded.estate.sites[name], loaded.folder
    secret = api_secret(site.api, folder)
    session = Session(name, site.api, secret=lambda _: secret, folder=folder)
    return OpenSite(
        name=name,
        site=site,
        session=session,
        secret=lambda ref: resolve(ref, folder),
        keep=lambda ref, secret: store(ref, folder, secret),
        mark=estate_mark(loaded.estate.estate),
    )


def wanted(loaded: Loaded, site: str) -> Wanted:
    """What the estate wants of a site, over all kinds."""
    desired = {want.ref: want for kind in KINDS for want in kind.desired(loaded.estate, site)}
    removals = frozenset(_removal(site, text) for text in loaded.estate.sites[site].remove)
    return Wanted(site, desired, removals)


def kind_of(ref: Ref) -> Kind:
    """The kind of an object."""
    return BY_NAME[ref.kind]


def chosen_sites(loaded: Loaded, names: tuple[str, ...]) -> tuple[str, ...]:
    """The sites that a command works on: those named, else all.

    Raises NoSuchSite if the estate has none of a given name.
    """
    for name in names:
        if name not in loaded.estate.sites:
            known = ", ".join(loaded.estate.sites)
            raise NoSuchSite(f"the estate has no site {name!r}", f"its sites are {known}")
    return names or tuple(loaded.estate.sites)


def _removal(site: str, text: str) -> Ref:
    kind, _, identity = text.partition("/")
    return Ref(site, kind, identity)
