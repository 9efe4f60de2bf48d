"""Who may do what: the permission tree of Proxmox VE.

Read in pve-access-control, PVE/AccessControl.pm and PVE/RPCEnvironment.pm.

The tree is plain JSON: `{path: {"user"|"group"|"token": {id: {role: propagate}}}}`, propagate being 0 or 1.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

Grants = Mapping[str, int]
Tree = Mapping[str, Mapping[str, Mapping[str, Grants]]]

NO_ACCESS = "NoAccess"
# Paths that PVE::AccessControl::check_path knows.
KNOWN_PATH = re.compile(
    r"/|/access(/groups(/[^/]+)?|/realm(/[^/]+)?)?|/nodes(/[^/]+)?|/pool(/[^/]+){0,3}"
    r"|/sdn((/(zones|controllers|dns|ipams|fabrics))(/[^/]+)?|/zones/[^/]+/[^/]+(/\d+)?)?"
    r"|/storage(/[^/]+)?|/vms(/[1-9]\d{2,})?|/mapping(/(dir|hwrng|pci|usb)(/[^/]+)?)?"
)


def normalise(path: str) -> str | None:
    """The path with single slashes and none at the end, or None if it is not an absolute path."""
    if not re.fullmatch(r"/[A-Za-z0-9._/-]*", path):
        return None
    return "/" + "/".join(part for part in path.split("/") if part)


def is_known(path: str) -> bool:
    """True if rights may be given on the (normalised) path."""
    return KNOWN_PATH.fullmatch(path) is not None


def _ancestors(path: str) -> Iterator[str]:
    """Yield '/', then each prefix of the path down to the path itself."""
    yield "/"
    parts = [part for part in path.split("/") if part]
    for end in range(1, len(parts) + 1):
        yield "/" + "/".join(parts[:end])


def _in_effect(grants: Grants, *, here: bool) -> dict[str, int]:
    return {role: propagate for role, propagate in grants.items() if here or propagate}


def roles_at(tree: Tree, path: str, subject: str, groups: Iterable[str] = ()) -> dict[str, int]:
    """Roles of a user or token at `path`, with their propagate flags.

    A grant further down replaces what is inherited; at one level a user's own grant hides those of its
    groups; NoAccess hides every other role.
    """
    kind = "token" if "!" in subject else "user"
    roles: dict[str, int] = {}
    for ancestor in _ancestors(path):
        level = tree.get(ancestor)
        if level is None:
            continue
        here = ancestor == path
        own = _in_effect(level.get(kind, {}).get(subject, {}), here=here)
        if not own and kind == "user":
            for group in groups:
                own.update(_in_effect(level.get("group", {}).get(group, {}), here=here))
        roles = own or roles
    return {NO_ACCESS: roles[NO_ACCESS]} if NO_ACCESS in roles else roles


def privileges_of(roles: Grants, known: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Privileges that the roles carry, each with the strongest propagate flag."""
    held: dict[str, int] = {}
    for role, propagate in roles.items():
        for privilege in known.get(role, ()):
            held[privilege] = max(propagate, held.get(privilege, 0))
    return held
