"""Small clusters for the tests of decisions: written in YAML, read into the model."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from provisioner.model.base import SecretRef
from provisioner.model.objects import Desired, Mark, Observed, Ref, Traits
from provisioner.model.observation import NodeSeen, Observation

MONDAY_NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)

TRAITS = {
    one.kind: one
    for one in (
        Traits("role", "role", rank=5, markable=False),
        Traits("storage", "storage", rank=10, markable=False, immutable=("type",)),
        Traits("vnet", "SDN network", rank=15, delicate=True),
        Traits("sdn", "SDN configuration", rank=16, markable=False, delicate=True),
        Traits("interface", "network interface", rank=15, delicate=True),
        Traits("node_network", "running network", rank=16, markable=False, delicate=True),
        Traits("cluster_firewall", "cluster firewall", rank=66, markable=False, delicate=True),
        Traits("pool", "resource pool", rank=20, owned=("storages",)),
        Traits(
            "vm",
            "virtual machine",
            rank=50,
            immutable=("bios",),
            restart=("cpu", "memory", "scsi*.cache"),
            capacity=("memory", "cores"),
            grow_only=("scsi*.size",),
            disks=("scsi*.*", "unused*"),
            owned=("net*.*", "scsi*.*"),
            destroys=True,
        ),
        Traits("ct", "container", rank=50, destroys=True),
        Traits("user", "user", rank=6),
        Traits("token", "API token", rank=7),
        Traits("acl", "access control entry", rank=30),
        Traits("ha_rule", "HA rule", rank=65),
        Traits("backup", "backup job", rank=70, capacity=("prune",)),
        Traits("ha", "HA resource", rank=60),
        Traits("ha_resource", "HA resource", rank=60, stops=(("state", "stopped"),)),
    )
}


def ref(text):
    """`carpentras/vm/110`, or `vm/110` on the only site of most tests."""
    kind, _, identity = text.removeprefix("carpentras/").partition("/")
    return Ref("carpentras", kind, identity)


def frozen(values):
    """Attributes with lists as tuples, as kinds give them."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in (values or {}).items()}


def desired(text, row):
    place = ref(text)
    return Desired(
        ref=place,
        label=row.get("label", place.id),
        attributes=frozen(row.get("attributes")),
        at_creation=frozen(row.get("at_creation")),
        secrets={name: SecretRef(value) for name, value in row.get("secrets", {}).items()},
        requires=frozenset(map(ref, row.get("requires", ()))),
        activation=ref(row["activation"]) if "activation" in row else None,
    )


def observed(text, row):
    place = ref(text)
    return Observed(
        ref=place,
        label=row.get("label", place.id),
        attributes=frozen(row.get("attributes")),
        mark=Mark(row.get("mark", "ours")),
        digest=row.get("digest", ""),
        active=frozen(row.get("active")),
        node=row.get("node"),
        running=row.get("running", False),
        locked=row.get("locked", ""),
        activation=ref(row["activation"]) if "activation" in row else None,
    )


def wanted_and_seen(given):
    """The desired objects and the observation of the only site of a case."""
    seen = [observed(text, row or {}) for text, row in given.get("observed", {}).items()]
    observation = Observation(
        site="carpentras",
        at=MONDAY_NOON,
        version="9.0.3",
        quorate=given.get("quorate", True),
        nodes=tuple(NodeSeen(**row) for row in given.get("nodes", ())),
        objects={one.ref: one for one in seen},
        unknown={ref(text): reason for text, reason in given.get("unknown", {}).items()},
    )
    return [desired(text, row or {}) for text, row in given.get("desired", {}).items()], observation


def cases(file):
    """The cases of a table beside the tests, named by their sentence."""
    rows = yaml.safe_load((Path(__file__).parent / file).read_text(encoding="utf-8"))
    return [pytest.param(row["given"], row["expected"], id=row["name"]) for row in rows]
