"""`bastide lab`: two sites on this machine, up, broken on demand, and down again. Parse, one call, print.

The command line loads this group only when it is asked for; the rest of the lab is loaded by the commands, so
that `--help` works where the lab's own dependencies are not installed.
"""

import asyncio
import functools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from lab.errors import LabError, LabRefused
from lab.load_command import load
from lab.spoken import spoken

P = ParamSpec("P")
R = TypeVar("R")

SIMULATED = "Simulated: no guest runs and no disk holds bytes; only the Proxmox VE API answers."
MACHINES = (
    "A lab: hosts and guests are Debian system containers on one kernel; the Proxmox VE API is simulated."
)


def _folder_option(command: Callable[P, R]) -> Callable[P, R]:
    return click.option(
        "--dir",
        "folder",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where the lab keeps its state [default: $BASTIDE_LAB_DIR, else ./.lab].",
    )(command)


def _chosen(folder: Path | None) -> Path:
    return (folder or Path(os.environ.get("BASTIDE_LAB_DIR") or ".lab")).absolute()


@click.group()
def lab() -> None:
    """Two sites on this machine, to try things on: real Debian hosts as root, else their API alone."""


lab.add_command(load)


@lab.command()
@_folder_option
@click.option(
    "--pve", type=click.Choice(["8", "9"]), default="9", show_default=True, help="Proxmox VE release."
)
@click.option("--time-scale", type=click.FloatRange(0), default=0.1, show_default=True,
              help="Real seconds a Proxmox second takes; 0 ends tasks at once.")  # fmt: skip
@click.option("--api-only", is_flag=True, help="No machines: simulated clusters on loopback; needs no root.")
@click.option("--port", type=click.IntRange(1024, 65000), default=18006, show_default=True,
              help="First of the nodes' ports on 127.0.0.1, with --api-only.")  # fmt: skip
@click.option("--foreground", is_flag=True, help="Stay here until Ctrl-C, with --api-only.")
@spoken
def up(folder: Path | None, pve: str, time_scale: float, *, api_only: bool, **how: Any) -> None:
    """Start the lab, and wait until it answers."""
    if api_only:
        _up_api(_chosen(folder), int(pve), time_scale, **how)
        return
    from lab import ssh_config  # noqa: PLC0415  # see the module's docstring
    from lab.hosts import lifecycle, topology, whose  # noqa: PLC0415

    whose.check_none()
    where, wish = _chosen(folder), lifecycle.Wish(int(pve), time_scale)
    running = lifecycle.up(wish, where, functools.partial(click.echo, err=True))
    places = topology.standard(wish.pve_major).places()
    file = ssh_config.write(where, {host.name: (site.address(host), 22) for site, host in places})
    _introduce(running, where)
    click.echo(f"SSH: ssh -F {file} {places[0][1].name}, or root@ADDRESS for a guest")


def _up_api(where: Path, pve_major: int, time_scale: float, *, port: int, foreground: bool) -> None:
    from lab.background import running_in, up  # noqa: PLC0415  # see the module's docstring
    from lab.spec import LabSpec  # noqa: PLC0415

    plan = LabSpec.default()
    sites = tuple(replace(site, pve_major=pve_major) for site in plan.sites)
    plan = replace(plan, sites=sites, time_scale=time_scale, port=port)
    there = running_in(where)
    if there:
        _introduce(there, where)
        raise LabRefused(f"The lab is already up (process {there.pid}).", "Stop it with: bastide lab down")
    if foreground:
        _stay(plan, where)
        return
    _introduce(up(plan, where), where)


def _stay(plan: Any, where: Path) -> None:
    from lab.__main__ import live  # noqa: PLC0415  # see the module's docstring
    from lab.server import Lab  # noqa: PLC0415  # see the module's docstring

    where.mkdir(parents=True, exist_ok=True)
    click.echo(f"{SIMULATED}\nThe lab runs in {where}; Ctrl-C ends it.", err=True)

    async def stay() -> None:
        await live(Lab(plan, where))

    asyncio.run(stay())


def _introduce(running: Any, where: Path) -> None:
    for site in running.sites.values():
        click.echo(f"{site.name}: cluster {site.cluster}, Proxmox VE {site.version}")
        for node, url in site.nodes.items():
            click.echo(f"  {node:<12} {url}")
        click.echo(f"  API token in {where / (site.name + '.token')}")
    click.echo(f"CA certificate: {running.cafile}")
    click.echo(f"Passwords and tokens: {where / 'credentials.json'}")
    click.echo(MACHINES if running.machines else SIMULATED)


@lab.command()
@_folder_option
@spoken
def down(folder: Path | None) -> None:
    """Stop the lab. Machines and their disks go; the API alone keeps what it holds for the next time."""
    from lab.background import down, running_in  # noqa: PLC0415  # see the module's docstring
    from lab.hosts import lifecycle, whose  # noqa: PLC0415

    there = running_in(_chosen(folder))
    if (there is None or there.machines) and lifecycle.is_there():
        whose.check(_chosen(folder))
        lifecycle.down()
        click.echo("The lab is down; nothing of it is left on this machine but the cache of its images.")
        return
    pid = down(_chosen(folder))
    click.echo(f"The lab (process {pid}) is down; its state stays in {_chosen(folder)}.")


