"""From a reference to a secret, and back to a file of mode 0600. No error of this room shows a secret."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

from provisioner.errors import BastideError
from provisioner.model.base import SecretRef
from provisioner.model.site import Api

_TIMEOUT_SECONDS = 60


class NoSecret(BastideError):
    """A secret that cannot be had."""


def resolve(ref: SecretRef, folder: Path) -> str:
    """The secret behind a reference; relative paths begin at the estate's folder. Raises NoSecret."""
    kind, _, rest = ref.partition(":")
    if kind == "env":
        return _from_environment(rest)
    if kind == "file":
        return _from_file(ref, folder)
    file, _, key = rest.partition("#")
    if not (folder / file).is_file():
        raise NoSecret(f"there is no file {file} for the secret {ref}", "create it, or correct the reference")
    return _from_sops(ref, folder / file, key) if kind == "sops" else _from_vault(ref, folder / file, key)


def api_secret(api: Api, folder: Path) -> str:
    """The password or token secret of an API. A token may be kept whole, `user@realm!name=secret`."""
    return resolve(api.secret, folder).removeprefix(f"{api.token}=")


def store(ref: SecretRef, folder: Path, secret: str) -> None:
    """Write a secret where a `file:` reference points: mode 0600, at once or not at all.

    An earlier secret is replaced as one rename, never half. Raises NoSecret.
    """
    kind, _, rest = ref.partition(":")
    if kind != "file":
        raise NoSecret(f"a secret cannot be written to {ref}", "use a `file:` reference")
    target = folder / rest
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as trouble:
        raise NoSecret(
            f"{target} cannot be written: {trouble.strerror}", "look at the folder's mode"
        ) from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:  # mkstemp makes it of mode 0600
            out.write(f"{secret}\n")
            out.flush()
            os.fsync(out.fileno())
        Path(draft).replace(target)
    except OSError as trouble:
        Path(draft).unlink(missing_ok=True)
        raise NoSecret(f"{target} cannot be written: {trouble.strerror}", "look at the disk") from None


def exposed(ref: SecretRef, folder: Path) -> str:
    """Why a secret file is no secret: `has mode 0644, …`; empty if it is one, or is not there yet."""
    try:
        found = (folder / ref.removeprefix("file:")).stat()
    except OSError:
        return ""
    if found.st_uid not in {os.getuid(), 0}:
        return "belongs to somebody else"
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"has mode {stat.S_IMODE(found.st_mode):04o}, so that others can read it"
    return ""


def _from_environment(name: str) -> str:
    secret = os.environ.get(name, "")
    if not secret:
        raise NoSecret(
            f"the environment variable {name} is not set", f"export {name}, without writing it down"
        )
    return secret


def _from_file(ref: SecretRef, folder: Path) -> str:
    path = folder / ref.removeprefix("file:")
    reason = exposed(ref, folder)
    if reason:
        raise NoSecret(f"the secret file {path} {reason}", f"chmod 600 {path}, and change the secret")
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as trouble:
        said = trouble.strerror if isinstance(trouble, OSError) else "it is not text"
        raise NoSecret(f"the secret file {path} cannot be read: {said}", "create it with mode 0600") from None
    if not secret:
        raise NoSecret(f"the secret file {path} is empty", "write the secret into it")
    return secret


def _from_sops(ref: SecretRef, file: Path, key: str) -> str:
    """`key` may be deep: `api.token` is `["api"]["token"]`."""
    extract = "".join(f"[{json.dumps(part)}]" for part in key.split("."))
    return _asked(ref, ("sops", "--decrypt", "--extract", extract, str(file)))


def _from_vault(ref: SecretRef, file: Path, key: str) -> str:
    """A key of a YAML file that Ansible Vault encrypted as a whole."""
    text = _asked(ref, ("ansible-vault", "view", str(file)))
    try:
        here: Any = yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 - it makes text and nothing else
    except yaml.YAMLError:
        raise NoSecret(f"{file} is not YAML once it is decrypted", "keep it as `key: secret` lines") from None
    for part in key.split("."):
        here = here.get(part) if isinstance(here, dict) else None
    if here is None:
        raise NoSecret(f"{file} has no key {key}", "correct the reference, or add the key")
    return str(here)


def _asked(ref: SecretRef, command: tuple[str, ...]) -> str:
    """What a tool answers; its own error text may be told, its output never."""
    tool = shutil.which(command[0])
    if tool is None:
        raise NoSecret(f"{command[0]} is not installed, and {ref} needs it", f"install {command[0]}")
    try:
        done = subprocess.run(  # noqa: S603 - an argument list, and the tool was looked up
            (tool, *command[1:]), capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise NoSecret(f"{command[0]} did not answer for {ref}", "does it wait for a passphrase?") from None
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NoSecret(f"{command[0]} cannot open {ref}: {said}", "do you hold the key?")
    if not done.stdout.strip():
        raise NoSecret(f"the secret {ref} is empty", "correct the reference, or set the secret")
    return done.stdout.rstrip("\n")
