"""The lab's networks: a namespace for each site and each machine, bridges, links, and the way out.

    this machine --blab-SITE-- [site: vmbr0, vmbr0v20, …, drill] --v-NAME-- [machine: eth0]
                                  `--wan-OTHER-- [other site]

A site's namespace is its router. This machine reaches every site over an uplink of its own, so a cut link
between sites never cuts off who looks on; it never forwards from one uplink to another, so a cut never heals
itself by that way.
"""

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from lab.hosts import kernel, names
from lab.hosts.shell import CommandFailed, run, succeeds
from lab.hosts.topology import DRILL, Site, Topology

# Else a bridge takes the lowest address of its ports, and changes it as machines come and go: then what its
# neighbours send is lost until they have asked anew.
BRIDGE_MAC = "02:ba:57:1d:e0:01"
LONGEST_LINK = 15  # IFNAMSIZ less its end
CARDS = 32  # a guest of Proxmox VE has net0 to net31


def netns_of_site(site: str) -> str:
    """The network namespace of a site."""
    return names.links() + site


def netns_of(machine: str) -> str:
    """The network namespace of a machine."""
    return f"{names.links()}m-{machine}"


def netns_path(netns: str) -> Path:
    """Where a namespace can be opened."""
    return Path("/run/netns") / netns


def uplink(site: str) -> str:
    """This machine's end of a site's uplink."""
    return (names.links() + site)[:LONGEST_LINK]


def uplink_address(site: str) -> str | None:
    """The address of this machine's end of a site's uplink; None where there is none."""
    try:
        told = run("ip", "-o", "-4", "addr", "show", "dev", uplink(site)).split()
    except CommandFailed:
        return None
    return told[3].partition("/")[0] if told else None


def bridge(vlan: int = 0) -> str:
    """The bridge of a VLAN, as Proxmox VE names it."""
    return f"vmbr0v{vlan}" if vlan else "vmbr0"


def port(machine: str, number: int = 0) -> str:
    """The end of a machine's cable in its site; a long name is told by its hash, which no other has."""
    rest = f"i{number}" if number else ""
    whole = f"v-{machine}{rest}"
    if len(whole) <= LONGEST_LINK:
        return whole
    return f"v-{hashlib.sha256(machine.encode()).hexdigest()[:8]}{rest}"


def _ip(netns: str | None, *lines: str) -> None:
    """Several `ip` commands in one process, in a namespace or here."""
    where = ("-n", netns) if netns else ()
    run("ip", *where, "-batch", "-", stdin="\n".join(lines) + "\n")


def up(topology: Topology) -> None:
    """Make the sites, the links between them, and the way out. Raises CommandFailed."""
    for site in topology.sites:
        _site_up(site)
    for link in topology.links:
        _link_up(topology, link)
    networks = ", ".join(site.network for site in topology.sites)
    ours = names.links() + "*"
    table = f"""
table inet {names.whole()} {{
  chain out {{
    type nat hook postrouting priority srcnat; ip saddr {{ {networks} }} oifname != "{ours}" masquerade;
  }}
  chain between {{ type filter hook forward priority filter; iifname "{ours}" oifname "{ours}" drop; }}
}}
"""
    with kernel.lock():
        run("nft", "-f", "-", stdin=table)
        kernel.prepare()


def _site_up(site: Site) -> None:
    name, up_name, prefix = netns_of_site(site.name), uplink(site.name), site.prefix
    run("ip", "netns", "add", name)
    _ip(
        None,
        f"link add {up_name} type veth peer name uplink netns {name}",
        f"addr add {prefix}.255.1/30 dev {up_name}",
        f"link set {up_name} up",
        f"route add {site.network} via {prefix}.255.2",
    )
    _ip(
        name,
        "link set lo up",
        f"addr add {prefix}.255.2/30 dev uplink",
        "link set uplink up",
        f"route add default via {prefix}.255.1",
        f"link add {DRILL} address {BRIDGE_MAC} type bridge forward_delay 0",
        f"link set {DRILL} up",
    )
    run(*_inside(name), "sysctl", "-qw", "net.ipv4.ip_forward=1")
    for vlan in (0, *site.vlans):
        add_bridge(site, vlan)
    _ip(name, *(f"addr add {site.controller(host)}/24 dev {bridge()}" for host in site.hosts))


def add_bridge(site: Site, vlan: int) -> str:
    """Make a VLAN's bridge and its router's address if they are not there yet; the bridge's name."""
    name, netns = bridge(vlan), netns_of_site(site.name)
    if not succeeds("ip", "-n", netns, "link", "show", name):
        _ip(
            netns,
            f"link add {name} address {BRIDGE_MAC} type bridge forward_delay 0",
            f"addr add {site.router(vlan)}/24 dev {name}",
            f"link set {name} up",
        )
    return name


def carrier(site: Site, name: str, vlan: int) -> str:
    """The bridge of the site that stands for a bridge of its nodes and a VLAN, made if it is not there."""
    if name == "vmbr0":
        return add_bridge(site, vlan)
    alone = f"{name}v{vlan}" if vlan else name
    netns = netns_of_site(site.name)
    if not succeeds("ip", "-n", netns, "link", "show", alone):
        _ip(
            netns,
            f"link add {alone} address {BRIDGE_MAC} type bridge forward_delay 0",
            f"link set {alone} up",
        )
    return alone


def remove_bridges(site: Site) -> None:
    """Take away every bridge that `carrier` made."""
    netns = netns_of_site(site.name)
    kept = {DRILL, *(bridge(vlan) for vlan in (0, *site.vlans))}
    listed = run("ip", "-o", "-n", netns, "link", "show", "type", "bridge").splitlines()
    for name in {line.split()[1].rstrip(":") for line in listed} - kept:
        _ip(netns, f"link del {name}")


