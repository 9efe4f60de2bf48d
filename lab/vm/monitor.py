"""QEMU's machine protocol: one command, one answer (docs/interop/qmp-spec of QEMU)."""

import json
import socket
from pathlib import Path
from typing import Any

from lab.errors import LabError

ANSWER_SECONDS = 120.0


def ask(monitor: Path, *commands: dict[str, Any]) -> None:
    """Send commands to a running QEMU, one after the other. Raises LabError when it refuses one."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(ANSWER_SECONDS)
        try:
            channel.connect(str(monitor))
            with channel.makefile("rw", encoding="utf-8") as lines:
                lines.readline()  # it greets
                for command in ({"execute": "qmp_capabilities"}, *commands):
                    _ask_one(lines, command)
        except OSError as error:
            raise LabError(f"the virtual machine at {monitor} does not answer: {error}") from error


def save(name: str) -> dict[str, Any]:
    """The command that keeps the whole machine as a snapshot in its disk."""
    return {"execute": "human-monitor-command", "arguments": {"command-line": f"savevm {name}"}}


QUIT = {"execute": "quit"}


def _ask_one(lines: Any, command: dict[str, Any]) -> None:
    print(json.dumps(command), file=lines, flush=True)
    answer: dict[str, Any] = {"event": "none yet"}
    while "event" in answer:
        answer = json.loads(lines.readline() or '{"error": {"desc": "it went away"}}')
    # The commands of the old monitor report their errors as text.
    said = answer.get("error", {}).get("desc") or answer.get("return")
    if said:
        raise LabError(f"QEMU refused {command}: {said}")
