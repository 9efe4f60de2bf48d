"""The estate as Ansible's inventory: a thin shell around `provisioner.ansible.hosts`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.template import trust_as_template

try:
    from provisioner.ansible.hosts import COLLECTIONS, Host, hosts
    from provisioner.errors import BastideError, EstateInvalid
    from provisioner.estate.load import find_estate, load
except ImportError as error:
    raise AnsibleParserError(
        f"the inventory plugin of Bastide needs Bastide in the Python that runs Ansible: {error}"
    ) from error

DOCUMENTATION = """
name: bastide
short_description: The sites, nodes, guests and services of a Bastide estate
description:
  - Reads an estate and makes a host of every node, every guest that is no template, and the witness.
  - Groups are C(nodes), C(guests), C(witnesses), C(site_NAME), C(kind_vm), C(kind_ct), C(service_NAME),
    C(tier_N), C(profile_LEVEL) and the policies C(backup_NAME), C(replication_NAME), C(hardening_NAME).
    A hyphen in a name becomes an underscore.
  - Host keys come from the known_hosts file of the estate, under the name of the host, and are always
    checked.
options:
  plugin:
    description: The name of this plugin.
    required: true
    choices: [bastide]
  estate:
    description: The estate.yml or its folder, relative to the inventory file; by default the nearest one.
    type: str
"""

EXAMPLES = """
# inventory/synergia/bastide.yml, beside estate.yml
plugin: bastide
"""


class InventoryModule(BaseInventoryPlugin):  # type: ignore[misc]  # ansible-core ships no types
    """What Ansible calls; the name of the class is Ansible's."""

    NAME = "bastide"

    def verify_file(self, path: str) -> bool:
        """Whether this inventory file may be ours: it is called `bastide.yml`, or ends in `.bastide.yml`."""
        return Path(path).name.endswith(("bastide.yml", "bastide.yaml")) and super().verify_file(path)

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: Any = True) -> None:  # noqa: FBT002 - Ansible's signature
        """Fill the inventory from the estate. Raises AnsibleParserError with every problem of the estate."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            self._fill(Path(path).absolute().parent)
        except EstateInvalid as error:
            problems = "\n".join(str(problem) for problem in error.problems)
            raise AnsibleParserError(f"{error.what}:\n{problems}") from error
        except BastideError as error:
            raise AnsibleParserError(f"{error.what}; {error.hint}") from error

    def _fill(self, beside: Path) -> None:
        chosen = self.get_option("estate")
        loaded = load(beside / chosen if chosen else find_estate(beside), strict=False)
        known_hosts = (loaded.folder / loaded.estate.ssh.known_hosts).resolve()
        if not known_hosts.is_file():
            self.display.warning(
                f"no host key is pinned, so that ssh will refuse every host: there is no {known_hosts}"
            )
        found = hosts(loaded.estate, loaded.folder)
        for name in COLLECTIONS:
            self.inventory.add_group(name)
        for group in sorted({group for host in found for group in host.groups}):
            self.inventory.add_group(group.name)
            if group.within:
                self.inventory.add_child(group.within, group.name)
        for host in found:
            self._add(host)

    def _add(self, host: Host) -> None:
        self.inventory.add_host(host.name)
        for name, value in host.variables.items():
            self.inventory.set_variable(host.name, name, _plain(value))
        for group in host.groups:
            self.inventory.add_child(group.name, host.name)


def _plain(value: object) -> object:
    """A value of the estate, which Ansible may show as it is and must never run as a template.

    A string without a brace cannot be one, and is trusted: `ansible-inventory --list` wraps all others in
    `__ansible_unsafe`, which the readers of that list do not expect.
    """
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) and "{" not in value else value
