"""What Ansible loads of Bastide. Nothing of Bastide imports this room; Ansible does."""

from pathlib import Path

INVENTORY_PLUGINS = Path(__file__).parent / "inventory_plugins"
"""For `ANSIBLE_INVENTORY_PLUGINS`, where no ansible.cfg says it."""
