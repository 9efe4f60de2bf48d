"""Public keys of OpenSSH: what kind they are, and how long."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

_KEY = re.compile(
    r"(?:(?P<options>.*?)\s)??(?P<type>(?:sk-)?(?:ssh|ecdsa)-[\w@.-]+)\s+(?P<blob>AAAA[\w+/]+=*)\s*(?P<comment>.*)"
)
_OPTION = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')

FIXED = {
    "ssh-ed25519": 256,
    "sk-ssh-ed25519@openssh.com": 256,
    "ssh-ed448": 456,
    "ecdsa-sha2-nistp256": 256,
    "sk-ecdsa-sha2-nistp256@openssh.com": 256,
    "ecdsa-sha2-nistp384": 384,
    "ecdsa-sha2-nistp521": 521,
}


def keys_in(text: str) -> list[dict[str, Any]]:
    """The keys of an authorized_keys file or of a .pub file; lines that are none are passed over."""
    found = []
    for line in text.splitlines():
        match = _KEY.fullmatch(line.strip())
        if match and not line.lstrip().startswith("#"):
            options = _OPTION.findall(match["options"] or "")
            kind = match["type"]
            found.append(
                {
                    "type": kind,
                    "bits": bits(kind, match["blob"]),
                    "comment": match["comment"].strip(),
                    "options": [option.strip() for option in options],
                }
            )
    return found


def bits(kind: str, blob: str) -> int | None:
    """How long a key is; None if that cannot be told. An RSA key's length is that of its modulus."""
    if kind in FIXED:
        return FIXED[kind]
    try:
        parts = _parts(base64.b64decode(blob))
    except (binascii.Error, ValueError):
        return None
    number = {"ssh-rsa": 2, "ssh-dss": 1}.get(kind)
    if number is None or len(parts) <= number:
        return None
    return int.from_bytes(parts[number], "big").bit_length()


def _parts(blob: bytes) -> list[bytes]:
    """The strings of a blob, each behind its length (RFC 4251 §5)."""
    parts, at = [], 0
    while at + 4 <= len(blob):
        length = int.from_bytes(blob[at : at + 4], "big")
        parts.append(blob[at + 4 : at + 4 + length])
        at += 4 + length
    return parts
