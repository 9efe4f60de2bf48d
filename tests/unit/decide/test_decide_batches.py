"""In which order hosts are worked on."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from provisioner.decide.batches import batches
from provisioner.decide.machines import machines
from provisioner.estate.load import load

SYNERGIA = load(Path(__file__).parents[3] / "inventory" / "synergia", strict=False).estate
MACHINES = machines(SYNERGIA)


def test_guests_come_before_nodes_and_what_care_needs_least_comes_first():
    titles = [batch.title for batch in batches(MACHINES, SYNERGIA) if batch.title.startswith("carpentras")]
    guests = [title for title in titles if "node" not in title]
    assert titles == guests + [f"carpentras, node ventoux-{number}" for number in (1, 2, 3)]
    assert guests[-1] == "carpentras, tier 0"
    tiers = [title for title in guests if "tier" in title]
    assert tiers == sorted(tiers, reverse=True)


def test_nodes_go_one_at_a_time():
    nodes = [batch for batch in batches(MACHINES, SYNERGIA) if ", node " in batch.title]
    assert all(len(batch.hosts) == 1 for batch in nodes)
    assert len(nodes) == sum(len(site.nodes) for site in SYNERGIA.sites.values())


def test_the_first_host_goes_alone():
    assert len(batches(MACHINES, SYNERGIA)[0].hosts) == 1


def test_the_witness_is_last():
    assert batches(MACHINES, SYNERGIA)[-1].hosts == ("witness",)


@given(st.lists(st.sampled_from(MACHINES), unique=True))
def test_every_chosen_host_is_in_one_batch(some):
    found = [host for batch in batches(some, SYNERGIA) for host in batch.hosts]
    assert sorted(found) == sorted(machine.name for machine in some)
