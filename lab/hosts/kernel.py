"""Settings of this machine's kernel that machines need, and what they were before the first lab came.

A systemd inside a machine asks for several inotify instances, and the kernel's usual limit of 128 for root
ends with the sixteenth machine or so: what boots then exits without a word.
"""

import json
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

SYSCTL = Path("/proc/sys")
BEFORE = Path("/run/bastide-lab.before.json")
FORWARD = "net/ipv4/ip_forward"
INSTANCES = "fs/inotify/max_user_instances"
NEEDED = {FORWARD: 1, INSTANCES: 4096}


def lock() -> FileLock:
    """Taken while a lab comes or goes: who finds itself the last must not be wrong a moment later."""
    return FileLock(BEFORE.with_suffix(".lock"))


def before() -> dict[str, int]:
    """What the settings were before the first lab that is there, or are, when there is none."""
    with suppress(FileNotFoundError):
        return dict(json.loads(BEFORE.read_text(encoding="ascii")))
    return {name: _value(name) for name in NEEDED}


def prepare() -> None:
    """Raise what is lower than a lab needs; what it was is remembered for whoever takes the last one down."""
    found = {name: _value(name) for name in NEEDED}
    if not BEFORE.exists():
        BEFORE.write_text(json.dumps(found), encoding="ascii")
    for name, needed in NEEDED.items():
        if found[name] < needed:
            _set(name, needed)


def restore() -> None:
    """Set everything as it was before the first lab; nothing happens when none came."""
    for name, value in before().items():
        _set(name, value)
    BEFORE.unlink(missing_ok=True)


def _value(name: str) -> int:
    return int((SYSCTL / name).read_text(encoding="ascii"))


def _set(name: str, value: int) -> None:
    (SYSCTL / name).write_text(str(value), encoding="ascii")
