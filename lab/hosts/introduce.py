"""Root of each node of a cluster gets in on the others, as Proxmox VE sets it up when a node joins.

There the files of these names lead into /etc/pve/priv (PVE/Cluster/Setup.pm); here they are files.
"""

from collections.abc import Mapping

from lab.hosts import host
from lab.hosts.machines import Plant
from lab.hosts.shell import run
from lab.hosts.topology import Site


def introduce(plant: Plant, site: Site, host_keys: Mapping[str, str], owner: str) -> None:
    """Give each node a key of root's that opens all, and the host keys of all, by name and address.

    `host_keys` are public keys by the node's name; `owner` is the public key that opens every machine.
    """
    roots = {node.name: plant.machine(site, node).root for node in site.nodes}
    keys = [owner]
    for name, root in roots.items():
        file = root / "root/.ssh/id_ed25519"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"root@{name}", "-f", str(file))
        keys.append(file.with_suffix(".pub").read_text(encoding="utf-8").strip())
    known = "".join(f"{node.name},{site.address(node)} {host_keys[node.name]}\n" for node in site.nodes)
    for root in roots.values():
        host.authorise(root, "\n".join(keys))
        (root / "etc/ssh/ssh_known_hosts").write_text(known, encoding="utf-8")
