"""What is written reads back as it was, and looks as people like it."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.estate.documents import assemble
from provisioner.estate.load import load
from provisioner.estate.source import read
from provisioner.estate.write import dump

ROOT = Path(__file__).parents[3]
TEXT = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=30),
    st.sampled_from(
        [
            "no",
            "on",
            "22:30",
            "0o17",
            "010",
            "1e3",
            "1_000",
            "null",
            "~",
            "",
            "=",
            "<<",
            "- a",
            "a: b",
            "#",
            "a #b",
        ]
    ),
    st.text(alphabet="ab \n\t:#-'\"", max_size=12),
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def back(text: str):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "estate.yml"
        file.write_bytes(text.encode())
        return read(file)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(TEXT.filter(bool), VALUES, min_size=1, max_size=4))
def test_what_is_written_reads_back_as_it_was(document):
    source = back(dump(document))
    assert source.problems == ()
    assert source.top == document


@pytest.mark.parametrize("name", ["synergia", "lab"])
def test_an_estate_that_is_written_anew_is_the_same_estate(name, tmp_path):
    original = ROOT / "inventory" / name
    (tmp_path / "estate.yml").write_text(dump(assemble(original / "estate.yml").top), encoding="utf-8")
    assert load(tmp_path).estate == load(original).estate


def test_a_guest_looks_like_one_that_a_person_wrote():
    guest = {
        "nics": {"net0": {"address": "10.84.20.21/24", "network": "servers"}},
        "memory": "4G",
        "vmid": 110,
        "tags": ["a", "b"],
        "start": {"order": 2},
        "site": "carpentras",
        "description": "Base : DPI",
        "node": "ventoux-1",
        "ha": {},
    }
    assert dump(
        {"guests": {"db": guest, "app": {"vmid": 111, "kind": "ct"}}, "estate": "x", "country": "NO"}
    ) == (
        "estate: x\n"
        "country: 'NO'\n"
        "\n"
        "guests:\n"
        "  db:\n"
        "    vmid: 110\n"
        "    site: carpentras\n"
        "    node: ventoux-1\n"
        "    description: 'Base : DPI'\n"
        "    memory: 4G\n"
        "    tags: [a, b]\n"
        "    start: {order: 2}\n"
        "    ha: {}\n"
        "    nics: {net0: {network: servers, address: 10.84.20.21/24}}\n"
        "\n"
        "  app:\n"
        "    kind: ct\n"
        "    vmid: 111\n"
    )
