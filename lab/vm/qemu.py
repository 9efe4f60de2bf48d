"""QEMU's command line, and whether the processor can help it."""

import os
from dataclasses import dataclass
from pathlib import Path

from lab.hosts import names
from lab.vm.disk import PARAMETERS, Image

SNAPSHOT = "booted"
MEMORY_MIB = 1024
LIBRARIES = "usr/lib/x86_64-linux-gnu"
# Threads for each processor, and a large store of translated code: what counts where QEMU translates.
TRANSLATED = ("-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max")
NATIVE = ("-accel", "kvm", "-cpu", "host")


@dataclass(frozen=True, slots=True)
class Wiring:
    """A machine as QEMU sees it: its name, the folder of its files, its port on loopback."""

    name: str
    folder: Path
    port: int

    @property
    def disk(self) -> Path:
        """What it writes, on top of the image."""
        return self.folder / "disk.qcow2"

    @property
    def monitor(self) -> Path:
        """The socket on which QEMU takes commands."""
        return self.folder / "monitor"

    @property
    def logs(self) -> tuple[Path, Path]:
        """What QEMU said, and what the machine wrote on its console."""
        return self.folder / "qemu.log", self.folder / "console.log"


def qemu_name(name: str) -> str:
    """What QEMU calls a machine of this lab, by which it is found."""
    return names.machine(f"vm-{name}")


def img(image: Image) -> tuple[str, ...]:
    """The command `qemu-img` of an image's QEMU."""
    return _program(image, "qemu-img")


def system(image: Image, wiring: Wiring) -> tuple[str, ...]:
    """The command that runs a machine; it stays in the foreground."""
    folder = image.qemu / "usr/share"
    return (
        *(*_program(image, "qemu-system-x86_64"), "-L", f"{folder}/seabios", "-L", f"{folder}/qemu"),
        *("-name", qemu_name(wiring.name), "-machine", "q35", *(NATIVE if has_kvm() else TRANSLATED)),
        *("-m", str(MEMORY_MIB), "-smp", "2", "-nodefaults", "-no-user-config", "-display", "none"),
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", PARAMETERS),
        *("-drive", f"file={wiring.disk},if=virtio,format=qcow2,cache=unsafe"),
        *("-nic", f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{wiring.port}-:22"),
        *("-device", "virtio-rng-pci", "-serial", f"file:{wiring.logs[1]}"),
        *("-qmp", f"unix:{wiring.monitor},server,nowait"),
    )


def has_kvm() -> bool:
    """Whether the processor says that it virtualises; a /dev/kvm alone may be an emulation that fails."""
    flags = set(
        Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("flags")[2].partition("\n")[0].split()
    )
    return bool(flags & {"vmx", "svm"}) and os.access("/dev/kvm", os.R_OK | os.W_OK)


def _program(image: Image, name: str) -> tuple[str, ...]:
    """A program of the unpacked Debian, with that Debian's loader and libraries."""
    root = image.qemu
    return (
        f"{root}/usr/lib64/ld-linux-x86-64.so.2",
        "--library-path",
        f"{root}/{LIBRARIES}",
        f"{root}/usr/bin/{name}",
    )