def _link_up(topology: Topology, link: tuple[str, str]) -> None:
    here, there = topology.site(link[0]), topology.site(link[1])
    net = topology.link_network(link)
    ends = ((here, there, 1, 2), (there, here, 2, 1))
    _ip(
        netns_of_site(here.name),
        f"link add {wan(there.name)} type veth peer name {wan(here.name)} netns {netns_of_site(there.name)}",
    )
    for site, other, own, far in ends:
        _ip(
            netns_of_site(site.name),
            f"addr add {net}.{own}/30 dev {wan(other.name)}",
            f"link set {wan(other.name)} up",
            f"route add {other.network} via {net}.{far}",
        )


def wan(other: str) -> str:
    """A site's end of the link to another."""
    return ("wan-" + other)[:LONGEST_LINK]


def plug(machine: str, site: str, cards: Iterable[tuple[str, str, str | None]]) -> None:
    """Give a machine a namespace and its network cards: `(card, bridge, MAC or None)` each."""
    netns = netns_of(machine)
    run("ip", "netns", "add", netns)
    _ip(netns, "link set lo up")
    for number, (card, to, mac) in enumerate(cards):
        end = port(machine, number)
        address = f"address {mac} " if mac else ""
        _ip(
            netns_of_site(site),
            f"link add {end} type veth peer name {card} {address}netns {netns}",
            f"link set {end} master {to} up",
            # Or the router writes to the card that had the machine's address before, for up to a minute.
            f"neigh flush dev {to}",
        )
    run(*_inside(netns), "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")


def unplug(machine: str, site: str) -> None:
    """Take a machine's cards and namespace away; nothing happens when they are gone."""
    for end in _ports(machine, site):
        with suppress(CommandFailed):
            _ip(netns_of_site(site), f"link del {end}")
    with suppress(CommandFailed):
        run("ip", "netns", "del", netns_of(machine))


def _ports(machine: str, site: str) -> tuple[str, ...]:
    ends = {port(machine, number) for number in range(CARDS)}
    try:
        listed = run("ip", "-o", "-n", netns_of_site(site), "link", "show")
    except CommandFailed:
        return ()
    return tuple(name for line in listed.splitlines() if (name := line.split()[1].partition("@")[0]) in ends)


def _inside(netns: str) -> tuple[str, ...]:
    return ("nsenter", f"--net={netns_path(netns)}")


def cut(site: str, other: str = "") -> None:
    """Drop, silently, everything on a site's link to another site, or on all its links."""
    link = wan(other) if other else "wan-*"
    rules = (f'iifname "{link}" drop', f'oifname "{link}" drop')
    chains = (
        "chain passing { type filter hook forward priority -10; " + "; ".join(rules) + "; }",
        "chain entering { type filter hook input priority -10; " + rules[0] + "; }",
        "chain leaving { type filter hook output priority -10; " + rules[1] + "; }",
    )
    table = "\n".join((f"table inet {_cut_table(other)} {{", *chains, "}", ""))
    run(*_inside(netns_of_site(site)), "nft", "-f", "-", stdin=table)


def heal(site: str, other: str = "") -> None:
    """Take a cut back."""
    run(*_inside(netns_of_site(site)), "nft", "delete", "table", "inet", _cut_table(other))


def cuts(site: str) -> tuple[str, ...]:
    """What is cut at a site: the other sites, "" for all at once."""
    listed = run(*_inside(netns_of_site(site)), "nft", "list", "tables")
    tables = (line.split()[-1] for line in listed.splitlines())
    return tuple(table.removeprefix("cut").removeprefix("-") for table in tables if table.startswith("cut"))


def _cut_table(other: str) -> str:
    return f"cut-{other}" if other else "cut"


def leftovers() -> tuple[str, ...]:
    """What of the lab's networks is on this machine: namespaces, links, tables."""
    spaces = [f"network namespace {name}" for name in _namespaces()]
    links = [f"link {name}" for name in _links()]
    tables = [f"nft table {name}" for name in _tables() if name == names.whole()]
    return (*spaces, *links, *tables)


def down() -> None:
    """Remove all networks of the lab, whatever is left of them."""
    for name in _links():
        with suppress(CommandFailed):  # its other end went first
            run("ip", "link", "del", name)
    for name in _namespaces():
        run("ip", "netns", "del", name)
    with kernel.lock():
        with suppress(CommandFailed):
            run("nft", "delete", "table", "inet", names.whole())
        if not _tables():
            kernel.restore()


def _tables() -> tuple[str, ...]:
    """The tables of this lab and of the others on this machine."""
    listed = (line.split()[-1] for line in run("nft", "list", "tables", "inet").splitlines())
    return tuple(name for name in listed if name.startswith("bastide-"))


def _namespaces() -> tuple[str, ...]:
    listed = (line.split()[0] for line in run("ip", "netns", "list").splitlines() if line.strip())
    return tuple(name for name in listed if name.startswith(names.links()))


def _links() -> tuple[str, ...]:
    listed = (line.split()[1].split("@")[0].rstrip(":") for line in run("ip", "-o", "link").splitlines())
    return tuple(name for name in listed if name.startswith(names.links()))


def collisions(topology: Topology) -> tuple[str, ...]:
    """Addresses and routes of this machine that the lab's networks would hide."""
    taken = run("ip", "-o", "-4", "route", "show", "table", "all").splitlines()
    marks = tuple(f"{site.prefix}." for site in topology.sites)
    return tuple(
        f"this machine already has a route: {line.strip()}"
        for line in taken
        if re.sub(r"^(local|broadcast|unicast|blackhole|unreachable|prohibit|throw) ", "", line).startswith(
            marks
        )
        and names.links() not in line
    )
