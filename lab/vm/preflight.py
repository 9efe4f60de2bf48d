"""What a virtual machine needs of this machine."""

import os
import platform
import shutil

from lab.errors import LabRefused

PACKAGES = {
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "ssh": "openssh-client",
    "setsid": "util-linux",
}


def check() -> None:
    """Raise LabRefused with what is missing."""
    if os.geteuid() != 0:
        raise LabRefused("a virtual machine of the lab needs root, to build its disk from Debian's packages")
    if platform.machine() != "x86_64":
        raise LabRefused(f"the lab's virtual machine is x86-64, and this machine is {platform.machine()}")
    missing = [package for command, package in PACKAGES.items() if shutil.which(command) is None]
    if missing:
        wanted = " ".join(missing)
        raise LabRefused(f"not installed: {wanted}", f"apt-get install --no-install-recommends {wanted}")
