"""Which process is meant: a pid alone is used again by others, a pid with its start time is not."""

from pathlib import Path

START_TIME = 19  # its place after the command's name in /proc/PID/stat (proc(5): field 22)
STATE = 0


def start_time(pid: int) -> int | None:
    """When a living process started, in clock ticks since boot; None when there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return None if fields[STATE] == "Z" else int(fields[START_TIME])
    except (OSError, IndexError, ValueError):
        return None
