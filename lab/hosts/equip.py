"""What makes a Debian host a node of the lab: Proxmox VE's commands by their names, and where /etc/pve is."""

import shutil
from pathlib import Path

from lab import on_nodes
from lab.hosts.etc_pve import LOCAL, PLACE
from lab.on_nodes.main import ABSENT, COMMANDS

HOME = "usr/share/bastide-lab"
PROGRAM = f"""#!/usr/bin/python3
import sys

sys.path.insert(0, "/{HOME}")
from on_nodes.main import main

sys.exit(main(sys.argv[0].rpartition("/")[2], sys.argv[1:]))
"""
# Where Debian's packages of Proxmox VE have them; the others are in /usr/bin.
IN_SBIN = ("ha-manager", "pct", "proxmox-boot-tool", "pvesm", "pveum", "qm", "qmrestore")


def equip(root: Path, name: str) -> None:
    """Put the commands into a node's root file system, and let its /etc/pve know which node it is on."""
    source = Path(on_nodes.__file__).parent
    home = root / HOME
    shutil.copytree(source, home / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    (home / "run").write_text(PROGRAM, encoding="ascii")
    (home / "run").chmod(0o755)
    for command in (*COMMANDS, *ABSENT):
        folder = "usr/sbin" if command in IN_SBIN else "usr/bin"
        (root / folder / command).symlink_to(f"/{HOME}/run")
    local = root / LOCAL.lstrip("/")
    local.parent.mkdir(parents=True, exist_ok=True)
    local.symlink_to(f"{PLACE}/nodes/{name}")
