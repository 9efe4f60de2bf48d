"""What a value must be, in words that an administrator uses instead of pydantic's."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_interface
from typing import Any

from provisioner.estate.vocabulary import suggestion

_NAME = "a name of lower-case letters, digits and hyphens that begins with a letter"
_HOST = "a host name"
_ID = "an id of two or more letters, digits, `.`, `_` or `-` that begins with a letter"
_PRINT = "a SHA-256 fingerprint: 32 pairs of hexadecimal digits with colons"

PATTERNS: Mapping[str, str] = {
    r"^[a-z][a-z0-9-]{0,62}$": _NAME,
    r"^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62})$": _HOST,
    r"^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$": _HOST,
    r"^[A-Za-z][A-Za-z0-9._-]{1,62}$": _ID,
    r"^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$": "a MAC address such as BC:24:11:00:00:01",
    r"^([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}$": _PRINT,
    r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|(sops|vault):[^#]+#.+)$": (
        "a reference to a secret: `env:NAME`, `file:PATH`, `sops:FILE#KEY` or `vault:FILE#KEY`"
    ),
    r"^file:.+$": "a `file:PATH`",
    r"^[a-z_][a-z0-9_-]{0,31}$": "a login such as `root` or `bastide`",
    r"^[A-Z]{2}$": "a country of two capital letters, such as FR",
    r"^[^\s:/]+@[A-Za-z][A-Za-z0-9._-]+$": "a user with its realm, such as `astreinte@pve`",
    r"^[A-Za-z][A-Za-z0-9._-]+$": "the name of a token",
    r"^(/[A-Za-z0-9._-]+)+$": "the path of a folder from the root, such as `/srv/evidence`",
    r"^[^\s:/]+@[A-Za-z][A-Za-z0-9._-]+![A-Za-z][A-Za-z0-9._-]+$": "a token such as `bastide@pve!plan`",
    r"^/[A-Za-z0-9._/-]*$": "a path such as `/`, `/vms/110` or `/storage/local`",
    r"^[A-Za-z][A-Za-z0-9_-]{1,17}$": "a firewall name of 2 to 18 letters, digits, `_` or `-`",
    r"^[a-z0-9_][a-z0-9_+.-]*$": "a tag of lower-case letters, digits, `_`, `+`, `.` or `-`",
    r"^(scsi([0-9]|[12][0-9]|30)|virtio([0-9]|1[0-5])|sata[0-5]|ide[0-3]|efidisk0|tpmstate0)$": (
        "a disk: scsi0-30, virtio0-15, sata0-5, ide0-3, efidisk0 or tpmstate0"
    ),
    r"^(rootfs|mp([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]))$": "a disk: rootfs or mp0-255",
    r"^net([0-9]|[12][0-9]|3[01])$": "a network card: net0-31",
    r"^[a-z][a-z0-9]{1,14}$": "an interface name such as eth0",
    r"^[a-zA-Z][a-zA-Z0-9_.]{1,20}$": "an interface name such as vmbr0",
    r"^[a-z][a-z0-9]{0,7}$": "an SDN name of up to 8 lower-case letters and digits",
    r"^[a-zA-Z][a-zA-Z0-9]{1,7}$": "an id of 2 to 8 letters and digits",
    r"^(ide[0-3]|sata[0-5]|scsi([0-9]|[12][0-9]|30))$": "a drive: ide0-3, sata0-5 or scsi0-30",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": "a time of day in quotes, such as `22:00`",
}
"""Pattern of the model to what it means."""

KINDS: Mapping[str, str] = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "`true` or `false`",
    "bool_parsing": "`true` or `false`",
    "string_type": "text",
    "ip_v4_address": "an IPv4 address such as 10.84.20.11",
    "ip_v6_address": "an IPv6 address",
    "ip_v4_interface": "an IPv4 address with its prefix length, such as 10.84.20.11/24",
    "ip_v6_interface": "an IPv6 address with its prefix length",
    "ip_v4_network": "an IPv4 network such as 10.84.20.0/24",
    "ip_v6_network": "an IPv6 network",
    "dict_type": "a mapping: keys with values",
    "model_type": "a mapping: keys with values",
    "model_attributes_type": "a mapping: keys with values",
    "tuple_type": "a list",
    "list_type": "a list",
    "url_parsing": "an address such as https://10.84.0.11:8006",
    "url_type": "an address such as https://10.84.0.11:8006",
    "url_scheme": "an https:// address",
    "time_parsing": "a time of day in quotes, such as `22:00`",
    "time_type": "a time of day in quotes, such as `22:00`",
    "datetime_parsing": "a moment with its time zone, such as 2027-01-31T00:00:00+01:00",
    "datetime_from_date_parsing": "a moment with its time zone, such as 2027-01-31T00:00:00+01:00",
    "datetime_type": "a moment with its time zone, such as 2027-01-31T00:00:00+01:00",
    "timezone_aware": "a moment with its time zone, such as 2027-01-31T00:00:00+01:00",
}
"""Pydantic's name of an error to what was expected."""

_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


def expected(error: Mapping[str, Any]) -> str:
    """What should have stood there, from one error of pydantic's."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(context["pattern"], f"text of the form {context['pattern']}")
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"{words} {context[key]}"
    if kind in {"literal_error", "enum"}:
        return str(context["expected"]).replace("'", "`")
    if kind == "union_tag_invalid":
        return "one of " + str(context["expected_tags"]).replace("'", "`")
    return KINDS.get(kind, "valid")


def shown(value: Any) -> str:
    """A value as it is shown in a message, shortened."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "empty"
    if value is None:
        return "empty"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text if len(text) <= 60 else text[:57] + '…'}`"  # noqa: PLR2004 - what fits on a line


def advice(error: Mapping[str, Any], value: Any) -> str:
    """What to do about it, where more can be said than what was expected."""
    kind = error["type"]
    if kind == "string_type" and isinstance(value, int | float):
        return f'put it in quotes: "{shown(value).strip("`")}"'
    if kind in {"literal_error", "union_tag_invalid"} and isinstance(value, str):
        words = error["ctx"].get("expected") or error["ctx"]["expected_tags"]
        return suggestion(value, str(words).replace(" or ", ", ").replace("'", "").split(", "))
    if kind == "ip_v4_network" and isinstance(value, str):
        return _whole_network(value)
    if value is None:
        return "give it a value, or remove the key"
    return ""


def _whole_network(value: str) -> str:
    try:
        return f"the network of this address is {ip_interface(value).network}"
    except ValueError:
        return ""
