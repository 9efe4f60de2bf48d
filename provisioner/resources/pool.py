"""Resource pools (PVE::API2::Pool). A guest joins a pool as an attribute of the guest."""

from __future__ import annotations

from provisioner.model.estate import Estate
from provisioner.model.objects import (
    Call,
    Desired,
    Mark,
    Observed,
    Ref,
    Traits,
    Work,
    read_mark,
    with_mark,
)
from provisioner.resources.kind import Answers, Fragment, Kind, Scope, whole_list

TRAITS = Traits(
    kind="pool",
    title="resource pool",
    rank=20,
    audit=(("/pool", "Pool.Audit"),),
    owned=("storages",),
)
LANES = ("file-user_cfg",)


def reads(_scope: Scope) -> tuple[str, ...]:
    """The list of pools, without their members."""
    return ("/pools",)


def details(scope: Scope, answers: Answers) -> dict[str, Ref]:
    """Members are told pool by pool; those of pools that are wanted or ours matter."""
    rows = ((Ref(scope.site, "pool", row["poolid"]), row) for row in answers.get("/pools", ()))
    return {f"/pools/{ref.id}": ref for ref, row in rows if scope.concerns(ref, row.get("comment"))}


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """Pools with their comment and storages."""
    found = []
    for row in answers.get("/pools", ()):
        comment, mark = read_mark(row.get("comment"), scope.mark)
        members = answers.get(f"/pools/{row['poolid']}", {}).get("members", ())
        storages = sorted(member["storage"] for member in members if member["type"] == "storage")
        found.append(
            Observed(
                ref=Ref(scope.site, "pool", row["poolid"]),
                label=row["poolid"],
                attributes={"comment": comment, "storages": tuple(storages)},
                mark=mark,
            )
        )
    return tuple(found)


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The pools of a site."""
    return tuple(
        Desired(
            ref=Ref(site, "pool", name),
            label=name,
            attributes={"comment": pool.comment, "storages": tuple(sorted(pool.storages))},
            requires=frozenset(Ref(site, "storage", storage) for storage in pool.storages),
        )
        for name, pool in estate.sites[site].pools.items()
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a pool; storages join and leave one call each way."""
    if work.desired is None:
        return _remove(work)
    pool, comment = work.desired.ref.id, str(work.desired.attributes["comment"])
    if work.observed is None:
        return (
            Call("POST", "/pools", {"poolid": pool, "comment": with_mark(comment, work.mark)}, lanes=LANES),
        )
    made: list[Call] = []
    if "comment" in work.changed:
        text = with_mark(comment, work.mark) if work.observed.mark is not Mark.NONE else comment
        made.append(_put(pool, {"comment": text}))
    wanted, held = _storages(work.desired), _storages(work.observed)
    if wanted - held:
        made.append(_put(pool, {"storage": ",".join(sorted(wanted - held))}))
    if held - wanted:
        made.append(_put(pool, {"storage": ",".join(sorted(held - wanted)), "delete": 1}))
    return tuple(made)


def _remove(work: Work) -> tuple[Call, ...]:
    if work.observed is None:
        return ()
    pool, held = work.observed.ref.id, _storages(work.observed)
    leave = (_put(pool, {"storage": ",".join(sorted(held)), "delete": 1}),) if held else ()
    return (*leave, Call("DELETE", "/pools", {"poolid": pool}, lanes=LANES))


def _put(pool: str, params: dict[str, str | int]) -> Call:
    return Call("PUT", "/pools", {"poolid": pool, **params}, lanes=LANES)


def _storages(pool: Desired | Observed) -> frozenset[str]:
    value = pool.attributes["storages"]
    return frozenset(str(storage) for storage in value) if isinstance(value, tuple) else frozenset()


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `pools` of a site."""
    pools = {
        pool.ref.id: {key: list(v) if isinstance(v, tuple) else v for key, v in pool.attributes.items() if v}
        for pool in seen
    }
    return {"pools": pools} if pools else {}


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
