"""Where the files that travel with Bastide are: beside the code in a checkout, inside the wheel otherwise."""

from __future__ import annotations

from pathlib import Path


def share(name: str) -> Path:
    """The folder `templates` or `inventory`. Raises FileNotFoundError if this installation lacks it."""
    here = Path(__file__).resolve().parent
    for root in (here / "_share", here.parent):
        if (root / name).is_dir():
            return root / name
    raise FileNotFoundError(f"this installation of Bastide lacks its folder {name!r}")
