"""IP sets of the cluster's firewall (PVE::API2::Firewall::IPSet).

A member is one text, as in Proxmox VE's own file: `10.84.0.0/24 # servers`, `! 10.84.0.7` for an exception.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

from provisioner.model.estate import Estate
from provisioner.model.firewall import IpSetEntry
from provisioner.model.objects import (
    Call,
    Desired,
    Mark,
    Observed,
    Ref,
    Traits,
    Value,
    Work,
    read_mark,
    with_mark,
)
from provisioner.resources.kind import Answers, Fragment, Kind, Scope, whole_list

TRAITS = Traits(kind="ipset", title="IP set", rank=13, delicate=True)
PATH = "/cluster/firewall/ipset"
LANES = ("firewall-cluster",)


def reads(_scope: Scope) -> tuple[str, ...]:
    """The list of sets, without their members."""
    return (PATH,)


def details(scope: Scope, answers: Answers) -> dict[str, Ref]:
    """The members of sets that are wanted or ours."""
    rows = ((Ref(scope.site, "ipset", row["name"]), row) for row in answers.get(PATH, ()))
    return {f"{PATH}/{ref.id}": ref for ref, row in rows if scope.concerns(ref, row.get("comment"))}


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """Sets whose members were read."""
    return tuple(
        _observed(scope, row, answers[members])
        for row in answers.get(PATH, ())
        if (members := f"{PATH}/{row['name']}") in answers
    )


def _observed(scope: Scope, row: dict[str, Any], members: list[dict[str, Any]]) -> Observed:
    comment, mark = read_mark(row.get("comment"), scope.mark)
    entries = sorted(
        _text(member["cidr"], bool(int(member.get("nomatch") or 0)), member.get("comment") or "")
        for member in members
    )
    return Observed(
        ref=Ref(scope.site, "ipset", row["name"]),
        label=row["name"],
        attributes={"comment": comment, "entries": tuple(entries)},
        mark=mark,
        digest=row.get("digest") or "",
    )


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The IP sets of a site; they may name any alias of it."""
    firewall = estate.sites[site].firewall
    if firewall is None:
        return ()
    aliases = frozenset(Ref(site, "alias", name) for name in firewall.aliases)
    return tuple(
        Desired(
            ref=Ref(site, "ipset", name),
            label=name,
            attributes={"comment": ipset.comment, "entries": tuple(sorted(map(_entry, ipset.entries)))},
            requires=aliases,
        )
        for name, ipset in firewall.ipsets.items()
    )


def _entry(entry: IpSetEntry) -> str:
    return _text(entry.cidr, entry.nomatch, entry.comment)


def _text(cidr: str, nomatch: bool, comment: str) -> str:  # noqa: FBT001 - one member, as the API tells it
    return f"{'! ' * nomatch}{_address(cidr)}{f' # {comment.strip()}' if comment else ''}"


def _address(cidr: str) -> str:
    """As Proxmox VE stores it: no host bits, no length for a single address; an alias as it is."""
    try:
        network = ip_network(cidr, strict=False)
    except ValueError:
        return cidr
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _member(text: str) -> dict[str, Any]:
    """The parameters of a member."""
    entry, _, comment = text.partition(" # ")
    return {
        "cidr": entry.removeprefix("! "),
        **({"nomatch": 1} if entry.startswith("! ") else {}),
        **({"comment": comment} if comment else {}),
    }


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a set. Members join before others leave, so that nobody is shut out between."""
    if work.desired is None:
        return (_call("DELETE", work.observed.ref.id, {"force": 1}),) if work.observed else ()
    name, comment = work.desired.ref.id, str(work.desired.attributes["comment"])
    wanted = _members(work.desired.attributes["entries"])
    if work.observed is None:
        made = Call("POST", PATH, {"name": name, "comment": with_mark(comment, work.mark)}, lanes=LANES)
        return (made, *(_call("POST", name, wanted[cidr]) for cidr in wanted))
    held = _members(work.observed.attributes["entries"])
    return (*_comment(work, comment), *_joining(name, wanted, held), *_leaving(name, wanted, held))


def _comment(work: Work, comment: str) -> Iterator[Call]:
    """A set is renamed to its own name to change its comment."""
    if work.observed is None or "comment" not in work.changed:
        return
    name, digest = work.observed.ref.id, work.observed.digest
    text = with_mark(comment, work.mark) if work.observed.mark is not Mark.NONE else comment
    params = {"name": name, "rename": name, "comment": text, **({"digest": digest} if digest else {})}
    yield Call("POST", PATH, params, lanes=LANES)


def _members(entries: Value) -> dict[str, dict[str, Any]]:
    members = (_member(str(text)) for text in entries) if isinstance(entries, tuple) else ()
    return {member["cidr"]: member for member in members}


def _joining(name: str, wanted: dict[str, dict[str, Any]], held: dict[str, dict[str, Any]]) -> Iterator[Call]:
    for cidr, member in wanted.items():
        if cidr not in held:
            yield _call("POST", name, member)
        elif member != held[cidr]:
            yield _call("PUT", f"{name}/{cidr}", {"nomatch": 0, "comment": "", **member})


def _leaving(name: str, wanted: dict[str, dict[str, Any]], held: dict[str, dict[str, Any]]) -> Iterator[Call]:
    for cidr in held:
        if cidr not in wanted:
            yield _call("DELETE", f"{name}/{cidr}", {})


def _call(method: str, below: str, params: dict[str, Any]) -> Call:
    """A call on a set or a member; a CIDR keeps its slash in a path, as Proxmox VE takes it."""
    told = {key: value for key, value in params.items() if key != "cidr" or method == "POST"}
    return Call(method, f"{PATH}/{below}", told, lanes=LANES)


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `firewall.ipsets` of a site."""
    ipsets = {one.ref.id: _described(one) for one in seen}
    return {"firewall": {"ipsets": ipsets}} if ipsets else {}


def _described(ipset: Observed) -> dict[str, Any]:
    members = _members(ipset.attributes["entries"]).values()
    entries = [
        member["cidr"]
        if len(member) == 1
        else {**member, **({"nomatch": True} if "nomatch" in member else {})}
        for member in members
    ]
    comment = ipset.attributes["comment"]
    return {**({"comment": comment} if comment else {}), **({"entries": entries} if entries else {})}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    details=details,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=whole_list(reads),
)
