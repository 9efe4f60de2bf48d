"""What the guests of a cluster stand on.

The light lab stands on nothing: its API answers, and no guest runs. `lab.hosts` gives the cluster a ground of
booted machines. A cluster asks its ground at few places: where a disk begins as a copy, when a task has done
its work on a guest, and when somebody speaks to the agent inside.
"""

import os
from collections.abc import Mapping
from typing import Any


class Ground:
    """Nothing: whatever is asked of it is done at once and without effect."""

    def begins_as(self, what: str, source: str) -> None:
        """A disk that is being made begins as another.

        `what` is a volume (`local-btrfs:112/vm-112-disk-0.raw`), or the id of a container, for its root.
        `source` is a volume, an image, a template of containers, or the id of a container; `@NAME` at its end
        is one of its snapshots.
        """

    async def follow(self, vmid: int, work: str) -> list[str]:
        """Do to a guest's machine what a task of the type `work` just did to the guest; lines for its log.

        Raises TaskError when the machine could not follow; the task then failed.
        """
        del vmid, work
        return []

    def snippets(self, storage: str) -> Mapping[str, os.stat_result]:
        """The snippets that nodes have on a storage, by name: nobody uploads them, they are files."""
        del storage
        return {}

    async def agent(self, vm: Any, command: str, values: Mapping[str, Any]) -> Any:
        """The guest agent's answer to a command, or None where it has none of its own.

        Raises PveError, as Proxmox VE does, when the agent does not answer.
        """
        del vm, command, values
