"""A folder on another machine, by SFTP: files are added to it, read from it, and never written over."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

import paramiko

from provisioner.hosts.connection import Connection, Trouble, said
from provisioner.model.machine import Machine
from provisioner.model.ssh import Ssh

SECONDS = 60.0
"""For one answer."""
LONGEST = 64 * 1024 * 1024
"""Bytes of one file that are read; what a host of ours says is far shorter."""
DEEPEST = 4
"""Folders in folders that are read."""
DRAFT = "draft"
"""Where files are written before they get their names; what a cut run left there is written over."""


class FarFolder:
    """The files below a folder; names are relative to it, with `/`. Everything here raises Trouble."""

    def __init__(self, files: paramiko.SFTPClient, folder: str) -> None:
        self._files = files
        self._folder = PurePosixPath(folder)

    def names(self, name: str = "") -> tuple[str, ...]:
        """What is in a folder; nothing if it is not there."""
        with _told(name):
            try:
                return tuple(sorted(self._files.listdir(self._at(name))))
            except FileNotFoundError:
                return ()

    def there(self, name: str) -> bool:
        """Whether there is something of this name."""
        with _told(name):
            try:
                self._files.stat(self._at(name))
            except FileNotFoundError:
                return False
            return True

    def read(self, name: str) -> bytes | None:
        """The content of a file; None if there is none."""
        with _told(name):
            try:
                with self._files.open(self._at(name), "rb") as file:
                    content = file.read(LONGEST + 1)
            except FileNotFoundError:
                return None
        if len(content) > LONGEST:
            raise Trouble(f"{name} is longer than {LONGEST} bytes, and was not read any further")
        return content

    def add(self, name: str, content: bytes) -> None:
        """A new file, there wholly or not at all; there must be none of its name."""
        with _told(name):
            self._write(f"{DRAFT}/file", content)
            self._folders(PurePosixPath(name).parent)
            self._files.rename(self._at(f"{DRAFT}/file"), self._at(name))

    def add_folder(self, name: str, files: Mapping[str, bytes]) -> None:
        """A new folder with its files, there wholly or not at all; there must be none of its name."""
        with _told(name):
            self._folders(PurePosixPath(DRAFT, "folder"))
            for file, content in files.items():
                self._write(f"{DRAFT}/folder/{file}", content)
            self._folders(PurePosixPath(name).parent)
            self._files.rename(self._at(f"{DRAFT}/folder"), self._at(name))

    def replace(self, name: str, content: bytes) -> None:
        """A file that has its old content, or none, until it has the new one."""
        with _told(name):
            self._write(f"{DRAFT}/file", content)
            self._files.posix_rename(self._at(f"{DRAFT}/file"), self._at(name))

    def tidy(self) -> None:
        """Leave no empty draft behind."""
        with _told(DRAFT), suppress(FileNotFoundError):
            self._files.rmdir(self._at(DRAFT))

    def fetch(self, target: Path) -> None:
        """Everything below the folder to one of ours; what is neither file nor folder is left out."""
        if self.there(""):
            self._fetch(PurePosixPath(), target, DEEPEST)

    def _fetch(self, name: PurePosixPath, target: Path, deep: int) -> None:
        with _told(str(name)):
            rows = self._files.listdir_attr(self._at(str(name)))
        for row in rows:
            inner, ours = name / row.filename, target / row.filename
            if "/" in row.filename or row.filename in {"", ".", ".."}:
                raise Trouble(f"it has a file of the name {row.filename!r}")
            if stat.S_ISDIR(row.st_mode or 0) and deep:
                ours.mkdir()
                self._fetch(inner, ours, deep - 1)
            elif stat.S_ISREG(row.st_mode or 0):
                ours.write_bytes(self.read(str(inner)) or b"")

    def _write(self, name: str, content: bytes) -> None:
        """A file that is not read by others and not changed any more."""
        self._folders(PurePosixPath(name).parent)
        with suppress(FileNotFoundError):
            self._files.remove(self._at(name))
        with self._files.open(self._at(name), "wxb") as file:
            file.set_pipelined(True)
            file.write(content)
            file.chmod(0o400)

    def _folders(self, name: PurePosixPath) -> None:
        """Make the folders of a name, and the one that holds all; what is above that has to be there."""
        for folder in (*reversed(name.parents), name):
            if not self.there(str(folder)):
                self._files.mkdir(self._at(str(folder)), 0o700)

    def _at(self, name: str) -> str:
        return str(self._folder / name)


@contextmanager
def far_folder(machine: Machine, folder: str, ssh: Ssh, estate: Path) -> Iterator[FarFolder]:
    """A folder of a machine, for as long as the connection holds. Raises Trouble.

    `estate` is the estate's folder, where the machine's key is pinned.
    """
    connection = Connection(machine)
    try:
        connection.log_in(ssh, estate)
        yield FarFolder(connection.files(SECONDS), folder)
    finally:
        connection.close()


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise Trouble(f"{name or 'the folder'}: {said(error)}") from None
