"""How one gets into the lab's machines: one key, and the host keys of all, known before the first visit."""

import threading
from pathlib import Path

from lab.hosts.shell import run
from lab.pki import write_private

# Guests of all sites are made at once, by threads of one process.
_one_writer = threading.Lock()


class Access:
    """The folder with `id_ed25519`, `id_ed25519.pub` and `known_hosts`."""

    def __init__(self, folder: Path) -> None:
        self.key = folder / "id_ed25519"
        self.known_hosts = folder / "known_hosts"

    def ensure(self) -> str:
        """Make the key unless it is there, and forget all hosts; the public key."""
        self.key.parent.mkdir(parents=True, exist_ok=True)
        if not self.key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bastide-lab", "-f", self.key)
        write_private(self.known_hosts, b"")
        return self.public_key

    @property
    def public_key(self) -> str:
        """The key that every machine lets in."""
        return self.key.with_suffix(".pub").read_text(encoding="utf-8").strip()

    def pin(self, host_key: str, *names: str) -> None:
        """Remember a host's key under its names and addresses, instead of what was known of them."""
        kind, key, *_ = host_key.split()
        with _one_writer:
            lines = self.known_hosts.read_text(encoding="utf-8").splitlines()
            others = [line for line in lines if not set(line.split()[0].split(",")) & set(names)]
            text = "\n".join([*others, f"{','.join(names)} {kind} {key}", ""])
            write_private(self.known_hosts, text.encode())

    def ssh(self, address: str, *, user: str = "root") -> tuple[str, ...]:
        """The command that opens a session on a host; append what to run there."""
        return (
            *("ssh", "-i", str(self.key), "-o", f"UserKnownHostsFile={self.known_hosts}"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"),
            *("-o", "LogLevel=ERROR", f"{user}@{address}"),
        )
