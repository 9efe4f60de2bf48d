"""The lab's topology as a picture (SVG), drawn from the same values that it is built from."""

from collections.abc import Iterator
from html import escape

from lab.hosts.topology import BACKUP, NODE, REDFISH_PORT, Host, Site, Topology

WIDTH, MARGIN, BOX, ROW, TOP = 960, 30, 280, 76, 150
INK, PAPER, GREY = "#1f2d3d", "#ffffff", "#66758a"
FILLS = {NODE: "#dbe9f8", BACKUP: "#e6f3e1"}
OTHER = "#fbeed6"
TITLES = {NODE: "node: ssh 22, Proxmox VE API 8006", BACKUP: "backup server: ssh 22"}


def picture(topology: Topology) -> str:
    """The SVG document of a topology: sites side by side, links between them, the way out above."""
    places = {site.name: _left(topology, site) for site in topology.sites}
    height = max(_bottom(site) for site in topology.sites) + 40 * len(topology.links) + MARGIN
    body = [
        *_controller(topology, places),
        *(line for site in topology.sites for line in _site(site, places[site.name])),
        *_links(topology, places),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'font-family="sans-serif" font-size="13" fill="{INK}">'
    )
    title = "<title>The lab: " + escape(", ".join(site.title for site in topology.sites)) + "</title>"
    paper = f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>'
    return "\n".join((head, title, paper, *body, "</svg>", ""))


def _left(topology: Topology, site: Site) -> int:
    gap = (WIDTH - 2 * MARGIN - BOX * len(topology.sites)) // max(1, len(topology.sites) - 1)
    return MARGIN + topology.sites.index(site) * (BOX + gap)


def _bottom(site: Site) -> int:
    return TOP + 70 + ROW * len(site.hosts) + 20 * len(_networks(site)) + 10


def _networks(site: Site) -> tuple[str, ...]:
    """The site's networks, one line each."""
    vlans = (f"vmbr0v{vlan}: {site.prefix}.{vlan}.0/24, guests" for vlan in site.vlans)
    return (f"vmbr0: {site.prefix}.0.0/24, hosts", *vlans, "drill: guests, no way out")


def _controller(topology: Topology, places: dict[str, int]) -> Iterator[str]:
    yield _box(MARGIN, 20, WIDTH - 2 * MARGIN, 50, "#eef1f5")
    yield _text(MARGIN + 15, 42, "This machine: bastide, the API's process, NAT and names", weight="bold")
    yield _text(
        MARGIN + 15, 60, "reaches every site by its own uplink and forwards none to another", fill=GREY
    )
    for site in topology.sites:
        middle = places[site.name] + BOX // 2
        yield _line(middle, 70, middle, TOP)
        yield _text(middle + 8, 115, f"{site.prefix}.255.0/30", fill=GREY)


def _site(site: Site, left: int) -> Iterator[str]:
    yield _box(left, TOP, BOX, _bottom(site) - TOP, "#f7f8fa")
    yield _text(left + 15, TOP + 24, site.title, weight="bold")
    yield _text(left + 15, TOP + 42, f"cluster {site.cluster}" if site.cluster else "no cluster", fill=GREY)
    top = TOP + 56
    for host in site.hosts:
        yield from _host(site, host, left + 15, top)
        top += ROW
    for line in _networks(site):
        top += 20
        yield _text(left + 15, top - 4, line, fill=GREY)


def _host(site: Site, host: Host, left: int, top: int) -> Iterator[str]:
    yield _box(left, top, BOX - 30, ROW - 10, FILLS.get(host.role, OTHER))
    yield _text(left + 10, top + 19, f"{host.name}  {site.address(host)}", weight="bold")
    yield _text(left + 10, top + 37, TITLES.get(host.role, f"{host.role}: ssh 22"), size=11)
    yield _text(
        left + 10, top + 54, f"power switch: {site.controller(host)}, Redfish {REDFISH_PORT}", size=11
    )


def _links(topology: Topology, places: dict[str, int]) -> Iterator[str]:
    lowest = max(_bottom(site) for site in topology.sites)
    for number, link in enumerate(topology.links):
        level = lowest + 25 + 40 * number
        ends = []
        for name in link:
            place = places[name] + BOX // 2 + 20 * (number - 1)
            ends.append(place)
            yield _line(place, _bottom(topology.site(name)), place, level)
        yield _line(ends[0], level, ends[1], level)
        words = f"{link[0]} to {link[1]}: {topology.link_network(link)}.0/30"
        yield _text(max(ends) - 8, level - 6, words, fill=GREY, anchor="end")


def _box(left: int, top: int, width: int, height: int, fill: str) -> str:
    return (
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="6" fill="{fill}" stroke="{INK}"/>'
    )


def _line(x1: int, y1: int, x2: int, y2: int) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{INK}" stroke-width="2"/>'


def _text(left: int, top: int, words: str, **style: object) -> str:
    names = {"weight": "font-weight", "size": "font-size", "anchor": "text-anchor"}
    told = "".join(f' {names.get(name, name)}="{value}"' for name, value in style.items())
    return f'<text x="{left}" y="{top}"{told}>{escape(words)}</text>'
