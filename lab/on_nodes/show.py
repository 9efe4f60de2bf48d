"""Answers of the API as Proxmox VE's commands print them."""

import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

PRINTED = "".join(map(chr, range(ord(" "), ord("~") + 1)))
MIB, GIB = 1024**2, 1024**3
Answer = dict[str, Any]
Said = Mapping[str, Any]


def lines(*rows: str) -> str:
    """Rows as text that ends with a line's end, or nothing."""
    return "".join(row.rstrip("\n") + "\n" for row in rows)


def plain(value: Any) -> str:
    """A value in one line: a description's further lines are escaped, as Proxmox VE does."""
    text = str(value)
    return quote(text, safe=PRINTED) if "\n" in text else text


def config(answer: Answer, _said: Said) -> str:
    """`key: value` lines."""
    return lines(*(f"{key}: {plain(answer[key])}" for key in sorted(answer) if key != "digest"))


def status(answer: Answer, said: Said) -> str:
    """The status alone, or everything with --verbose."""
    if said.get("verbose"):
        return lines(*(f"{key}: {plain(answer[key])}" for key in sorted(answer)))
    return lines(f"status: {answer['status']}")


def vms(answer: list[Answer], _said: Said) -> str:
    """`qm list` (PVE/CLI/qm.pm)."""
    form = "{:>10} {:<20} {:<10} {:<10} {:>12} {:<10}"
    rows = [form.format("VMID", "NAME", "STATUS", "MEM(MB)", "BOOTDISK(GB)", "PID")]
    for one in sorted(answer, key=lambda one: int(one["vmid"])):
        disk = f"{one.get('maxdisk', 0) / GIB:.2f}"
        status = one.get("qmpstatus") or one["status"]
        cells = (one["vmid"], one.get("name", ""), status, int(one.get("maxmem", 0)) // MIB, disk)
        rows.append(form.format(*cells, one.get("pid") or 0))
    return lines(*rows) if answer else ""


def containers(answer: list[Answer], _said: Said) -> str:
    """`pct list` (PVE/CLI/pct.pm)."""
    form = "{:<10} {:<10} {:<12} {:<20}"
    rows = [
        form.format(one["vmid"], one["status"], one.get("lock", ""), one.get("name", ""))
        for one in sorted(answer, key=lambda one: int(one["vmid"]))
    ]
    return lines(form.format("VMID", "Status", "Lock", "Name"), *rows) if answer else ""


def pending(answer: list[Answer], _said: Said) -> str:
    """What is, what will be, and what will go (PVE/GuestHelpers.pm, format_pending)."""
    shown = []
    for one in answer:
        key, value, new = one["key"], one.get("value"), one.get("pending")
        if one.get("delete"):
            shown.append(f"del {key}: {plain(value)}" if value is not None else f"del {key}")
        else:
            shown += [f"cur {key}: {plain(value)}"] if value is not None else []
            shown += [f"new {key}: {plain(new)}"] if new is not None else []
    return lines(*shown)


def snapshots(answer: list[Answer], _said: Said) -> str:
    """The snapshots as a tree (PVE/GuestHelpers.pm, print_snapshot_tree)."""
    names = {one["name"] for one in answer}

    def below(parent: str | None) -> list[Answer]:
        found = [
            one for one in answer if (one.get("parent") if one.get("parent") in names else None) == parent
        ]
        return sorted(found, key=lambda one: one.get("snaptime", float("inf")))

    def tree(parent: str | None, prefix: str) -> Iterable[str]:
        for one in below(parent):
            taken = time.strftime("%F %H:%M:%S", time.localtime(one["snaptime"])) if "snaptime" in one else ""
            told = (one.get("description") or "no-description").splitlines()[0]
            yield f"{prefix} {one['name']:<{max(30 - len(prefix), 0)}} {taken:<23} {told}"
            yield from tree(one["name"], "    " + prefix)

    return lines(*tree(None, "`->"))


def storages(answer: list[Answer], _said: Said) -> str:
    """`pvesm status` (PVE/CLI/pvesm.pm)."""
    widest = max([len("Name"), *(len(one["storage"]) for one in answer)])
    titles = ("Name", "Type", "Status", "Total (KiB)", "Used (KiB)", "Available (KiB)", "%")
    form = f"{{:<{widest}}} {{:>10}} {{:>10}} {{:>15}} {{:>15}} {{:>15}} {{:>8}}"
    rows = [form.format(*titles)]
    for one in sorted(answer, key=lambda one: str(one["storage"])):
        active = "active" if one.get("active") else "inactive" if one.get("enabled", 1) else "disabled"
        sizes = [int(one.get(key) or 0) // 1024 for key in ("total", "used", "avail")]
        share = f"{100 * sizes[1] / sizes[0]:.2f}%" if sizes[0] else "N/A"
        rows.append(form.format(one["storage"], one["type"], active, *sizes, share))
    return lines(*rows)


def volumes(answer: list[Answer], _said: Said) -> str:
    """`pvesm list`."""
    widest = max([len("Volid"), *(len(one["volid"]) for one in answer)])
    rows = [f"{'Volid':<{widest}} {'Format':<7} {'Type':<9} {'Size':>10} VMID"]
    for one in sorted(answer, key=lambda one: str(one["volid"])):
        told = f"{one['volid']:<{widest}} {one['format']:<7} {one['content']:<9} {one['size']:>10}"
        rows.append(f"{told} {one.get('vmid', '')}")
    return lines(*rows)


def sections(answer: list[Answer], _said: Said) -> str:
    """A section configuration, as `ha-manager config` prints it."""
    shown: list[str] = []
    for one in sorted(answer, key=lambda one: str(one["sid"])):
        options = {key: value for key, value in one.items() if key not in ("sid", "type", "digest")}
        shown += [one["sid"], *(f"\t{key} {options[key]}" for key in sorted(options)), ""]
    return lines(*shown)


def ha_status(answer: list[Answer], _said: Said) -> str:
    """`ha-manager status`."""
    return lines(*(f"{one['type']} {one['status']}" for one in answer))


def table(answer: Any, _said: Said | None = None) -> str:
    """Any answer in a frame, as pvesh prints it (PVE/CLIFormatter.pm)."""
    if isinstance(answer, dict):
        answer = [{"key": key, "value": answer[key]} for key in sorted(answer)]
    if not isinstance(answer, list):
        return lines(str(answer)) if answer is not None else ""
    if not answer or not isinstance(answer[0], dict):
        return lines(*map(str, answer))
    keys = sorted({key for one in answer for key in one})
    cells = [[plain(one.get(key, "")) for key in keys] for one in answer]
    wide = [max(len(text) for text in column) for column in zip(keys, *cells, strict=True)]

    def rule(left: str, line: str, cross: str, right: str) -> str:
        return left + cross.join(line * (width + 2) for width in wide) + right

    def row(texts: Iterable[str]) -> str:
        return "│" + "│".join(f" {text:<{width}} " for text, width in zip(texts, wide, strict=True)) + "│"

    between = rule("├", "─", "┼", "┤")
    body = [line for one in cells for line in (row(one), between)][:-1]
    head = (rule("┌", "─", "┬", "┐"), row(keys), rule("╞", "═", "╪", "╡"))
    return lines(*head, *body, rule("└", "─", "┴", "┘"))
