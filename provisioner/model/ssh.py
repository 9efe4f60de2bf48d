"""How Bastide and Ansible log in to the machines of an estate."""

from __future__ import annotations

from pydantic import Field

from provisioner.model.base import Model


class Ssh(Model):
    """The key that opens the machines, and the file that pins theirs; a host key is always checked.

    Host keys are filed under the machine's name in the estate (`HostKeyAlias`), as Proxmox VE files those of
    its nodes (PVE::SSHInfo), so that a guest keeps its key when it is recovered under another address.
    """

    user: str = Field(
        "root",
        pattern=r"^[a-z_][a-z0-9_-]{0,31}$",
        description="On nodes, the witness and containers; a virtual machine has that of its `cloud_init`.",
    )
    key: str | None = Field(
        None, description="Private key, relative to the estate; default: what ssh offers by itself."
    )
    known_hosts: str = Field("known_hosts", description="Their host keys by name, relative to the estate.")
