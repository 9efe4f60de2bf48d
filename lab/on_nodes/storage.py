"""`pvesm`: the storages of this node, and where a volume is on it."""

import re
import sys
from pathlib import Path
from typing import Any

from . import show
from .api import Api
from .errors import CommandFailed
from .table import Table, row
from .words import Words, in_places

FOLDERS = {"iso": "template/iso", "vztmpl": "template/cache", "backup": "dump"}
WITH_GUESTS = "the lab makes and removes a disk with its guest: name it in `qm set` or `pct set`"


def _path(api: Api, words: Words) -> None:
    volid = in_places(words, ("volume",), "pvesm path <volume>")["volume"]
    storage, _, volume = volid.partition(":")
    if not volume:
        raise CommandFailed(f"unable to parse volume ID '{volid}'")
    sys.stdout.write(f"{_place(api.get(f'/storage/{storage}'), volume)}\n")


def _place(storage: dict[str, Any], volume: str) -> Path:
    """Where a volume is: a file, or for a disk the subvolume that is the guest's file system."""
    if "path" not in storage:
        raise CommandFailed(
            f"the lab has no place on its nodes for the storage {storage['storage']} ({storage['type']})"
        )
    top = Path(storage["path"])
    kind, _, name = volume.partition("/")
    if not kind.isdigit() and name:
        return top / FOLDERS.get(kind, kind) / name
    # An image is the guest's file system itself in the lab, no file with one inside.
    disk = re.sub(r"\.(raw|qcow2|vmdk)$", "", volume)
    return top / "images" / (disk if name else f"{disk.split('-')[1]}/{disk}")


PVESM = Table(
    "pvesm",
    {
        "add": row("type storage", "POST /storage"),
        "list": row("storage", "GET /nodes/{node}/storage/{storage}/content", show.volumes),
        "remove": row("storage", "DELETE /storage/{storage}"),
        "set": row("storage", "PUT /storage/{storage}"),
        "status": row("", "GET /nodes/{node}/storage", show.storages),
    },
    {"path": _path},
    {
        "alloc": WITH_GUESTS,
        "free": WITH_GUESTS,
        **dict.fromkeys(("export", "import"), "send the disk with btrfs: `pvesm path` tells where it is"),
    },
)
