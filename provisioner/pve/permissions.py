"""Which privileges an identity lacks, by `GET /access/permissions` (PVE/API2/AccessControl.pm)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import TypeAlias

Permissions: TypeAlias = Mapping[str, Mapping[str, int]]
"""Path to privilege to whether it also holds for what lies below (1) or for the path alone (0)."""


def missing(permissions: Permissions, pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The (path, privilege) pairs that are not held on the path and on all below it.

    The answer tells what is in force at each path that an ACL entry names, so the nearest one decides. A
    privilege on `/storage` alone shows no storage and counts as missing; on `/` alone it counts for `/`.
    """
    return tuple((path, privilege) for path, privilege in pairs if not _holds(permissions, path, privilege))


def how_to_grant(identity: str, path: str) -> str:
    """What to do about a privilege that an identity (`user@realm` or `user@realm!token`) lacks on a path."""
    user, _, token = identity.partition("!")
    if not token:
        return f"grant it with `pveum acl modify {path} --users {user} --roles ROLE`"
    return (
        f"grant it with `pveum acl modify {path} --tokens '{identity}' --roles ROLE`, "
        f"or `--users {user}` if the token has no privileges of its own"
    )


def _holds(permissions: Permissions, path: str, privilege: str) -> bool:
    for place in (PurePosixPath(path), *PurePosixPath(path).parents):
        held = permissions.get(str(place))
        if held is not None:
            return bool(held.get(privilege)) or (privilege in held and path == "/")
    return False
