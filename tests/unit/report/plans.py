"""A small plan with something of everything, for the tests of what is shown."""

from datetime import UTC, datetime

from provisioner.model.base import GIB
from provisioner.model.objects import Ref
from provisioner.model.observation import EVERY
from provisioner.model.plan import (
    Action,
    AttributeChange,
    Blocker,
    Change,
    Effect,
    Plan,
    Risk,
    Step,
    Violation,
    Waiting,
)

CREATED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def vm(number, site="carpentras"):
    return Ref(site, "vm", str(number))


def step(ref, action, *attributes, requires=(), **more):
    change = Change(
        ref, more.pop("label", ref.id), action, tuple(AttributeChange(*row) for row in attributes), **more
    )
    return Step(change, frozenset(requires), f"{action}-{ref}")


def plan(*steps, **more):
    return Plan("synergia", CREATED, steps, digest="3fa9c04e5d1b77aa" * 4, **more)


NEW = step(
    vm(110),
    Action.CREATE,
    ("cores", None, 4),
    ("memory", None, 8 * GIB),
    ("net0.firewall", None, True),
    ("onboot", None, False),
    ("scsi0.size", None, 40 * GIB),
    ("vga", None, "serial0"),
    label="dpi-db",
)
GROWN = step(
    vm(111),
    Action.UPDATE,
    ("memory", 4 * GIB, 8 * GIB),
    ("tags", ("dpi", "old"), ("dpi", "tier0")),
    label="dpi-app",
    effects=frozenset({Effect.RESTART}),
    risk=Risk.MEDIUM,
    notes=("takes effect at the guest's next restart",),
    requires=[vm(110)],
)
RULES = step(
    Ref("cavaillon", "security_group", "web"),
    Action.UPDATE,
    ("rules", ("in ACCEPT -p tcp -dport 80", "in DROP"), ("in ACCEPT -p tcp -dport 443", "in DROP")),
    risk=Risk.MEDIUM,
)
GONE = step(
    vm(190, "cavaillon"),
    Action.DELETE,
    label="old-db",
    effects=frozenset({Effect.DESTROY}),
    risk=Risk.HIGH,
    notes=("what it holds is destroyed",),
)
FULL = plan(
    NEW,
    GROWN,
    RULES,
    GONE,
    unknown=((Ref("carpentras", "storage", EVERY), "Datastore.Audit on /storage is missing"),),
    violations=(
        Violation(Ref("carpentras", "ha_rule", "apart"), "apart", "a and b run on the same node n1"),
    ),
    waiting=(Waiting(vm(113), "lab", "memory", 4 * GIB, 8 * GIB),),
    blockers=(Blocker("VMID 120 on carpentras is 'foo'", "choose another VMID", (vm(120),), "conflict"),),
)
