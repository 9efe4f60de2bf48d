"""What a site told, as the sections of its posture read it: an answer, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from provisioner.errors import BastideError


@dataclass(slots=True)
class Told:
    """Answers by path, and errors by path. `now` is aware.

    `gaps` grows while a section is made: what it had to leave out, and why.
    """

    answers: dict[str, Any]
    errors: dict[str, BastideError]
    now: datetime
    gaps: list[str] = field(default_factory=list)

    def __getitem__(self, path: str) -> Any:
        """What a path answered. Raises BastideError if it was not read."""
        if path in self.answers:
            return self.answers[path]
        raise self.errors.get(path) or BastideError(f"{path} was not asked")

    def rows(self, path: str) -> list[dict[str, Any]]:
        """The list of objects that a path answered. Raises BastideError."""
        answer = self[path] or []
        if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
            raise BastideError(f"{path} answered no list of objects")
        return answer

    def several(self, paths: Iterable[str]) -> tuple[Any, ...] | None:
        """What several paths answered about one thing; None, and a gap, if one of them was not read."""
        try:
            return tuple(self[path] for path in paths)
        except BastideError as error:
            if error.what not in self.gaps:
                self.gaps.append(error.what)
            return None

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes of the cluster. Raises BastideError."""
        return tuple(sorted(row["name"] for row in self.rows("/cluster/status") if row["type"] == "node"))

    @property
    def offline(self) -> frozenset[str]:
        """The nodes that the cluster does not see. Raises BastideError."""
        rows = (row for row in self.rows("/cluster/status") if row["type"] == "node")
        return frozenset(row["name"] for row in rows if not int(row.get("online", 0)))

    def by_node(self, below: str) -> dict[str, Any]:
        """Node to what `/nodes/NODE/<below>` answered; a node that did not answer is a gap."""
        found = {node: self.several((f"/nodes/{node}/{below}",)) for node in self.nodes}
        return {node: one[0] for node, one in found.items() if one is not None}

    @property
    def guests(self) -> list[Guest]:
        """The guests of the site, templates left aside, by number. Raises BastideError."""
        rows = (row for row in self.rows("/cluster/resources") if row.get("type") in {"qemu", "lxc"})
        return sorted(
            (Guest.read(row) for row in rows if not int(row.get("template", 0))), key=lambda guest: guest.vmid
        )


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest as `/cluster/resources` lists it."""

    vmid: int
    name: str
    kind: str
    node: str
    running: bool
    pool: str
    tags: tuple[str, ...]
    lock: str

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Guest:
        """The guest of a row."""
        return cls(
            vmid=int(row["vmid"]),
            name=str(row.get("name", row["vmid"])),
            kind=row["type"],
            node=row["node"],
            running=row.get("status") == "running",
            pool=row.get("pool", ""),
            tags=tuple(sorted(filter(None, str(row.get("tags", "")).split(";")))),
            lock=row.get("lock", ""),
        )

    @property
    def path(self) -> str:
        """Where the API tells of it."""
        return f"/nodes/{self.node}/{self.kind}/{self.vmid}"

    @property
    def called(self) -> dict[str, Any]:
        """What a row about the guest begins with."""
        return {"name": self.name, "vmid": self.vmid, "node": self.node}
