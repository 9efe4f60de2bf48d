"""Parameters of a call as Proxmox VE's API reads them from a form or a query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from provisioner.pve.wire import Request

ARRAYS = frozenset({"dhcp-range", "exclude-path", "secondary-controllers"})
"""Parameters of type `array` in the API schema: the key is repeated. Other lists are one text with commas."""


def write_request(method: str, path: str, params: Mapping[str, Any]) -> Request:
    """A POST or PUT with a form, or a DELETE, whose parameters Proxmox VE takes from the query only."""
    form = {name: _text(name, value) for name, value in params.items() if value is not None}
    if method != "DELETE":
        return Request(method, path, form)
    return Request(method, f"{path}?{urlencode(form, doseq=True)}" if form else path)


def _text(name: str, value: Any) -> str | list[str]:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (tuple, list)):
        parts = [str(part) for part in value]
        return parts if name in ARRAYS else ",".join(parts)
    return str(value)
