"""What holds for every estate and every cluster."""

from dataclasses import replace

from decide_cases import MONDAY_NOON, TRAITS
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.decide.conflict import less
from provisioner.decide.diff import diff
from provisioner.decide.order import make_plan
from provisioner.model.objects import Desired, Mark, Observed, Ref
from provisioner.model.observation import EVERY, Observation
from provisioner.model.plan import Action

KINDS = ("storage", "vnet", "pool", "vm", "ct", "ha", "backup")
IDS = ("100", "101", "102")
SETTINGS = settings(max_examples=50, deadline=None)
SDN = Ref("carpentras", "sdn", "all")

refs = st.builds(Ref, st.just("carpentras"), st.sampled_from(KINDS), st.sampled_from(IDS))
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 9),
    st.text("ab", max_size=2),
    st.tuples(st.text("ab", max_size=1)),
)
names = st.sampled_from(
    (
        "name",
        "memory",
        "cores",
        "cpu",
        "tags",
        "type",
        "bios",
        "scsi0.size",
        "scsi1.size",
        "scsi1.storage",
        "net0.tag",
    )
)
attributes = st.dictionaries(names, values, max_size=5)


def _activation(ref):
    return SDN if ref.kind == "vnet" else None


@st.composite
def wants(draw):
    """Desired objects; each requires only objects of lower rank, as kinds do."""
    chosen = draw(st.sets(refs, max_size=8))
    return [
        Desired(
            ref,
            ref.id,
            draw(attributes),
            requires=frozenset(
                other
                for other in draw(st.sets(refs, max_size=3))
                if TRAITS[other.kind].rank < TRAITS[ref.kind].rank
            ),
            activation=_activation(ref),
        )
        for ref in sorted(chosen)
    ]


@st.composite
def sights(draw):
    """What is seen of the site; some of it unknown."""
    seen = {
        ref: Observed(
            ref,
            ref.id,
            draw(attributes),
            mark=draw(st.sampled_from(Mark)),
            digest=draw(st.text("01", max_size=1)),
            running=draw(st.booleans()),
            activation=_activation(ref),
        )
        for ref in sorted(draw(st.sets(refs, max_size=8)))
    }
    unknown = draw(st.sets(st.one_of(refs, refs.map(lambda ref: replace(ref, id=EVERY))), max_size=2))
    return Observation(
        "carpentras", MONDAY_NOON, quorate=True, objects=seen, unknown=dict.fromkeys(unknown, "no answer")
    )


def planned(wanted, seen):
    return make_plan("synergia", [diff(wanted, seen, TRAITS)], TRAITS, created=MONDAY_NOON)


@given(wants())
@SETTINGS
def test_what_is_as_wanted_needs_nothing(wanted):
    seen = {one.ref: Observed(one.ref, one.label, one.attributes, mark=Mark.OURS) for one in wanted}
    taken = {ref for ref in seen if {("vm", ref.id), ("ct", ref.id)} <= {(r.kind, r.id) for r in seen}}
    found = diff(
        [one for one in wanted if one.ref not in taken],
        Observation(
            "carpentras", MONDAY_NOON, objects={ref: one for ref, one in seen.items() if ref not in taken}
        ),
        TRAITS,
    )
    assert found.changes == found.blockers == found.waiting == ()


@given(wants(), sights())
@SETTINGS
def test_making_the_changes_leaves_nothing_to_change(wanted, seen):
    found = diff(wanted, seen, TRAITS)
    objects = dict(seen.objects)
    for change in found.changes:
        if change.action is Action.DELETE:
            del objects[change.ref]
            continue
        old = objects.get(change.ref, Observed(change.ref, change.label, {}))
        new = {one.name: one.after for one in change.attributes}
        objects[change.ref] = replace(old, attributes={**old.attributes, **new}, mark=Mark.OURS)
    again = diff(wanted, replace(seen, objects=objects), TRAITS)
    assert {change.ref for change in again.changes} <= found.taken


@given(wants(), sights())
@SETTINGS
def test_steps_come_after_what_they_require_and_each_object_has_one(wanted, seen):
    plan = planned(wanted, seen)
    place = {step.ref: number for number, step in enumerate(plan.steps)}
    assert len(place) == len(plan.steps)
    for step in plan.steps:
        assert all(place[required] < place[step.ref] for required in step.requires)


@given(wants(), sights())
@SETTINGS
def test_every_change_is_a_step_or_its_absence_is_explained(wanted, seen):
    found, plan = diff(wanted, seen, TRAITS), planned(wanted, seen)
    steps = {step.ref for step in plan.steps}
    explained = {ref for ref, _ in plan.unknown} | {ref for one in plan.blockers for ref in one.refs}
    assert {change.ref for change in found.changes} <= steps | explained
    assert steps <= {change.ref for change in found.changes} | {SDN}


@given(wants(), sights())
@SETTINGS
def test_nothing_is_touched_that_is_neither_declared_nor_ours(wanted, seen):
    declared = {one.ref for one in wanted} | {SDN}
    for step in planned(wanted, seen).steps:
        assert step.ref in declared or seen.objects[step.ref].mark is not Mark.NONE


@given(wants(), sights())
@SETTINGS
def test_what_is_unknown_has_no_step_and_nothing_that_needs_it_has_one(wanted, seen):
    for step in planned(wanted, seen).steps:
        assert seen.why_unknown(step.ref) is None
        if step.change.desired:
            assert all(seen.why_unknown(ref) is None for ref in step.change.desired.requires)


@given(wants(), sights())
@SETTINGS
def test_no_step_makes_a_disk_smaller_without_replacing_it(wanted, seen):
    for step in planned(wanted, seen).steps:
        sizes = [one for one in step.change.attributes if one.name.endswith(".size")]
        assert step.change.action is Action.REPLACE or not any(less(one.after, one.before) for one in sizes)


@given(wants(), sights(), st.randoms())
@SETTINGS
def test_a_plan_does_not_depend_on_the_order_of_what_it_is_made_from(wanted, seen, random):
    shuffled, objects = list(wanted), list(seen.objects.items())
    random.shuffle(shuffled)
    random.shuffle(objects)
    assert planned(shuffled, replace(seen, objects=dict(objects))) == planned(wanted, seen)
