"""Certificates that services of this host show to others."""

from __future__ import annotations

import os
import re
import time
from datetime import datetime, timezone
from glob import glob
from typing import Any

from provisioner.hosts.collector.files import rights
from provisioner.hosts.collector.look import Unseen, program, read, run

PLACES = (
    "/etc/caddy/*.crt",
    "/etc/caddy/*.pem",
    "/etc/letsencrypt/live/*/cert.pem",
    "/etc/nginx/ssl/*.crt",
    "/etc/nginx/ssl/*.pem",
    "/etc/postgresql/*/*/*.crt",
    "/etc/proxmox-backup/proxy.pem",
    "/etc/pve/local/pve-ssl.pem",
    "/etc/pve/local/pveproxy-ssl.pem",
    "/etc/pve/pve-root-ca.pem",
    "/etc/ssl/certs/ssl-cert-snakeoil.pem",
    "/etc/ssl/private/*.crt",
    "/etc/ssl/private/*.pem",
    "/usr/local/share/ca-certificates/*.crt",
)
MANY = 30
FIELDS = "no_header,no_version,no_serial,no_sigdump,no_extensions"


def certificates() -> list[dict[str, Any]]:
    """What they are for, until when, and by which key."""
    paths = sorted(path for place in PLACES for path in glob(place))
    holding = [path for path in paths if "-BEGIN CERTIFICATE-" in read(path)]
    if not holding:
        return []
    if not program("openssl"):
        raise Unseen("openssl, which reads certificates, is not installed")
    if len(holding) > MANY:
        raise Unseen(f"there are {len(holding)} certificates, more than the {MANY} that are read")
    return [{"path": path, **_of(path)} for path in holding]


def _of(path: str) -> dict[str, Any]:
    form = ("-noout", "-text", "-subject", "-issuer", "-nameopt", "RFC2253", "-certopt", FIELDS)
    told = certificate_in(run("openssl", "x509", "-in", path, *form))
    until = datetime.fromisoformat(told["not_after"])
    days = round((until.timestamp() - time.time()) / 86400, 2)
    return {**told, "days_left": days, "key_mode": _key_mode(path)}


def certificate_in(text: str) -> dict[str, Any]:
    """What `openssl x509 -text` says."""

    def found(pattern: str) -> str:
        match = re.search(pattern, text, re.MULTILINE)
        return match[1].strip() if match else ""

    algorithm = found(r"Public Key Algorithm: (\S+)")
    length = found(r"Public-Key: \((\d+) bit")
    until = datetime.strptime(found(r"Not After : (.*?) GMT"), "%b %d %H:%M:%S %Y")  # noqa: DTZ007 - GMT is cut off
    return {
        "subject": found(r"^subject=(.*)$"),
        "issuer": found(r"^issuer=(.*)$"),
        "not_after": until.replace(tzinfo=timezone.utc).isoformat(),
        "key_type": {"rsaEncryption": "rsa", "id-ecPublicKey": "ec"}.get(algorithm, algorithm.lower()),
        "key_bits": int(length) if length else {"ED25519": 256, "ED448": 456}.get(algorithm),
        "signature": found(r"Signature Algorithm: (\S+)"),
    }


def _key_mode(path: str) -> str | None:
    """The rights of the private key: in the same file, or beside it; None if it is in neither."""
    if "PRIVATE KEY-" in read(path):
        return rights(path)["mode"]
    base, name = os.path.splitext(path)[0], os.path.basename(path)
    beside = {
        "cert.pem": "privkey.pem",
        "proxy.pem": "proxy.key",
        "ssl-cert-snakeoil.pem": "../private/ssl-cert-snakeoil.key",
    }
    guesses = [f"{base}.key", os.path.join(os.path.dirname(path), beside.get(name, f"{name}.key"))]
    return next((rights(guess)["mode"] for guess in guesses if os.path.isfile(guess)), None)
