"""What Bastide asked of an API, written down so that it can be asked again without Bastide."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_GUEST = re.compile(r"^/nodes/[^/]+/(?:qemu|lxc)/(\d+)(?:/|$)")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its parameters are a form's, as texts; `lanes` are what it shared with others."""

    site: str
    method: str
    path: str
    form: Mapping[str, Any] = field(default_factory=dict)
    lanes: tuple[str, ...] = ()

    @property
    def object(self) -> str:
        """The guest that a write is about, or its path."""
        named = self.form.get("newid") or self.form.get("vmid")
        found = _GUEST.match(self.path)
        return str(named or (found[1] if found else self.path))

    @property
    def is_of_a_guest(self) -> bool:
        """Whether a guest is written."""
        return self.object.isdigit()


def save(path: Path, asked: list[Asked]) -> None:
    """Write a recording."""
    path.write_text("\n".join(json.dumps(asdict(one)) for one in asked), encoding="utf-8")


def load(path: Path) -> list[Asked]:
    """Read a recording."""
    return [Asked(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
