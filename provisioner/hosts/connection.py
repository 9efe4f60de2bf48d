"""A connection to one host, whose pinned key is checked before anything is said to it."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from provisioner.hosts.exchange import Transport
from provisioner.model.machine import Machine
from provisioner.model.ssh import Ssh

PORT = 22
SECONDS_TO_CONNECT = 10.0
SECONDS_TO_LOG_IN = 20.0
LONGEST_ERROR = 64 * 1024
OWN_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
"""What ssh offers by itself, of ~/.ssh."""
RSA = ("rsa-sha2-512", "rsa-sha2-256")
"""How a host proves an RSA key that is pinned as `ssh-rsa`; SHA-1 is not taken."""


class Trouble(Exception):
    """Why a host could not be looked at, in a sentence."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key of a host: its type, and the key in base64."""

    type: str
    blob: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said; `code` is None if the host did not tell how it ended."""

    out: bytes
    err: str
    code: int | None


def pinned(known_hosts: str, name: str) -> tuple[HostKey, ...]:
    """The keys that a known_hosts file (sshd(8)) has for a name, but for revoked ones.

    Names may be hashed. Patterns and certificates of authorities pin nothing here.
    """
    found, revoked = [], set()
    for line in known_hosts.splitlines():
        match line.split():
            case ["@revoked", _, _, blob, *_]:
                revoked.add(blob)
            case [names, kind, blob, *_] if names[0] not in "#@" and _names(names, name):
                found.append(HostKey(kind, blob))
    return tuple(key for key in found if key.blob not in revoked)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Trouble(f"no host key is pinned: {path}: {error.strerror}") from None


def _names(field: str, name: str) -> bool:
    if field.startswith("|1|"):
        return paramiko.HostKeys.hash_host(name, field) == field
    return name in field.split(",")


def identities(key: Path | None) -> tuple[paramiko.PKey, ...]:
    """Our keys that lie in files: the estate's, or those that ssh offers by itself.

    A key that a passphrase protects is left to the agent. Raises Trouble for one that cannot be read.
    """
    if key:
        return _read(key)
    places = (Path.home() / ".ssh" / name for name in OWN_KEYS)
    return tuple(one for place in places if place.is_file() for one in _read(place))


def _read(path: Path) -> tuple[paramiko.PKey, ...]:
    try:
        return (paramiko.PKey.from_path(path),)
    except (paramiko.PasswordRequiredException, TypeError):  # cryptography says it with a TypeError
        return ()
    except OSError as error:
        raise Trouble(f"our key {path} cannot be read: {error.strerror}") from None
    except (paramiko.SSHException, ValueError):
        raise Trouble(f"{path} is no private key that can be used") from None


class Connection:
    """A way to one host: `open`, then `ask` once. `close` may come from another thread, and ends both."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._transport: paramiko.Transport | None = None
        self._closed = False

    def open(self, keys: tuple[HostKey, ...], own: Sequence[paramiko.PKey]) -> None:
        """Connect, check the host's key and log in. Raises Trouble."""
        transport = self._connect()
        self._check(transport, keys)
        self._let_in(transport, own)

    def log_in(self, ssh: Ssh, folder: Path) -> None:
        """Open with the keys that an estate in a folder pins and uses. Raises Trouble."""
        path = folder / ssh.known_hosts
        keys = pinned(_text(path), self.machine.name)
        if not keys:
            raise Trouble(f"no host key is pinned for {self.machine.name} in {path}: nothing was said to it")
        self.open(keys, identities(folder / ssh.key if ssh.key else None))

    def files(self, seconds: float) -> paramiko.SFTPClient:
        """The files there; no single answer may take longer than `seconds`. Raises Trouble."""
        if self._transport is None:
            raise Trouble("there is no connection")
        try:
            channel = self._transport.open_session(timeout=SECONDS_TO_LOG_IN)
            channel.settimeout(seconds)
            channel.invoke_subsystem("sftp")
            return paramiko.SFTPClient(channel)
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise Trouble(f"it gives no access to its files by SFTP: {said(error)}") from None

    def ask(self, command: str, given: str, *, longest: int, seconds: float) -> Answer:
        """Run a command, with a text to read, to its end. Raises Trouble if it says or takes too much."""
        if self._transport is None:
            raise Trouble("there is no connection")
        until = time.monotonic() + seconds
        try:
            channel = self._transport.open_session(timeout=SECONDS_TO_LOG_IN)
            channel.settimeout(seconds)
            channel.exec_command(command)
            _give(channel, given)
            return _listen(channel, longest, until)
        except TimeoutError:
            raise Trouble(f"it did not come to an end within {seconds:g} seconds") from None
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise Trouble(f"the connection broke: {said(error)}") from None

    def close(self) -> None:
        """End what is under way, and let nothing begin."""
        self._closed = True
        if self._transport:
            self._transport.close()
            self._transport.sock.close()  # which paramiko leaves open where nothing was said yet

    def _connect(self) -> paramiko.Transport:
        where = f"{self.machine.address}, port {PORT}"
        try:
            way = socket.create_connection((self.machine.address, PORT), SECONDS_TO_CONNECT)
        except OSError as error:
            raise Trouble(f"{where} cannot be reached: {said(error)}") from None
        self._transport = Transport(way)
        self._transport.banner_timeout = SECONDS_TO_LOG_IN
        self._transport.auth_timeout = SECONDS_TO_LOG_IN
        if self._closed:  # `close` sets this and then looks for a transport: one of both ends it
            self.close()
            raise Trouble("it was not looked at: the run was ended")
        return self._transport

    def _check(self, transport: paramiko.Transport, keys: tuple[HostKey, ...]) -> None:
        """Only what is pinned counts; the host is asked to prove a key of a pinned type."""
        kinds = [kind for key in keys for kind in (RSA if key.type == "ssh-rsa" else (key.type,))]
        options = transport.get_security_options()
        able = tuple(dict.fromkeys(kind for kind in kinds if kind in options.key_types))
        if not able:
            raise Trouble(f"its pinned host key is of a type that is not trusted: {', '.join(kinds)}")
        options.key_types = able
        try:
            transport.start_client(timeout=SECONDS_TO_LOG_IN)
        except IncompatiblePeer as error:
            raise Trouble(
                f"it has no host key as the pinned one, or no algorithm in common with us: {said(error)}"
            ) from None
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise Trouble(
                f"what answers at {self.machine.address} does not speak SSH: {said(error)}"
            ) from None
        shown = transport.get_remote_server_key()
        if shown.get_base64() not in {key.blob for key in keys}:
            raise Trouble(
                f"it shows another host key than the one that is pinned, {shown.fingerprint}: it was "
                "made anew, or something else answers under its address; nothing was said to it"
            )

    def _let_in(self, transport: paramiko.Transport, own: Sequence[paramiko.PKey]) -> None:
        user, offered = self.machine.user, 0
        try:
            for key in (*own, *paramiko.Agent().get_keys()):
                offered += 1
                if _accepted(transport, user, key):
                    return
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise Trouble(f"it ended the login of {user}: {said(error)}") from None
        what = (
            f"each of {offered} keys" if offered > 1 else "the key" if offered else "nothing: no key is there"
        )
        raise Trouble(f"it refuses the login of {user} with {what}")


