"""A key exchange that keeps secret what a quantum computer may try to open later; paramiko knows none.

From the level enhanced on a host of Debian 13 offers no other. It is mlkem768x25519-sha256
(draft-ietf-sshm-mlkem-hybrid-kex): ML-KEM-768 (FIPS 203) and X25519, of which one has to hold.
"""

# ruff: noqa: SLF001 - of these paramiko makes its own exchanges; it offers no other way to add one

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import paramiko
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

NAME = "mlkem768x25519-sha256"
INIT, REPLY = 30, 31
CIPHERTEXT = 1088
"""Bytes of what the host enciphers for us."""
POINT = 32
"""Bytes of its public key on the curve."""


class HybridExchange:
    """One exchange, on the side of the client. Raises SSHException where the host does not keep to it."""

    hash_algo = hashlib.sha256

    def __init__(self, transport: paramiko.Transport) -> None:
        self.transport: Any = transport  # its types leave out what exchanges use
        self.lattice = MLKEM768PrivateKey.generate()
        self.curve = X25519PrivateKey.generate()
        self.ours = self.lattice.public_key().public_bytes_raw() + self.curve.public_key().public_bytes_raw()

    def start_kex(self) -> None:
        """Send our public keys."""
        message = paramiko.Message()
        message.add_byte(bytes([INIT]))
        message.add_string(self.ours)
        self.transport._send_message(message)
        self.transport._expect_packet(REPLY)

    def parse_next(self, kind: int, message: paramiko.Message) -> None:
        """Agree on a secret with what the host answers, and have it prove its key."""
        if kind != REPLY:
            raise paramiko.SSHException(f"a packet of type {kind} in the middle of {NAME}")
        host_key, theirs, signature = message.get_string(), message.get_string(), message.get_binary()
        secret = self._secret(theirs)
        self.transport._set_K_H(secret, self._digest(host_key, theirs, secret))
        self.transport._verify_key(host_key, signature)
        self.transport._activate_outbound()

    def _secret(self, theirs: bytes) -> bytes:
        if len(theirs) != CIPHERTEXT + POINT:
            raise paramiko.SSHException(f"{len(theirs)} bytes are no answer of {NAME}")
        try:
            point = X25519PublicKey.from_public_bytes(theirs[CIPHERTEXT:])
            shared = self.lattice.decapsulate(theirs[:CIPHERTEXT]) + self.curve.exchange(point)
        except ValueError as error:  # a point that leads nowhere
            raise paramiko.SSHException(f"no answer of {NAME}: {error}") from None
        return hashlib.sha256(shared).digest()

    def _digest(self, host_key: bytes, theirs: bytes, secret: bytes) -> bytes:
        """What the host signs (RFC 5656, 4); the secret is a string there, not a number."""
        way = self.transport
        message = paramiko.Message()
        for part in (way.local_version, way.remote_version, way.local_kex_init, way.remote_kex_init):
            message.add_string(part)
        for part in (host_key, self.ours, theirs, secret):
            message.add_string(part)
        return hashlib.sha256(message.asbytes()).digest()


class Transport(paramiko.Transport):
    """paramiko's, with that exchange before its own."""

    _preferred_kex = (NAME, *vars(paramiko.Transport)["_preferred_kex"])
    _kex_info: ClassVar = {**vars(paramiko.Transport)["_kex_info"], NAME: HybridExchange}

    def _compute_key(self, letter: str, length: int) -> Any:
        """A key of the connection (RFC 4253, 7.2), here too with a secret that is a string."""
        if not isinstance(self.K, bytes):
            return super()._compute_key(letter, length)  # type: ignore[misc] # its types leave it out
        begin = paramiko.Message()
        begin.add_string(self.K)
        begin.add_bytes(self.H)
        found = hashlib.sha256(begin.asbytes() + letter.encode() + self.session_id).digest()
        while len(found) < length:
            found += hashlib.sha256(begin.asbytes() + found).digest()
        return found[:length]
