"""Names inside the lab: a dnsmasq at each site's router, for the lab's machines and the world beyond."""

from pathlib import Path

from lab.hosts import cgroups, network
from lab.hosts.machines import Plant

# Where the nameservers stand that this machine uses; systemd-resolved's own stub answers only itself.
RESOLVERS = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))


def start(plant: Plant, site: str) -> None:
    """Answer names at a site's router."""
    plant.names.mkdir(parents=True, exist_ok=True)
    upstream = next((file for file in RESOLVERS if file.exists()), RESOLVERS[-1])
    command = (
        *("nsenter", f"--net={network.netns_path(network.netns_of_site(site))}", "dnsmasq"),
        *("--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--no-hosts", "--user=root"),
        *("--bind-dynamic", "--domain-needed", "--local=/lab/", f"--hostsdir={plant.names}"),
        f"--resolv-file={upstream}",
    )
    cgroups.spawn(f"dns-{site}", command, plant.log(f"dns-{site}"))
