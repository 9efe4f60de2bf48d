"""Whether the other side is the cluster that the estate means: TLS is always verified.

By a CA file, by the SHA-256 fingerprint of the certificate itself, or by the system's store.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter

from provisioner.errors import Unreachable

NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python's `ssl` does not name."""
EXPIRED, NOT_YET_VALID = 10, 9
UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21})
WRONG_HOST = frozenset({62, 64})
"""Results of OpenSSL's verification (x509_vfy.h)."""


class Untrusted(Unreachable):
    """No endpoint can be trusted: trying again does not help."""


class WrongFingerprint(Exception):
    """The endpoint shows another certificate than the pinned one."""


class TrustingAdapter(HTTPAdapter):
    """A requests adapter that verifies by one TLS context, whatever the session or the environment says."""

    def __init__(self, context: ssl.SSLContext, fingerprint: str | None) -> None:
        self._pool_trust: dict[str, Any] = {"ssl_context": context, "assert_fingerprint": fingerprint}
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:  # noqa: FBT001, FBT002  # requests' signature
        """Give every connection our context."""
        super().init_poolmanager(connections, maxsize, block, **kwargs, **self._pool_trust)

    def send(self, *args: Any, **kwargs: Any) -> Any:
        """Send; `verify` is always on, and does not choose the authorities."""
        return super().send(*args, **{**kwargs, "verify": True})

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the context as it is; requests would add the authorities that it ships."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What one cluster's certificates are verified against. Safe to use from several threads."""

    ca: Path | None
    fingerprint: str | None
    connect_seconds: float
    _contexts: dict[str, ssl.SSLContext] = field(default_factory=dict)

    def adapter(self, url: str) -> TrustingAdapter:
        """An adapter for one endpoint.

        Raises WrongFingerprint, OSError if a pinned endpoint cannot be connected to, and Untrusted if the
        CA file cannot be used.
        """
        key = url if self.fingerprint else ""
        context = self._contexts.get(key)
        if context is None:
            context = self._contexts[key] = self._pinned(url) if self.fingerprint else self._by_authority()
        return TrustingAdapter(context, self.fingerprint)

    def _by_authority(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        except OSError as error:
            reason = "it holds no PEM certificate" if isinstance(error, ssl.SSLError) else error.strerror
            hint = "copy /etc/pve/pve-root-ca.pem from a node of the cluster there, or correct `api.ca`"
            raise Untrusted(str(self.ca), f"the CA file cannot be used: {reason}", hint) from error
        if self.ca:
            # Node certificates of Proxmox VE 8 name no authority key, which Python 3.13 refuses.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context

    def _pinned(self, url: str) -> ssl.SSLContext:
        """A context for which the pinned certificate is its own authority, so that its dates count too."""
        pem = presented(url, self.connect_seconds)
        shown = fingerprint_of(pem)
        if shown != str(self.fingerprint).upper():
            raise WrongFingerprint(
                f"it shows the certificate {shown}, and the estate pins {self.fingerprint}"
            )
        return _anchored(pem)

    def forget(self, url: str) -> None:
        """Look again at what a pinned endpoint presents: its certificate may have been renewed."""
        self._contexts.pop(url, None)


def presented(url: str, seconds: float) -> str:
    """The certificate (PEM) that an endpoint shows; nothing is sent to it, and nothing is trusted yet."""
    place = urlsplit(url)
    return ssl.get_server_certificate((str(place.hostname), place.port or 443), timeout=seconds)


def fingerprint_of(pem: str) -> str:
    """SHA-256 of a certificate as Proxmox VE prints it: `AA:BB:…`."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest().hex(":").upper()


def _anchored(pem: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=pem)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = False
    return context


def expiry(url: str, seconds: float) -> str:
    """The last day of the certificate that an endpoint shows, as `Nov 21 10:00:00 2026 GMT`.

    Raises OSError if it cannot be told.
    """
    context, place = _anchored(presented(url, seconds)), urlsplit(url)
    context.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
    address = (str(place.hostname), place.port or 443)
    with socket.create_connection(address, seconds) as plain, context.wrap_socket(plain) as connection:
        return str((connection.getpeercert() or {}).get("notAfter", ""))


def explain(url: str, error: ssl.SSLCertVerificationError, seconds: float) -> tuple[str, str]:
    """Why a certificate was refused, and what to do."""
    code = error.verify_code
    if code == EXPIRED:
        return _expired(
            url, seconds
        ), "renew it on the node with `pvecm updatecerts --force` or by its authority"
    if code in UNKNOWN_AUTHORITY:
        return "its certificate is signed by an authority that is not trusted here", _how_to_trust(
            url, seconds
        )
    if code in WRONG_HOST:
        return (
            f"its certificate is not for {urlsplit(url).hostname}",
            "name the endpoint as the certificate does, or renew the certificate with this name",
        )
    if code == NOT_YET_VALID:
        return "its certificate is not valid yet", "check the clocks of this machine and of the node"
    return (
        f"its certificate was refused: {error.verify_message}",
        "check it with `pvenode cert info` on the node",
    )


def _expired(url: str, seconds: float) -> str:
    try:
        return f"its certificate has expired on {expiry(url, seconds)}"
    except (OSError, ValueError):
        return "its certificate has expired"


def _how_to_trust(url: str, seconds: float) -> str:
    try:
        shown = fingerprint_of(presented(url, seconds))
    except (OSError, ValueError):
        shown = "its SHA-256 fingerprint"
    return (
        "set `api.ca` to a copy of the cluster's /etc/pve/pve-root-ca.pem, or, after comparing it with "
        f"`pvenode cert info` on the node, `api.fingerprint` to {shown}"
    )