def _accepted(transport: paramiko.Transport, user: str, key: paramiko.PKey) -> bool:
    try:
        return not transport.auth_publickey(user, key)
    except paramiko.AuthenticationException:
        if not transport.is_active():
            raise
        return False


def _give(channel: paramiko.Channel, given: str) -> None:
    """Who does not read to the end has ended: what it said tells why."""
    try:
        channel.sendall(given.encode())
        channel.shutdown_write()
    except TimeoutError:
        raise
    except OSError:
        return


def _listen(channel: paramiko.Channel, longest: int, until: float) -> Answer:
    out = bytearray()
    while part := channel.recv(1 << 16):
        out += part
        if len(out) > longest:
            raise Trouble(f"it answered more than {longest} bytes, and was not listened to any longer")
        channel.settimeout(max(until - time.monotonic(), 0.001))
    err = channel.recv_stderr(LONGEST_ERROR).decode("utf-8", "replace")
    known = channel.status_event.wait(max(until - time.monotonic(), 0))
    return Answer(bytes(out), err, channel.exit_status if known and channel.exit_status >= 0 else None)


def said(error: Exception) -> str:
    """What went wrong with a connection, in a line."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = getattr(error, "strerror", None) or str(error) or "the connection was closed"
    return str(text).strip().splitlines()[0][:200]
