"""What a cluster answered about every kind of object but guests, and an estate around what was adopted."""

import copy
from pathlib import Path

import yaml

from lab import contract
from provisioner.decide.diff import change_for
from provisioner.model.estate import Estate
from provisioner.model.objects import Ref, Work, estate_mark
from provisioner.resources.kind import Scope

SITE = "carpentras"
MARK = estate_mark("synergia")
NODES = ("ventoux-1", "ventoux-2")
DIGEST = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
VERSIONS = (9, 8)

ANSWERS = yaml.safe_load(Path(__file__).with_name("cluster_answers.yml").read_text(encoding="utf-8"))
RESOURCES = ANSWERS["both"]["/cluster/resources"]
RULES = ANSWERS["both"]["/cluster/firewall/rules"]
HA = {version: ANSWERS[version] for version in VERSIONS}


def answers(version):
    """The answers of a cluster of a major version."""
    return copy.deepcopy({**ANSWERS["both"], **HA[version]})


def scope(*wanted, version=9, everything=False):
    """What a kind may know of the site."""
    return Scope(SITE, version, MARK, frozenset(wanted), nodes=NODES, everything=everything)


def ref(kind, name):
    """An object of the site."""
    return Ref(SITE, kind, name)


def estate(site=None, guests=None, *, version=9):
    """An estate of one site with two guests, and what a test adds to them."""
    whole = {
        "cluster": "ventoux",
        "version": version,
        "api": {"endpoints": ["https://10.84.0.11:8006"], "token": "root@pam!bastide", "secret": "env:TOKEN"},
        "nodes": {
            name: {"address": f"10.84.0.1{n}", "memory": "64G", "cores": 16}
            for n, name in enumerate(NODES, 1)
        },
    }
    both = {
        "dpi-db": {"vmid": 110, "site": SITE, "node": "ventoux-1", "memory": "4G"},
        "dns": {"kind": "ct", "vmid": 120, "site": SITE, "node": "ventoux-1", "memory": "1G"},
    }
    return Estate.model_validate(
        {
            "estate": "synergia",
            "sites": {SITE: merged(whole, site or {})},
            "guests": merged(both, guests or {}),
        }
    )


def merged(one, other):
    """Two documents as one, the second over the first."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    return one | {key: merged(one[key], value) if key in one else value for key, value in other.items()}


def wanted(kind, document, name):
    """One object that the estate wants."""
    return next(one for one in kind.desired(document, SITE) if one.ref.id == name)


def seen(kind, found, name, *, version=9, wanted_refs=()):
    """One object as the answers tell it, or None."""
    here = scope(*wanted_refs, version=version, everything=not wanted_refs)
    return next((one for one in kind.parse(here, found) if one.ref.id == name), None)


def work(kind, desired, observed, *, version=9, others=()):
    """What a kind is asked to do."""
    change = change_for(desired, observed, kind.traits) if desired and observed else None
    return Work(
        desired=desired,
        observed=observed,
        changed=frozenset(one.name for one in change.attributes) if change else frozenset(),
        seen={one.ref: one for one in others},
        version=version,
        mark=MARK,
    )


def illegal(calls):
    """The parameters of calls that the official schema refuses, with its words."""
    return {f"{one.method} {one.path}": problems for one in calls if (problems := _problems(one))}


def _problems(one):
    found = contract.match(one.path)
    if found is None or one.method not in found.methods:
        return {"": "no such method"}
    secrets = dict.fromkeys(one.secrets, "a-secret-of-length")
    return contract.check(found.template, one.method, {**found.params, **one.params, **secrets})[1]