@lab.command()
@spoken
def clean() -> None:
    """Remove what a crash or a reboot left of the machines of a lab."""
    from lab.hosts import cleanup, lifecycle, names  # noqa: PLC0415  # see the module's docstring

    if os.geteuid() != 0:
        raise LabRefused("What a lab of real hosts left is removed by root alone.", "Nothing was removed.")
    for line in cleanup.leftovers(names.folder()):
        click.echo(f"removing {line}")
    lifecycle.down()


@lab.command()
@_folder_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@spoken
def status(folder: Path | None, *, as_json: bool) -> None:
    """Say what the lab simulates and how it is now."""
    if as_json and _found(folder) is None:
        click.echo(json.dumps({"up": False, "simulated": SIMULATED, "sites": {}}, indent=2))
        return
    there = _running(folder)
    sites, what = there.control.status(), MACHINES if there.machines else SIMULATED
    if as_json:
        click.echo(json.dumps({"up": True, "simulated": what, "sites": sites}, indent=2))
        return
    for name, site in sites.items():
        for line in _cluster_lines(name, site) if "cluster" in site else (f"{name}: no cluster",):
            click.echo(line)
        for line in _machine_lines(site):
            click.echo("  " + line)
        for fault in site["faults"]:
            click.echo(f"  fault {_described(fault)}")
    click.echo(what)


def _cluster_lines(name: str, site: dict[str, Any]) -> Iterator[str]:
    """What is said of a site that has a cluster."""
    quorum = "quorate" if site["quorate"] else "NO QUORUM"
    yield f"{name}: cluster {site['cluster']}, Proxmox VE {site['version']}, {quorum}"
    if site["lost_votes"]:
        yield "  the witness's vote is LOST"
    for node, url in site["nodes"].items():
        yield f"  {node:<12} {url}  {'answers' if node in site['listening'] else 'DOWN'}"
    yield f"  {site['vms']} VMs, {site['containers']} containers, {site['writes']} writes received"


def _machine_lines(site: dict[str, Any]) -> Iterator[str]:
    """What is said of the machines of a site of real hosts."""
    for name, one in site.get("machines", {}).items():
        power = "up" if one["running"] else "NO POWER"
        yield f"{one['role']:<8} {name:<16} root@{one['address']:<14} {power:<9} {one['redfish']}"
    for one in site.get("guests", ()):
        if one["running"]:
            yield f"guest    {one['name']:<16} root@{one['address'] or '?':<14} on {one['node']}"
    for other in site.get("cuts", ()):
        yield f"link to {other or 'every site'} is cut"


@lab.command()
@_folder_option
@click.argument("name", required=False)
@click.option("--site", help="Site that the fault strikes.")
@click.option("--node", help="Only this node, or the host that is struck.")
@click.option("--guest", type=int, help="Only this guest.")
@click.option("--match", help='Shell pattern on "METHOD /path" or a task type; or what is struck.')
@click.option("--times", type=click.IntRange(1), help="Strike so many times, then no more.")
@click.option("--seconds", type=float, help="How slow `slow` is, how wrong the clock of `clock-skew`.")
@click.option("--message", help="The error's text, for `task-fail` and `error`.")
@click.option("--list", "listing", is_flag=True, help="List the faults in force.")
@click.option("--lift", is_flag=True, help="Lift the named fault, or all of them.")
@spoken
def fault(folder: Path | None, name: str | None, *, listing: bool, lift: bool, **how: Any) -> None:
    """Break something at a site, see what is broken, or mend it.

    NAME is one of lock, no-quorum, node-down, site-down, slow, drop-connection, error, task-fail, task-warn,
    task-endless, ticket-expired, token-revoked; with real hosts also link-cut (--match SITE, else all links),
    link-restore, disk-full, bit-rot (--match /FILE), clock-skew (--seconds), service-kill (--match UNIT).
    """
    control = _running(folder).control
    if name == "link-restore":
        name, lift = "link-cut", True
    if lift:
        click.echo(f"{control.lift(name=name, site=how['site'])} lifted")
    elif listing or not name:
        for one in control.faults():
            click.echo(f"{one['site']}: {_described(one)}")
    elif not how["site"]:
        raise click.UsageError(f"say at which site: --site NAME ({', '.join(control.status())})")
    else:
        given = {key: value for key, value in how.items() if value is not None and key != "site"}
        number = control.fault(name, how["site"], **given)
        lasts = any(one["id"] == number and one["site"] == how["site"] for one in control.faults())
        click.echo(f"fault {number} " + ("is in force" if lasts else "has struck"))


def _found(folder: Path | None) -> Any:
    from lab.background import running_in  # noqa: PLC0415  # see the module's docstring

    return running_in(_chosen(folder))


def _running(folder: Path | None) -> Any:
    found = _found(folder)
    if found is None:
        raise LabError(f"No lab is up in {_chosen(folder)}.", "Start one with: bastide lab up")
    return found


def _described(fault: dict[str, Any]) -> str:
    aims = {key: fault[key] for key in ("node", "guest", "match") if fault[key] is not None}
    where = " ".join(f"{key} {value}" for key, value in aims.items())
    left = "until lifted" if fault["times"] is None else f"{fault['times']} more"
    return " ".join(f"{fault['id']}: {fault['name']} {where} ({left})".split())
