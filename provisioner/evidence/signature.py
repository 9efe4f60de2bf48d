"""SSH signatures (SSHSIG), made and checked by ssh-keygen; format: PROTOCOL.sshsig of OpenSSH."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provisioner.errors import BastideError
from provisioner.model.evidence import Signer

RECORD, HEAD, PACK = "bastide-ledger", "bastide-ledger-head", "bastide-pack"
"""Namespaces: a signature of one of them is none in another."""

_BEGIN, _END, _WIDTH = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n", 70
_PREAMBLE = b"SSHSIG\x00\x00\x00\x01"
_TIMEOUT_SECONDS = 300
"""A person may have to type a passphrase or touch a token."""
_LISTED = re.compile(r"^(?P<names>\"[^\"]+\"|\S+)\s.*?(?P<key>AAAA[A-Za-z0-9+/]+=*)")


class CannotSign(BastideError):
    """There is no key, or none that may be used."""


class BadSignature(ValueError):
    """A signature that does not hold; the text says why."""


@dataclass(frozen=True, slots=True)
class Signers:
    """Those who may sign: an `allowed_signers` file (see ssh-keygen(1)).

    What was found sound once is remembered, for a ledger and its copy hold the same signatures.
    """

    file: Path
    _sound: dict[tuple[bytes, bytes, str, datetime | None], str] = field(default_factory=dict)

    def check(
        self, content: bytes | Path, signature: bytes, namespace: str, at: datetime | None = None
    ) -> str:
        """The name of who signed bytes or a file, with a key that was valid `at` that time (default: now).

        Raises BadSignature; CannotSign if signatures cannot be looked at here.
        """
        if isinstance(content, Path):
            return self._check(content, signature, namespace, at)
        asked = (hashlib.sha256(content).digest(), signature, namespace, at)
        if asked not in self._sound:
            self._sound[asked] = self._check(content, signature, namespace, at)
        return self._sound[asked]

    def _check(self, content: bytes | Path, signature: bytes, namespace: str, at: datetime | None) -> str:
        key = fingerprint(_public_key(_blob(signature)))
        names = dict.fromkeys(one.name for one in self.listed() if one.fingerprint == key)
        said = f"{self.file.name} does not name its key {key}"
        with tempfile.NamedTemporaryFile() as file:
            file.write(signature)
            file.flush()
            for name in names:
                given = ("-f", str(self.file), "-I", name, "-n", namespace, "-s", file.name, *_when(at))
                done = _run("-Y", "verify", *given, content=content)
                if done.returncode == 0:
                    return name
                said = _said(done)
        raise BadSignature(said)

    def listed(self) -> tuple[Signer, ...]:
        """Every name and key in the file. Raises CannotSign if it cannot be read."""
        try:
            text = self.file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is not text"
            raise CannotSign(
                f"{self.file}, which names the keys that may sign, cannot be read: {said}",
                "put it back from version control, or name it with --signers",
            ) from None
        return tuple(_listed(text))


def _listed(text: str) -> Iterator[Signer]:
    for line in text.splitlines():
        found = None if line.startswith("#") else _LISTED.match(line)
        if found:
            key = base64.b64decode(found["key"] + "==")
            for name in found["names"].strip('"').split(","):
                yield Signer(name, fingerprint(key))


def sign(content: bytes | Path, key: Path, namespace: str) -> bytes:
    """The signature of bytes or of a file, as armoured text.

    `key` is a private key of mode 0600, or the public half (`.pub`) of one that ssh-agent holds.
    Raises CannotSign.
    """
    _usable(key)
    done = _run("-Y", "sign", "-f", str(key), "-n", namespace, content=content)
    if done.returncode != 0:
        raise CannotSign(f"the key {key} does not sign: {_said(done)}", "can you sign with it by hand?")
    return done.stdout


def make_key(key: Path, comment: str) -> None:
    """Make an Ed25519 key without a passphrase, of mode 0600; `key.pub` beside it. Raises CannotSign."""
    draft = key.with_name(f".{key.name}.new")
    try:
        key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in (draft, public_half(draft)):
            left.unlink(missing_ok=True)
        done = _run("-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(draft))
        if done.returncode != 0:
            raise CannotSign(f"the key {key} cannot be made: {_said(done)}", "look at the disk")
        public_half(draft).rename(public_half(key))
        draft.rename(key)  # last, for there is a key once this is done
    except OSError as error:
        raise CannotSign(f"the key {key} cannot be made: {error.strerror}", "look at the disk") from None


def public_half(key: Path) -> Path:
    """Where ssh-keygen keeps the public half of a key."""
    return key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")


def allowed(key: Path, name: str) -> str:
    """The line of `allowed_signers` by which `name` may sign with a key. Raises CannotSign."""
    try:
        kind, blob = public_half(key).read_text(encoding="utf-8").split()[:2]
    except (OSError, ValueError):
        raise CannotSign(
            f"there is no public half {public_half(key)}", f"ssh-keygen -y -f {key} > {public_half(key)}"
        ) from None
    return f'{name} namespaces="{RECORD},{HEAD},{PACK}" {kind} {blob}\n'


def _usable(key: Path) -> None:
    try:
        mode = stat.S_IMODE(key.stat().st_mode)
    except OSError as error:
        raise CannotSign(
            f"the key {key} that signs evidence cannot be read: {error.strerror}",
            "put it back, or correct `evidence: key:` in the estate",
        ) from None
    if key.suffix != ".pub" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CannotSign(
            f"the key {key} has mode {mode:04o}, so that others can read it",
            f"make a new key, take the old one out of allowed_signers; chmod 600 {key} if nobody read it",
        )


def _blob(signature: bytes) -> bytes:
    """What the armour holds. Only the very bytes that ssh-keygen writes are accepted.

    ssh-keygen itself overlooks blanks between the lines, what follows the last one, and the version 0.
    """
    inner = signature.removeprefix(_BEGIN).removesuffix(_END)
    try:
        blob = base64.b64decode(inner)
    except binascii.Error:
        raise BadSignature("it is no signature as ssh-keygen writes it") from None
    text = base64.b64encode(blob)
    lines = (text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH))
    if signature != _BEGIN + b"".join(line + b"\n" for line in lines) + _END or blob[:10] != _PREAMBLE:
        raise BadSignature("it is no signature as ssh-keygen writes it")
    return blob


def _public_key(blob: bytes) -> bytes:
    """The public key stands first after the preamble, behind its length."""
    start = len(_PREAMBLE) + 4
    return blob[start : start + int.from_bytes(blob[start - 4 : start])]


def fingerprint(key: bytes) -> str:
    """As `ssh-keygen -l` prints it."""
    return f"SHA256:{base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip('=')}"


def _when(at: datetime | None) -> tuple[str, ...]:
    return (f"-Overify-time={at.astimezone(UTC):%Y%m%d%H%M%S}",) if at else ()


def _run(*options: str, content: bytes | Path = b"") -> subprocess.CompletedProcess[bytes]:
    """Run ssh-keygen in UTC and English on `content`. Raises CannotSign if it is not there or never ends."""
    tool = shutil.which("ssh-keygen")
    if tool is None:
        raise CannotSign("ssh-keygen is not installed, and signatures need it", "install openssh-client")
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
    source: dict[str, Any] = {"input": content}
    with contextlib.ExitStack() as stack:
        if isinstance(content, Path):
            source = {"stdin": stack.enter_context(content.open("rb"))}
        try:
            return subprocess.run(  # noqa: S603 - an argument list, and the tool was looked up
                (tool, *options),
                **source,
                capture_output=True,
                check=False,
                env=environment,
                timeout=_TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise CannotSign("ssh-keygen did not end", "does it wait for a passphrase or a token?") from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """The last line that is a reason."""
    lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    reasons = [line for line in lines if not line.startswith(("Signing ", "@"))]
    return reasons[-1].strip() if reasons else "no reason given"
