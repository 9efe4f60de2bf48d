"""Say as JSON how far declared volumes are, and why some are refused; the argument, JSON too, names them."""  # noqa: INP001 - a script for the host, in no package

import json
import os
import re
import subprocess
import sys
from pathlib import Path

KEYS = Path("/etc/cryptsetup-keys.d")
MAPPER = Path("/dev/mapper")
BLOCKS = Path("/sys/class/block")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
DATASET = re.compile(r"[A-Za-z][\w.:-]*(/[\w.:-]+)+")
STABLE = re.compile(r"/dev/(disk/by-(id|partuuid|partlabel|loop-ref)|mapper)/.+")
SWAP_OPTIONS = "swap,cipher=aes-xts-plain64,size=512,nofail"
EDGE_BYTES = 1024**2


class Refused(Exception):
    """Why a volume is not made."""


def run(*command: str) -> str:
    """What a command prints. Raises OSError or CalledProcessError."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - no shell


def said(*command: str) -> str:
    """The same; nothing if it fails or is not there."""
    try:
        return run(*command)
    except (OSError, subprocess.CalledProcessError):
        return ""


def table(path: str) -> dict[str, list[str]]:
    """The lines of /etc/crypttab or /etc/fstab by their first word."""
    file = Path(path)
    lines = file.read_text().splitlines() if file.exists() else []
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return {row[0]: row[1:] for row in rows}


def check_idle(device: Path) -> None:
    """Raise Refused unless it is a block device that nobody uses."""
    if not device.exists():
        raise Refused("is not there")
    if not device.is_block_device():
        raise Refused("is no block device")
    kernel = BLOCKS / device.resolve().name
    if (kernel / "ro").read_text().strip() != "0":
        raise Refused("may only be read")
    if any(kernel.glob("*/partition")):
        raise Refused("has partitions")
    if holders := sorted(one.name for one in (kernel / "holders").iterdir()):
        raise Refused(f"carries {', '.join(holders)}")
    try:  # which fails for what is mounted, swap, or in an array or a pool
        os.close(os.open(device, os.O_RDONLY | os.O_EXCL))
    except OSError as error:
        raise Refused(f"is in use, mounted for instance ({error.strerror})") from error


def check_empty(device: Path) -> None:
    """Raise Refused if anything lies on it, be it without a signature: plain dm-crypt, a raw database."""
    try:
        found = json.loads(run("wipefs", "--no-act", "--json", str(device)) or "{}").get("signatures", [])
        edges = _edges(device)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise Refused(f"could not be read ({error})") from error
    if found:
        raise Refused(f"holds {', '.join(sorted({one['type'] for one in found}))}")
    if any(edges):
        raise Refused("holds something without a name: its first or last MiB are not zeros")


def _edges(device: Path) -> bytes:
    with device.open("rb") as disk:
        first = disk.read(EDGE_BYTES)
        disk.seek(max(0, disk.seek(0, os.SEEK_END) - EDGE_BYTES))
        return first + disk.read(EDGE_BYTES)


def uuid(path: Path) -> str:
    """The UUID of the LUKS header of a device or file; nothing without one."""
    return said("blkid", "--probe", "--output", "value", "--match-tag", "UUID", str(path))


def luks(one: dict[str, str], crypttab: dict[str, list[str]]) -> str:
    """`new`, `begun`, `closed` or `done`. Raises Refused."""
    name, device = one["name"], Path(one["device"])
    header, key = KEYS / f"{name}.header", KEYS / f"{name}.key"
    if row := crypttab.get(name):
        if row[1:2] != [str(key)]:
            raise Refused("is not asked, for /etc/crypttab has another volume of that name")
        if not said("blkid", "--uuid", row[0].removeprefix("UUID=")):
            raise Refused(f"is gone, or where else it was: no disk has the {row[0]} of /etc/crypttab")
        return "done" if (MAPPER / name).exists() and not header.exists() else "closed"
    if (MAPPER / name).exists():
        raise Refused("is not asked, for another device of that name is open")
    check_idle(device)
    if header.exists() and uuid(device) == uuid(header) != "":
        return "begun"
    check_empty(device)
    return "new"


def swap(one: dict[str, str], crypttab: dict[str, list[str]]) -> str:
    """The same, of swap."""
    name, device = one["name"], one["device"]
    mapped = MAPPER / name
    if row := crypttab.get(name):
        if row != [device, "/dev/urandom", SWAP_OPTIONS]:
            raise Refused("is not asked, for /etc/crypttab says otherwise of that name")
        used = table("/proc/swaps")
        begins = str(mapped) in table("/etc/fstab")
        return "done" if begins and mapped.exists() and os.path.realpath(mapped) in used else "closed"
    if mapped.exists():
        raise Refused("is not asked, for another device of that name is open")
    if not STABLE.fullmatch(device):
        raise Refused("may be another disk after the next start: name it as below /dev/disk/by-id")
    check_idle(Path(device))
    check_empty(Path(device))
    return "new"


def zfs(one: dict[str, str], present: dict[str, list[str]]) -> str:
    """`new`, `done`, or `others` if it is encrypted with a key that is not of this role. Raises Refused."""
    name = one["name"]
    if not present:
        raise Refused("is not made, for this host has no pool of ZFS")
    if row := present.get(name):
        if row[0] in ("off", "-"):
            raise Refused("exists and is not encrypted, for good: name a new one and move the data")
        key = KEYS / f"{name.replace('/', '+')}.key"
        return "done" if row[1:2] == [f"file://{key}"] else "others"
    if name.rpartition("/")[0] not in present:
        raise Refused("lies in a dataset that does not exist")
    return "new"


def datasets() -> dict[str, list[str]]:
    """Encryption and place of the key of each dataset."""
    told = said("zfs", "list", "-H", "-t", "filesystem,volume", "-o", "name,encryption,keylocation")
    return {row[0]: row[1:] for row in (line.split("\t") for line in told.splitlines())}


def check_named(declared: dict[str, list[dict[str, str]]]) -> list[str]:
    """What is wrong with the names themselves."""
    mapped = declared["luks"] + declared["swap"]
    names = [one["name"] for one in mapped + declared["zfs"]]
    devices = [os.path.realpath(one["device"]) for one in mapped]
    wrong = [one["name"] for one in mapped if not NAME.fullmatch(one["name"])]
    wrong += [one["name"] for one in declared["zfs"] if not DATASET.fullmatch(one["name"])]
    return [
        *(f"{name!r} is no name for one: a-z, 0-9, - and _; pool/dataset for ZFS" for name in wrong),
        *(f"{name} is declared twice" for name in sorted(set(names)) if names.count(name) > 1),
        *(f"{path} is declared twice" for path in sorted(set(devices)) if devices.count(path) > 1),
    ]


def main() -> None:
    """Print what was seen."""
    declared = json.loads(sys.argv[1])
    refused = check_named(declared)
    if refused:  # one name for two would be one answer for two
        declared = {"luks": [], "swap": [], "zfs": []}
    seen: dict[str, dict[str, str]] = {"luks": {}, "swap": {}, "zfs": {}}
    crypttab = table("/etc/crypttab")
    for kind, look, known in (
        ("luks", luks, crypttab),
        ("swap", swap, crypttab),
        ("zfs", zfs, datasets() if declared["zfs"] else {}),
    ):
        for one in declared[kind]:
            try:
                seen[kind][one["name"]] = look(one, known)
            except Refused as why:
                what = f"{one['name']}: {one['device']}" if "device" in one else one["name"]
                refused.append(f"{what} {why}")
    json.dump(seen | {"refused": refused}, sys.stdout)


main()
