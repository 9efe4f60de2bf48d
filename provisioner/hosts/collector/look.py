"""Reading files and running commands, within limits of time and size; what was seen is kept as evidence."""

from __future__ import annotations

import functools
import os
import selectors
import signal
import subprocess
import time
from glob import glob
from typing import NamedTuple

LONGEST = 4 * 1024 * 1024
"""Bytes that are read of one file or one command's output."""
KEPT = 256 * 1024
"""Characters of one file or output that are kept as evidence."""
KEPT_IN_ALL = 3 * 1024 * 1024

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/nonexistent"}

raw: dict[str, str] = {}
"""Command line or path, and what it said."""


class Unseen(Exception):
    """Something that could not be looked at; the text says what, and why."""


class Ran(NamedTuple):
    """How a command ended: `code` is None if it was ended for its time or its length."""

    code: int | None
    out: str
    err: str


def keep(name: str, text: str) -> None:
    """Keep a text as evidence; what is cut off is said."""
    room = min(KEPT, KEPT_IN_ALL - sum(map(len, raw.values())))
    if len(text) > room:
        text = text[: max(room, 0)] + f"\n[cut here: {len(text)} characters in all]"
    raw[name] = text


@functools.cache
def read(path: str) -> str:
    """What a file holds. Raises Unseen if it is not there or cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            return (file.read(LONGEST) or b"").decode("utf-8", "replace")
    except OSError as error:
        raise Unseen(f"{path}: {error.strerror or error}") from None


def read_if_there(path: str) -> str:
    """What a file holds; nothing if it is not there. Raises Unseen if it is, and cannot be read."""
    try:
        return read(path)
    except Unseen:
        if os.path.lexists(path) and os.path.exists(path):
            raise
        return ""


def kept(path: str) -> str:
    """What a file holds, or nothing, kept as evidence."""
    text = read_if_there(path)
    if text:
        keep(path, text)
    return text


def there(path: str) -> bool:
    """Whether a path leads to something."""
    return os.path.exists(path)


def drop_ins(path: str, *folders: str, ending: str = ".conf") -> list[str]:
    """A file and its drop-ins, in the order in which they are read: the folders later in the list win."""
    chosen = {}
    for folder in folders:
        for found in glob(f"{folder}/*{ending}"):
            chosen[found.rsplit("/", 1)[-1]] = found
    return [path, *(chosen[name] for name in sorted(chosen))]


def lines(text: str, comment: str = "#") -> list[str]:
    """The lines that say something: no comments, no empty ones."""
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith(comment)]


def program(name: str) -> str:
    """The path of a program, or nothing."""
    for folder in ENVIRONMENT["PATH"].split(":"):
        if os.access(f"{folder}/{name}", os.X_OK):
            return f"{folder}/{name}"
    return ""


def run(
    *argv: str, given: str = "", seconds: float = 10, longest: int = LONGEST, evidence: bool = True
) -> str:
    """What a command says. Raises Unseen if it fails, takes longer, or says more than is read."""
    ran = attempt(*argv, given=given, seconds=seconds, longest=longest)
    if evidence:
        keep(" ".join(argv), ran.out)
    if ran.code == 0:
        return ran.out
    if ran.code is None:
        raise Unseen(f"{argv[0]} took longer than {seconds:g} seconds, or said more than {longest} bytes")
    said = (ran.err.strip() or ran.out.strip() or "it said nothing").splitlines()[-1]
    raise Unseen(f"{argv[0]} ended with {ran.code}: {said[:300]}")


def attempt(*argv: str, given: str = "", seconds: float = 10, longest: int = LONGEST) -> Ran:
    """Run a command and say how it ended. Raises Unseen if there is no such program."""
    try:
        child = subprocess.Popen(  # noqa: S603 - commands of this program, without a shell
            argv,
            stdin=subprocess.PIPE if given else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise Unseen(f"{argv[0]}: {error.strerror or error}") from None
    try:
        if child.stdin:
            child.stdin.write(given.encode())  # shorter than a pipe holds
            child.stdin.close()
        return _listen(child, time.monotonic() + seconds, longest)
    finally:
        _end(child)


def _listen(child: subprocess.Popen[bytes], until: float, longest: int) -> Ran:
    said = {child.stdout: bytearray(), child.stderr: bytearray()}
    whole = True
    with selectors.DefaultSelector() as selector:
        for stream in said:
            selector.register(stream, selectors.EVENT_READ)  # type: ignore[arg-type]  # both are pipes
        while whole and selector.get_map():
            ready = selector.select(max(until - time.monotonic(), 0))
            whole = bool(ready)
            for key, _ in ready:
                part = os.read(key.fd, 65536)
                if not part:
                    selector.unregister(key.fileobj)
                said[key.fileobj] += part  # type: ignore[index]  # it was registered by it
                whole = whole and len(said[key.fileobj]) <= longest  # type: ignore[index]  # likewise
    code = _code(child, until) if whole else None
    out, err = (bytes(text[:longest]).decode("utf-8", "replace") for text in said.values())
    return Ran(code, out, err)


def _code(child: subprocess.Popen[bytes], until: float) -> int | None:
    try:
        return child.wait(max(until - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        return None


def _end(child: subprocess.Popen[bytes]) -> None:
    """Leave nothing running of a command, whatever became of it."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    for stream in (child.stdout, child.stderr):
        if stream:
            stream.close()
