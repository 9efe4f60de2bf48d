"""Security groups: named lists of firewall rules (PVE::API2::Firewall::Groups)."""

from __future__ import annotations

from typing import Any

from provisioner.model.estate import Estate
from provisioner.model.objects import Call, Desired, Mark, Observed, Ref, Traits, Work, read_mark, with_mark
from provisioner.resources.firewall_names import addresses_of
from provisioner.resources.kind import Answers, Fragment, Kind, Scope, whole_list
from provisioner.resources.rule_list import digest_of, read_rules, rule_calls
from provisioner.resources.rule_text import rules_in_words, texts_of

TRAITS = Traits(kind="security_group", title="security group", rank=14, delicate=True)
PATH = "/cluster/firewall/groups"
LANES = ("firewall-cluster",)


def reads(_scope: Scope) -> tuple[str, ...]:
    """The list of groups, without their rules."""
    return (PATH,)


def details(scope: Scope, answers: Answers) -> dict[str, Ref]:
    """The rules of groups that are wanted or ours."""
    rows = ((Ref(scope.site, "security_group", row["group"]), row) for row in answers.get(PATH, ()))
    return {f"{PATH}/{ref.id}": ref for ref, row in rows if scope.concerns(ref, row.get("comment"))}


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """Groups whose rules were read."""
    return tuple(
        _observed(scope, row, answers[rules])
        for row in answers.get(PATH, ())
        if (rules := f"{PATH}/{row['group']}") in answers
    )


def _observed(scope: Scope, row: dict[str, Any], rules: list[dict[str, Any]]) -> Observed:
    comment, mark = read_mark(row.get("comment"), scope.mark)
    return Observed(
        ref=Ref(scope.site, "security_group", row["group"]),
        label=row["group"],
        attributes={"comment": comment, "rules": read_rules(rules)},
        mark=mark,
        digest=digest_of(rules),
    )


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The security groups of a site."""
    firewall = estate.sites[site].firewall
    return tuple(
        Desired(
            ref=Ref(site, "security_group", name),
            label=name,
            attributes={"comment": group.comment, "rules": texts_of(group.rules)},
            requires=addresses_of(site, firewall),
        )
        for name, group in (firewall.groups if firewall else {}).items()
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a group; only an empty one can be removed."""
    seen = work.observed
    if work.desired is None:
        return _remove(seen) if seen else ()
    name, comment = work.desired.ref.id, str(work.desired.attributes["comment"])
    rules = work.desired.attributes["rules"]
    if seen is None:
        made = {"group": name, "comment": with_mark(comment, work.mark)}
        return (Call("POST", PATH, made, lanes=LANES), *rule_calls(f"{PATH}/{name}", (), rules))
    text = with_mark(comment, work.mark) if seen.mark is not Mark.NONE else comment
    renamed = {"group": name, "rename": name, "comment": text}  # the way to change a comment
    return (
        *rule_calls(f"{PATH}/{name}", seen.attributes["rules"], rules, digest=seen.digest),
        *((Call("POST", PATH, renamed, lanes=LANES),) if "comment" in work.changed else ()),
    )


def _remove(seen: Observed) -> tuple[Call, ...]:
    path = f"{PATH}/{seen.ref.id}"
    emptied = rule_calls(path, seen.attributes["rules"], (), digest=seen.digest)
    return (*emptied, Call("DELETE", path, lanes=LANES))


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `firewall.groups` of a site."""
    groups = {group.ref.id: _described(group) for group in seen}
    return {"firewall": {"groups": groups}} if groups else {}


def _described(group: Observed) -> dict[str, Any]:
    told = {"comment": group.attributes["comment"], "rules": rules_in_words(group.attributes["rules"])}
    return {key: value for key, value in told.items() if value}


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
