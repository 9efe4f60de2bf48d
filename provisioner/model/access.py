"""Who may do what on a cluster: roles, groups, users, tokens and access control entries."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from provisioner.model.base import Model, SecretRef

UserId = Annotated[str, StringConstraints(pattern=r"^[^\s:/]+@[A-Za-z][A-Za-z0-9._-]+$")]
TokenName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._-]+$")]
TokenId = Annotated[
    str, StringConstraints(pattern=r"^[^\s:/]+@[A-Za-z][A-Za-z0-9._-]+![A-Za-z][A-Za-z0-9._-]+$")
]
AccessId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$")]
"""A role or group (`pve-roleid`, `pve-groupid`)."""
AclPath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/-]*$")]


class Role(Model):
    """A set of privileges (PVE::AccessControl); roles carry no comment, so Bastide never prunes one."""

    privileges: tuple[str, ...]


class Group(Model):
    """A group of users."""

    comment: str = ""


class Token(Model):
    """An API token; its secret is shown once, at creation, and written where `secret` says."""

    secret: SecretRef | None = Field(None, description="`file:PATH` that receives the secret, of mode 0600.")
    privilege_separation: bool = True
    expires: AwareDatetime | None = None
    comment: str = ""

    @model_validator(mode="after")
    def _writable(self) -> Token:
        if self.secret is not None and not self.secret.startswith("file:"):
            raise ValueError(
                "Proxmox VE chooses the secret of a token: `secret` must be a `file:` that can receive it"
            )
        return self


class User(Model):
    """A user of a realm, such as `astreinte@pve`."""

    groups: tuple[str, ...] = ()
    email: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    comment: str = ""
    enabled: bool = True
    expires: AwareDatetime | None = None
    password: SecretRef | None = Field(
        None, description="Set at creation only; Proxmox VE never shows it again."
    )
    tokens: dict[TokenName, Token] = Field(default_factory=dict)


class AclEntry(Model):
    """A role on a path, for users, groups or tokens."""

    path: AclPath
    role: str
    users: tuple[UserId, ...] = ()
    groups: tuple[str, ...] = ()
    tokens: tuple[TokenId, ...] = ()
    propagate: bool = True

    @model_validator(mode="after")
    def _somebody(self) -> AclEntry:
        if not (self.users or self.groups or self.tokens):
            raise ValueError("an access control entry names `users`, `groups` or `tokens`")
        return self


class Access(Model):
    """The access control of a site's cluster."""

    roles: dict[AccessId, Role] = Field(default_factory=dict)
    groups: dict[AccessId, Group] = Field(default_factory=dict)
    users: dict[UserId, User] = Field(default_factory=dict)
    acl: tuple[AclEntry, ...] = ()


def epoch(moment: datetime | None) -> int:
    """Seconds since 1970 as Proxmox VE writes an expiry; 0 means never."""
    return int(moment.timestamp()) if moment else 0
